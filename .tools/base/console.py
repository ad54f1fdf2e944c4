"""What the tools print: one line per step with its time, and one way to stop with a reason.

All of it goes to standard error: standard output is for the result of a command only.
"""

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import NoReturn


def say(text: str = "") -> None:
    """Prints a line."""
    print(text, file=sys.stderr, flush=True)


def stop_with(reason: str) -> NoReturn:
    """Ends the program with exit status 1."""
    raise SystemExit(f"\nerror: {reason}")


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """Prints the name of the step first and, when the body succeeds, its duration."""
    print(f"  {name} ... ", end="", file=sys.stderr, flush=True)
    begun = time.monotonic()
    yield
    say(f"{time.monotonic() - begun:.1f} s")
