"""Locks the Python packages of the tools, and compares everything with the known vulnerabilities."""

import subprocess

from base import venvs
from base.paths import ROOT, TOOLS

FOLDER = TOOLS / "requirements"
GOVULNCHECK = ["go", "tool", "-modfile=.ci/govulncheck.mod", "govulncheck"]


def lock(upgrade: bool) -> int:
    """Writes the lock file of every environment, for every system and Python that the tools run on.

    Packages keep their locked version where the requirements allow it, unless all are upgraded. Returns the first
    bad exit status.
    """
    major, minor = venvs.OLDEST_PYTHON
    uv = [
        str(venvs.make(venvs.UV) / "uv"),
        "pip",
        "compile",
        "--quiet",
        "--universal",
        f"--python-version={major}.{minor}",
    ]
    options = ["--generate-hashes", "--no-annotate", "--custom-compile-command", "make lock"]
    options += ["--upgrade"] if upgrade else []
    commands = [[*uv, *options, f"{name}.txt", "--output-file", f"{name}.lock"] for name in venvs.names()]
    return next((code for command in commands if (code := subprocess.run(command, cwd=FOLDER).returncode)), 0)


def audit() -> int:
    """Runs govulncheck on the Go code and pip-audit on every lock file; returns the highest exit status.

    Both download their database. They report different things, so one does not stop the other. With --strict,
    pip-audit fails when it cannot look a package up.
    """
    codes = [subprocess.run([*GOVULNCHECK, "./..."], cwd=ROOT).returncode]
    pip_audit = [
        str(venvs.make("audit") / "pip-audit"),
        "--require-hashes",
        "--disable-pip",
        "--strict",
        "--progress-spinner=off",
    ]
    for name in venvs.names():
        print(f"Packages of {venvs.lock_file(name).relative_to(ROOT)}:", flush=True)
        codes.append(subprocess.run([*pip_audit, "--requirement", str(venvs.lock_file(name))], cwd=ROOT).returncode)
    return max(codes)
