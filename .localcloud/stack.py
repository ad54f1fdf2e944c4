"""The commands behind the Makefile's local targets: `python3 stack.py <command>`.

Starts with whatever Python 3 there is and goes on in the virtual environment `cloud`.
"""

import os
import sys
from pathlib import Path

import venvs

venvs.check_python()
if Path(sys.prefix) != venvs.VENVS / "cloud":
    python = str(venvs.cloud() / "python")
    os.execv(python, [python, *sys.argv])

import cloud  # noqa: E402 (needs the virtual environment)
from say import say, stop_with  # noqa: E402


def test_up() -> None:
    """A test cloud with the stack in it; stays up when the stack cannot be deployed."""
    it = cloud.test()
    it.start()
    it.write_stack()
    say(f"  {it.endpoint}")


def test_down() -> None:
    it = cloud.test()
    say("  Stopped the test cloud." if it.stop() else "  No test cloud runs.")


COMMANDS = {"test-up": test_up, "test-down": test_down}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
