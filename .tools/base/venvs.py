"""The virtual environments of the local cloud, made on demand under .local/venv.

One for each program, because they pin different versions of the same packages. Standard library
only: this runs before anything is installed.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from base.console import alone, step, stop_with

TOOLS = Path(__file__).resolve().parent.parent
ROOT = TOOLS.parent
VENVS = ROOT / ".local" / "venv"
OLDEST_PYTHON = (3, 11)  # tomllib; the SAM CLI and ministack want 3.10


def cloud() -> Path:
    """The folder of programs of the environment that has ministack, boto3 and the verifier."""
    return make("cloud")


def sam() -> Path:
    """The folder that holds `sam`: the PATH's when it is new enough, else an environment's."""
    if found := shutil.which("sam"):
        answer = subprocess.run([found, "--version"], capture_output=True, text=True).stdout
        wanted = re.search(r"aws-sam-cli==([\d.]+)", requirements("sam").read_text()).group(1)
        if (version := re.search(r"version ([\d.]+)", answer)) and numbers(version.group(1)) >= numbers(wanted):
            return Path(found).parent
    return make("sam")


def make(name: str) -> Path:
    """Creates the environment, or again when its requirement file is not the one it was made from, or the
    checkout was moved: its programs name the place where it was made."""
    with alone(VENVS / f"{name}.lock"):
        return make_alone(name)


def make_alone(name: str) -> Path:
    folder, wanted = VENVS / name, requirements(name).read_text() + f"\n# python {sys.version} in {VENVS / name}\n"
    made_from = folder / "made-from.txt"
    if made_from.exists() and made_from.read_text() == wanted:
        return folder / "bin"
    with step(f"Install {what(name)} into .local/venv/{name}"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        run([sys.executable, "-m", "venv", str(folder)], hint="Debian and Ubuntu keep it in the package python3-venv.")
        run([str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "-r", str(requirements(name))])
        made_from.write_text(wanted)
    return folder / "bin"


def run(command: list[str], hint: str = "") -> None:
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        stop_with(f"{' '.join(command)} failed:\n{result.stdout.strip()}\n{hint}".strip())


def requirements(name: str) -> Path:
    return TOOLS / "requirements" / f"{name}.txt"


def what(name: str) -> str:
    return ", ".join(line for line in requirements(name).read_text().split("\n") if line and line[0] != "#")


def numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part]


def check_python() -> None:
    if sys.version_info < OLDEST_PYTHON:
        stop_with(f"Python {'.'.join(map(str, OLDEST_PYTHON))} or newer is needed; {sys.executable} is {sys.version.split()[0]}.")
