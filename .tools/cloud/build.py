"""Builds the functions with `sam build`, unless nothing has changed since the last build."""

import hashlib
import os
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path

from base import samconfig, venvs
from base.console import step, stop_with
from base.paths import LOCAL, ROOT
from base.processes import locked, output, run_quietly

TEMPLATE = ROOT / "template.yaml"
# On macOS the local cloud runs binaries for macOS; they are built apart from those for `sam local`'s containers.
NATIVE = platform.system() == "Linux" or os.environ.get("LAMBDA_EXECUTOR") == "docker"
# Not in .aws-sam, where `sam build` and `sam deploy` keep what goes to AWS: these binaries are for this machine.
BUILD = LOCAL / "build" / ("linux" if NATIVE else "host")
# In the build folder: `sam build --config-env local` empties it, so the next build here is a full one.
BUILT_FROM = BUILD / "built-from.txt"
LOG = LOCAL / "build.log"
DEFAULT_ARCHITECTURE = "arm64"  # the template's
LOCK = LOCAL / "build.lock"  # make run and make test share the build
# -s also omits the DWARF data; with -buildvcs=false a commit does not change the binary.
BUILD_ENV = {
    "CGO_ENABLED": "0",
    "GOFLAGS": "-trimpath -buildvcs=false -tags=lambda.norpc -ldflags=-s",
    "SAM_CLI_TELEMETRY": "0",
}


def build() -> None:
    """Runs `sam build`, unless the sources are those of the last build."""
    check_tools()
    with locked(LOCK):
        sources = source_hash()
        if BUILT_FROM.exists() and BUILT_FROM.read_text() == sources:
            return
        sam = str(venvs.sam())
        with step("Build the functions"):
            compile_once(architecture())
            command = [sam, "build", "--config-env", "local", "--build-dir", str(BUILD)]
            run_quietly([*command, "--parameter-overrides", *overrides()], LOG, os.environ | BUILD_ENV)
            if not NATIVE:
                build_for_this_machine()
            BUILT_FROM.write_text(sources)


def check_tools() -> None:
    """Stops without a Go that can build this module. Everything else is installed on demand."""
    try:
        answer = subprocess.run(["go", "version"], cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        stop_with("Go is not installed, or not on the PATH; go.mod names the version.")
    if answer.returncode:
        stop_with(f"this Go cannot build the module:\n{answer.stderr.strip()}")


def compile_once(processor: str) -> None:
    """Fills Go's cache. Otherwise each of SAM's parallel builds would compile the shared packages."""
    go_architecture = {"x86_64": "amd64"}.get(processor, processor)
    target = {"GOOS": "linux", "GOARCH": go_architecture}
    run_quietly(["go", "build", "./functions/..."], LOG, os.environ | BUILD_ENV | target)


def build_for_this_machine() -> None:
    """Replaces the Linux binaries by binaries for this system: the local cloud runs them as processes."""
    for folder in (ROOT / "functions").iterdir():
        for binary in BUILD.glob("*/bootstrap"):
            if f"functions/{folder.name}\n" in output(["go", "version", "-m", str(binary)]):
                command = ["go", "build", "-o", str(binary), f"./functions/{folder.name}"]
                subprocess.run(command, cwd=ROOT, env=os.environ | BUILD_ENV, check=True)


def overrides() -> list[str]:
    """The template's parameters of the `local` environment, with this machine's architecture."""
    parameters = samconfig.deployment("local").parameters | {"Architecture": architecture()}
    return [f"{name}={value}" for name, value in parameters.items()]


def architecture() -> str:
    """The processor of this machine by Lambda's name."""
    return "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"


def source_hash() -> str:
    """A hash of everything that a build depends on: sources without tests, the template, settings and tools."""
    folders = [ROOT / "functions", ROOT / "shared"]
    sources = [path for folder in folders for path in folder.rglob("*") if not path.name.endswith("_test.go")]
    files = [ROOT / "go.mod", ROOT / "go.sum", TEMPLATE, samconfig.FILE, venvs.requirements("sam")]
    go = subprocess.run(["go", "version"], cwd=ROOT, capture_output=True, text=True).stdout
    return digest([*sources, *files], f"{go} {sorted(BUILD_ENV.items())} {overrides()}")


def digest(files: Iterable[Path], rest: str) -> str:
    """A hash of a text and of files, by name and content."""
    sha = hashlib.sha256(rest.encode())
    for path in sorted(path for path in files if path.is_file()):
        content = path.read_bytes()
        sha.update(f"\n{path.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return sha.hexdigest()
