"""Runs the tests of this checkout, or another program, against a test cloud."""

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from base.console import stop_with
from base.paths import ROOT, TOOLS
from cloud import local_stack
from cloud.build import BUILD_ENV
from cloud.instance import Cloud


def test(port: int, command: Sequence[str]) -> int:
    """Runs the command and, beside it, the tools' own unit tests in a test cloud with the stack.

    Returns the exit status. The unit tests have tables, queues and stacks of their own; their output comes last.
    """
    with local_stack.test_cloud(port) as cloud, ThreadPoolExecutor() as beside:
        units = beside.submit(unit_tests, cloud)
        code = run(cloud, command)
        tested = units.result()
        print(tested.stdout, file=sys.stderr)
        return code or tested.returncode


def unit_tests(cloud: Cloud) -> subprocess.CompletedProcess[str]:
    """Runs the unit tests of the tools."""
    missing = {test.parent for test in TOOLS.glob("*/**/*_test.py") if not (test.parent / "__init__.py").exists()}
    if missing or not list(TOOLS.glob("*_test.py")):
        stop_with(f"unittest finds no tests in {missing or TOOLS}: it skips folders without __init__.py silently.")
    discover = ["discover", "-s", str(TOOLS), "-t", str(TOOLS), "-p", "*_test.py"]
    command = [sys.executable, "-m", "unittest", *discover]
    env, output = cloud.aws_environment(), subprocess.PIPE
    return subprocess.run(command, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT, text=True)


def measure(port: int, command: Sequence[str]) -> int:
    """Runs a command against an empty test cloud: it makes its own tables, and nothing is deployed."""
    with local_stack.test_cloud(port, deployed=False) as cloud:
        return run(cloud, command)


def run(cloud: Cloud, command: Sequence[str]) -> int:
    """Runs a command with the variables that the Go tests read: WEBHOOKS_… and AWS_…."""
    own = {"WEBHOOKS_STACK": str(cloud.stack_file), "WEBHOOKS_GOFLAGS": BUILD_ENV["GOFLAGS"]}
    return subprocess.run(command, env=cloud.aws_environment() | own, cwd=ROOT).returncode
