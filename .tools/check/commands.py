"""The commands that check this checkout. Most of them start a test cloud, and stop it afterwards."""

import argparse
import json
import os
from typing import Any, NoReturn

from base.commands import add, pass_on
from base.options import CONCURRENCY, DURATION, RATE, SECONDS_TO_TRY, SEED, TEST_PORT


def add_to(commands: Any) -> None:
    """Adds the commands."""
    tests = add(commands, "test", test, "run a command, then the tools' unit tests, in a test cloud", TEST_PORT)
    pass_on(tests, "the command, such as go test ./...")
    measured = add(commands, "measure", measure, "run a command against an empty test cloud", TEST_PORT)
    pass_on(measured, "the command")
    against = add(commands, "test-env", test_env, "run a command against the running test cloud")
    pass_on(against, "the command")
    add(commands, "test-up", test_up, "start a test cloud with the stack and leave it running", TEST_PORT)
    add(commands, "test-down", test_down, "stop the test cloud")
    add(commands, "test-containers", test_containers, "run the functions in containers of the SAM CLI", TEST_PORT)
    add(commands, "schemathesis", schemathesis, "test the API against openapi.json", TEST_PORT, SECONDS_TO_TRY, SEED)
    add(commands, "clients", clients, "make clients of openapi.json, and publish an event with each", TEST_PORT)
    add(commands, "isolation", isolation, "measure what receivers and tenants do", TEST_PORT, DURATION, CONCURRENCY)
    add(commands, "soak", soak, "publish while functions are killed and receivers fail", DURATION, RATE)
    add(commands, "variants", variants, "print the template of every kind of deployment, processed by SAM")
    add(commands, "lint", lint, "check the Python code with ruff and mypy")
    add(commands, "template-lint", template_lint, "check the template with cfn-lint and its policies with parliament")
    add(commands, "format", format_code, "format the Python code with ruff")
    pass_on(add(commands, "checkov", checkov, "run checkov"), "its arguments")
    locks = add(commands, "lock", lock, "write the lock files of the Python packages")
    locks.add_argument("--upgrade", action="store_true", help="take the newest versions of indirect packages")
    add(commands, "audit", audit, "compare all packages with the known vulnerabilities")


def test(args: argparse.Namespace) -> int:
    """`make test`."""
    from check import go_tests

    return go_tests.test(args.test_port, args.arguments)


def measure(args: argparse.Namespace) -> int:
    """A step of `make bench` and `make cost`."""
    from check import go_tests

    return go_tests.measure(args.test_port, args.arguments)


def test_env(args: argparse.Namespace) -> int:
    """`make test-go`."""
    from check import go_tests
    from cloud import local_stack

    return go_tests.run(local_stack.running_test_cloud(), args.arguments)


def test_up(args: argparse.Namespace) -> None:
    """`make test-up`. The cloud stays up when the stack cannot be built or deployed."""
    from cloud import local_stack

    local_stack.start_test_cloud(args.test_port)


def test_down(args: argparse.Namespace) -> None:
    """`make test-down`."""
    from cloud import local_stack

    local_stack.stop_test_cloud()


def test_containers(args: argparse.Namespace) -> None:
    """`make test-containers`."""
    from check import container_check
    from cloud import local_stack

    with local_stack.test_cloud(args.test_port) as cloud:
        container_check.check(cloud)


def schemathesis(args: argparse.Namespace) -> int:
    """`make schemathesis`."""
    from check import conformance
    from cloud import local_stack

    with local_stack.test_cloud(args.test_port) as cloud:
        return conformance.check(cloud, args.seconds_to_try, args.seed)


def clients(args: argparse.Namespace) -> None:
    """`make clients`."""
    from check import clients as check_clients
    from cloud import local_stack

    with local_stack.test_cloud(args.test_port) as cloud:
        check_clients.check(cloud)


def isolation(args: argparse.Namespace) -> None:
    """`make isolation`."""
    from check import isolation as check_isolation
    from cloud import local_stack

    with local_stack.test_cloud(args.test_port) as cloud:
        check_isolation.compare(cloud, args.duration, args.concurrency)


def soak(args: argparse.Namespace) -> int:
    """`make soak`."""
    from check import soak as check_soak

    return check_soak.soak(args.duration, args.rate)


def variants(args: argparse.Namespace) -> None:
    """A step of the architecture tests."""
    from check import variants as check_variants

    print(json.dumps(check_variants.variants()))


def lint(args: argparse.Namespace) -> int:
    """A step of `make lint`."""
    from check import lint as check_lint

    return check_lint.lint()


def template_lint(args: argparse.Namespace) -> int:
    """A step of `make lint`."""
    from check import template_lint as check_template

    return check_template.lint()


def format_code(args: argparse.Namespace) -> int:
    """A step of `make fmt`."""
    from check import lint as check_lint

    return check_lint.format_code()


def checkov(args: argparse.Namespace) -> NoReturn:
    """Replaces this process by checkov, the security linter of the template."""
    from base import venvs

    program = str(venvs.make("checkov") / "checkov")
    os.execve(program, [program, *args.arguments], os.environ | {"LOG_LEVEL": "ERROR"})


def lock(args: argparse.Namespace) -> int:
    """`make lock`."""
    from check import supply

    return supply.lock(args.upgrade)


def audit(args: argparse.Namespace) -> int:
    """`make audit`."""
    from check import supply

    return supply.audit()
