"""The virtual environments of the tools, made on demand under .local/venv.

There is one for each .txt file in requirements/, because the programs pin different versions of the
same packages. The .lock file beside it names every package that is installed, with its hashes: a
registry that serves another file is refused. This module needs the standard library only: it runs
before anything is installed.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from base.console import step, stop_with
from base.paths import LOCAL, TOOLS
from base.processes import locked, output

VENVS = LOCAL / "venv"
OLDEST_PYTHON = (3, 11)  # tomllib; the SAM CLI and ministack need 3.10


def python() -> Path:
    """The Python of the environment that the tools themselves run in."""
    return make("cloud") / "python"


def runs_here() -> bool:
    """Whether this process runs in that environment."""
    return Path(sys.prefix).resolve() == (VENVS / "cloud").resolve()


def sam() -> Path:
    """The SAM CLI: the one on the PATH when it is new enough, else the one of an environment."""
    if found := shutil.which("sam"):
        version = re.search(r"version ([\d.]+)", output([found, "--version"]))
        if version and numbers(version[1]) >= numbers(pinned("sam", "aws-sam-cli")):
            return Path(found)
    return make("sam") / "sam"


def make(name: str) -> Path:
    """The folder with the programs of an environment.

    The environment is rebuilt when its packages, Python, or the path of the checkout have changed:
    its programs contain the path of their folder.
    """
    with locked(VENVS / f"{name}.lock"):
        folder = VENVS / name
        made_from = folder / "made-from.txt"
        wanted = "\n".join([lock_file(name).read_text(), f"python {sys.version} in {folder}"])
        if not made_from.exists() or made_from.read_text() != wanted:
            uv = None if name == UV else make(UV) / "uv"  # before the step, which prints one line
            with step(f"Install {', '.join(packages(name))} into .local/venv/{name}"):
                install(name, folder, uv)
                made_from.write_text(wanted)
    return folder / "bin"


def install(name: str, folder: Path, uv: Path | None) -> None:
    """Makes the environment in an empty folder.

    uv is faster than pip. It does not read pip's configuration, so pip installs what uv cannot.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not uv or not succeeds(uv_commands(uv, name, folder)):
        shutil.rmtree(folder, ignore_errors=True)
        install_with_pip(name, folder)


# The lock file is complete. Without --no-deps, pip wants another hash for a package that a dependency names with an
# extra, such as boto3[crt].
LOCKED = ["--require-hashes", "--no-deps", "-r"]
UV = "uv"  # the environment of uv itself


def uv_commands(uv: Path, name: str, folder: Path) -> list[list[str]]:
    """The commands that make the environment with uv."""
    python_path = str(folder / "bin" / "python")
    return [
        [str(uv), "venv", "--quiet", "--python", sys.executable, str(folder)],
        [str(uv), "pip", "install", "--quiet", "--python", python_path, *LOCKED, str(lock_file(name))],
    ]


def succeeds(commands: Sequence[Sequence[str]]) -> bool:
    """Runs the commands until one fails; returns whether none did."""
    return all(subprocess.run(command, capture_output=True).returncode == 0 for command in commands)


def install_with_pip(name: str, folder: Path) -> None:
    """Makes the environment with pip."""
    run([sys.executable, "-m", "venv", str(folder)], hint="On Debian and Ubuntu, install the package python3-venv.")
    pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, *LOCKED, str(lock_file(name))])


def run(command: Sequence[str], hint: str = "") -> None:
    """Runs a program; when it fails, stops with its output."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        stop_with(f"{' '.join(command)} failed:\n{result.stdout.strip()}\n{hint}".strip())


def requirements(name: str) -> Path:
    """The requirement file of an environment."""
    return TOOLS / "requirements" / f"{name}.txt"


def lock_file(name: str) -> Path:
    """The file with all packages of an environment and their hashes, which `make lock` writes."""
    return requirements(name).with_suffix(".lock")


def names() -> list[str]:
    """The names of all environments."""
    return sorted(file.stem for file in (TOOLS / "requirements").glob("*.txt"))


def packages(name: str) -> list[str]:
    """The packages that an environment is made for, with their versions."""
    lines = requirements(name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def pinned(name: str, package: str) -> str:
    """The version of a package that an environment pins."""
    return dict(line.split("==") for line in packages(name))[package]


def numbers(version: str) -> list[int]:
    """The numbers of a version, for comparisons."""
    return [int(part) for part in version.split(".") if part]


def check_python() -> None:
    """Stops when this Python is too old for the tools."""
    if sys.version_info < OLDEST_PYTHON:
        wanted, have = ".".join(map(str, OLDEST_PYTHON)), sys.version.split()[0]
        stop_with(f"Python {wanted} or newer is needed; {sys.executable} is {have}.")
