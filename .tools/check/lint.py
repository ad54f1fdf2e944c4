"""Checks and formats the tools' own code: ruff and mypy, whose settings are beside this package."""

import subprocess

from base import venvs
from base.paths import ROOT, TOOLS

RUFF = ["--config", str(TOOLS / ".ruff.toml"), str(TOOLS)]


def lint() -> int:
    """Runs ruff's linter, ruff's formatter as a check, and mypy; returns the first bad exit status."""
    programs = venvs.make("lint")
    commands = [
        [str(programs / "ruff"), "check", "--quiet", *RUFF],
        [str(programs / "ruff"), "format", "--check", "--quiet", *RUFF],
        [str(programs / "mypy"), "--config-file", str(TOOLS / ".mypy.ini"), str(TOOLS)],
    ]
    return next((code for command in commands if (code := subprocess.run(command, cwd=ROOT).returncode)), 0)


def format_code() -> int:
    """Formats the code and sorts its imports; returns the exit status."""
    ruff = str(venvs.make("lint") / "ruff")
    commands = [[ruff, "check", "--quiet", "--select", "I", "--fix", *RUFF], [ruff, "format", "--quiet", *RUFF]]
    return max(subprocess.run(command, cwd=ROOT).returncode for command in commands)
