"""What the local cloud reads and prints: durations, one line per step with its time, and one way to stop with a reason.

All of it goes to standard error, so that a command's standard output holds its answer only.
"""

import contextlib
import fcntl
import re
import subprocess
import sys
import time
from pathlib import Path


def say(text: str = "") -> None:
    print(text, file=sys.stderr, flush=True)


def stop_with(reason: str):
    """Ends the program with exit status 1."""
    raise SystemExit(f"\nerror: {reason}")


def seconds(text: str) -> float:
    """Of a duration such as 60s or 10m."""
    match = re.fullmatch(r"(\d+)(s|m|h)?", text.strip())
    if not match:
        stop_with(f"DURATION must be like 60s or 10m, not {text!r}.")
    return int(match[1]) * {"s": 1, "m": 60, "h": 3600, None: 1}[match[2]]


@contextlib.contextmanager
def step(name: str):
    """Prints the step when it begins and its seconds when it ends well."""
    print(f"  {name} ... ", end="", file=sys.stderr, flush=True)
    begun = time.monotonic()
    yield
    say(f"{time.monotonic() - begun:.1f} s")


@contextlib.contextmanager
def alone(file: Path):
    """Waits until no other command of this checkout is within the same part, then keeps others out."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run_quietly(command: list[str], log: Path, env: dict[str, str], cwd: Path, hint: str = "") -> None:
    """Runs a program with its output in a log, and shows the end of the log when it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as out:
        code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=env, cwd=cwd).returncode
    if code:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        stop_with("\n".join([f"{Path(command[0]).name} {command[1]} failed:", *lines[-40:], f"All of it: {log}", hint]).rstrip())
