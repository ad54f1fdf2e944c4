"""Runs the tests of this checkout, or another program, against a test cloud."""

import subprocess
import sys
from collections.abc import Sequence

from base.console import stop_with
from base.paths import ROOT, TOOLS
from cloud import local_stack
from cloud.build import BUILD_ENV
from cloud.instance import Cloud


def test(port: int, command: Sequence[str]) -> int:
    """Runs the command and then the tools' own unit tests in a test cloud with the stack; returns the exit status."""
    with local_stack.test_cloud(port) as cloud:
        return run(cloud, command) or unit_tests(cloud)


def unit_tests(cloud: Cloud) -> int:
    """Runs the unit tests of the tools; returns the exit status."""
    missing = {test.parent for test in TOOLS.glob("*/**/*_test.py") if not (test.parent / "__init__.py").exists()}
    if missing or not list(TOOLS.glob("*_test.py")):
        stop_with(f"unittest finds no tests in {missing or TOOLS}: it skips folders without __init__.py silently.")
    discover = ["discover", "-s", str(TOOLS), "-t", str(TOOLS), "-p", "*_test.py"]
    command = [sys.executable, "-m", "unittest", *discover]
    return subprocess.run(command, cwd=ROOT, env=cloud.aws_environment()).returncode


def measure(port: int, command: Sequence[str]) -> int:
    """Runs a command against an empty test cloud: it makes its own tables, and nothing is deployed."""
    with local_stack.test_cloud(port, deployed=False) as cloud:
        return run(cloud, command)


def run(cloud: Cloud, command: Sequence[str]) -> int:
    """Runs a command with the variables that the Go tests read: WEBHOOKS_… and AWS_…."""
    own = {"WEBHOOKS_STACK": str(cloud.stack_file), "WEBHOOKS_GOFLAGS": BUILD_ENV["GOFLAGS"]}
    return subprocess.run(command, env=cloud.aws_environment() | own, cwd=ROOT).returncode
