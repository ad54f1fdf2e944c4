"""Runs other programs, waits for them, and lets only one command of this checkout do something at a time."""

import contextlib
import fcntl
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from base.console import say, stop_with
from base.paths import ROOT


def run_quietly(command: Sequence[str], log: Path, env: Mapping[str, str], hint: str = "") -> None:
    """Runs a program in the root of the checkout with its output in a log. A failure prints the end of the log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as out:
        run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=env, cwd=ROOT)
    if run.returncode:
        name = f"{Path(command[0]).name} {command[1]}"
        stop_with("\n".join([f"{name} failed:", tail(log, 40), f"The whole output: {log}", hint]).rstrip())


def output(command: Sequence[str]) -> str:
    """The standard output of a program, whatever its exit status."""
    return subprocess.run(command, capture_output=True, text=True).stdout


def tail(log: Path, lines: int = 20) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def wait_until(condition: Callable[[], bool], seconds: float, process: subprocess.Popen[bytes], log: Path) -> None:
    """Waits until the condition is true. Stops when the process ends before, or when it takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        ended = process.poll() is not None
        if ended or time.monotonic() > deadline:
            fault = "ended" if ended else f"is not ready after {seconds:.0f} s"
            stop_with(f"{Path(str(process.args[0])).name} {fault}:\n{tail(log, 30)}")  # type: ignore[index]
        time.sleep(0.1)


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Holds the file's lock: only one command of this checkout runs the body at a time."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def undisturbed(doing: str) -> Iterator[None]:
    """Lets the body finish although someone presses Ctrl-C or ends the program, and then says what it is doing.

    The signal is forgotten: use it around what must not be left half done and takes seconds.
    """

    def wait(*_: object) -> None:
        say(f"\n  {doing} ...")

    before = {number: signal.signal(number, wait) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
