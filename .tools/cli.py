"""The commands of the tools and their options.

Parsing needs the standard library only, so that a wrong option is reported before anything is installed: each
command imports its module when it runs. Every option also reads the environment variable by which the Makefile
passes it.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from base.console import say, stop_with

if TYPE_CHECKING:
    from base.stacks import Stack

PROGRAM = "python3 .tools"
Command = Callable[[argparse.Namespace], int | None]
# The commands whose arguments are those of another program.
PASS_ON = ("test", "test-env", "measure", "sam", "checkov", "start-api")


class Parser(argparse.ArgumentParser):
    """Reports a wrong argument as the tools report every error."""

    def error(self, message: str) -> NoReturn:
        """Ends the program with exit status 2."""
        # An option's own message begins with the name of its variable.
        message = re.sub(r"^argument --[a-z-]+: (?=[A-Z])", "", message)
        say(f"\nerror: {message}\n`{self.prog} --help` shows what is possible.")
        sys.exit(2)


def help_format(prog: str) -> argparse.HelpFormatter:
    """Gives the help texts enough room for one line each."""
    return argparse.HelpFormatter(prog, max_help_position=28, width=110)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The parsed command line; the command's function is `run`."""
    text = "Runs one of the tools of this checkout. `make` lists the targets that use them."
    parser = Parser(prog=PROGRAM, usage=f"{PROGRAM} COMMAND ...", description=text, formatter_class=help_format)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_local_commands(commands)
    add_operating_commands(commands)
    add_checks(commands)
    add_programs(commands)
    # argparse would take the options of the other program for its own.
    if arguments and arguments[0] in PASS_ON and not {"-h", "--help"} & set(arguments[1:2]):
        parsed = parser.parse_args(arguments[:1])
        parsed.arguments = list(arguments[1:])
        return parsed
    return parser.parse_args(arguments)


def run(arguments: argparse.Namespace) -> NoReturn:
    """Runs the command and ends with its exit status. A failed call of AWS ends the program with one line."""
    from botocore.exceptions import BotoCoreError, ClientError

    command: Command = arguments.run
    try:
        sys.exit(command(arguments))
    except (BotoCoreError, ClientError) as error:
        stop_with(str(error))


# ---- Commands on the local stack


def add_local_commands(commands: Any) -> None:
    """Adds the commands behind the Makefile's first part."""
    for name, command, text in (
        ("run", make_run, "start the service on this machine, deploy it and deliver one event"),
        ("stop", stop, "stop the local cloud and keep its data"),
        ("reset", reset, "stop the local cloud and delete its data"),
        ("logs", logs, "follow the functions' logs"),
    ):
        add(commands, name, command, text, PORT)
    add(commands, "publish", publish, "publish one event to the local stack", PORT, TENANT, TYPE, DATA, VIA)
    add(commands, "api-key", api_key, "print a new API key", PORT, TENANT, SCOPES)
    add(commands, "api-keys", api_keys, "list the API keys of a tenant", PORT, TENANT)
    add(commands, "revoke-key", revoke_key, "revoke an API key", PORT, KEY_ID)
    add(commands, "build", build, "run `sam build` for this machine's processor")
    start = add(commands, "start-api", start_api, "run `sam local start-api` on the local stack", PORT)
    pass_on(start, "options of `sam local start-api`")
    call = add(commands, "invoke", invoke, "run `sam local invoke` on the local stack", PORT)
    call.add_argument("function", metavar="FUNCTION", nargs="?", help="the logical id, such as ListWebhooksFunction")
    call.add_argument("event", metavar="EVENT", nargs="?", help="a file, such as events/list-webhooks.json")


def make_run(args: argparse.Namespace) -> None:
    """`make run`."""
    from cloud import run

    run.run(args.port)


def stop(args: argparse.Namespace) -> None:
    """`make stop`."""
    from cloud import run

    run.stop(args.port)


def reset(args: argparse.Namespace) -> None:
    """`make reset`."""
    from cloud import run

    run.reset(args.port)


def logs(args: argparse.Namespace) -> None:
    """`make logs`."""
    from cloud import local_stack
    from cloud import logs as cloud_logs

    cloud_logs.follow(local_stack.running(args.port)[0])


def publish(args: argparse.Namespace) -> None:
    """`make publish`; prints the id of the event."""
    from cloud import local_stack
    from cloud import publish as cloud_publish

    cloud, stack = local_stack.running(args.port)
    print(cloud_publish.publish(cloud, stack, args.via, args.type, args.tenant, args.data))


def api_key(args: argparse.Namespace) -> None:
    """`make api-key`; prints the key and nothing else."""
    from base import keys

    print(keys.issue(running_stack(args.port), args.tenant, args.scopes))


def api_keys(args: argparse.Namespace) -> None:
    """`make api-keys`; prints the ids, scopes and times of the keys."""
    from base import keys

    print_json(keys.ask(running_stack(args.port), action="list", tenant_id=args.tenant))


def revoke_key(args: argparse.Namespace) -> None:
    """`make revoke-key`."""
    from base import keys

    print_json(keys.ask(running_stack(args.port), action="revoke", key_id=args.key_id))


def build(args: argparse.Namespace) -> None:
    """`make build`."""
    from cloud import build as cloud_build

    cloud_build.build()


def start_api(args: argparse.Namespace) -> None:
    """`make start-api`."""
    from cloud import containers, local_stack

    containers.start_api(local_stack.running(args.port)[0], args.arguments)


def invoke(args: argparse.Namespace) -> None:
    """`make invoke`."""
    if not args.function or not args.event:
        example = "make invoke FUNCTION=ListWebhooksFunction EVENT=events/list-webhooks.json"
        stop_with(f"name a function and an event: {example}")
    from cloud import containers, local_stack

    containers.invoke(local_stack.running(args.port)[0], args.function, args.event)


# ---- Commands on a stack in AWS, or on the local one


def add_operating_commands(commands: Any) -> None:
    """Adds what a platform engineer runs."""
    add(commands, "letters", letters, "list the dead letters by reason, with what to do", PORT, STACK)
    add(commands, "redrive", redrive, "send dead letters back to their queue", PORT, STACK, QUEUE, REASON)
    add(commands, "account-check", account_check, "warn when the AWS account may run few functions at once")
    gradual = add(commands, "template", template, "print the template to deploy; it makes a gradual one when needed")
    gradual.add_argument("template", metavar="TEMPLATE", help="the built template")
    gradual.add_argument("environment", metavar="ENVIRONMENT", help="an environment of samconfig.toml")
    tested = add(commands, "smoke", smoke, "try a deployed stack and measure it")
    tested.add_argument("environment", metavar="ENVIRONMENT", help="local, or an environment of samconfig.toml")


def letters(args: argparse.Namespace) -> None:
    """`make letters`."""
    from operate import letters as operate_letters

    operate_letters.show(operated_stack(args))


def redrive(args: argparse.Namespace) -> None:
    """`make redrive`."""
    from operate import redrive as operate_redrive

    operate_redrive.redrive(operated_stack(args), args.queue, args.reason)


def account_check(args: argparse.Namespace) -> None:
    """The first step of `make deploy`."""
    import boto3

    from operate import account

    account.check(boto3.client)


def template(args: argparse.Namespace) -> None:
    """A step of `make deploy`."""
    from operate import gradual

    print(gradual.prepare(args.template, args.environment))


def smoke(args: argparse.Namespace) -> None:
    """`make smoke`."""
    from operate import smoke as operate_smoke

    operate_smoke.run(args.environment)


# ---- Checks


def add_checks(commands: Any) -> None:
    """Adds the commands that start a test cloud, and `lint`."""
    tests = add(commands, "test", test, "run a command, then the tools' unit tests, in a test cloud", TEST_PORT)
    pass_on(tests, "the command, such as go test ./...")
    measured = add(commands, "measure", measure, "run a command beside an empty test cloud", TEST_PORT)
    pass_on(measured, "the command")
    beside = add(commands, "test-env", test_env, "run a command beside the test cloud that runs")
    pass_on(beside, "the command")
    add(commands, "test-up", test_up, "start a test cloud with the stack and leave it running", TEST_PORT)
    add(commands, "test-down", test_down, "stop the test cloud")
    add(commands, "test-containers", test_containers, "run the functions in containers of the SAM CLI", TEST_PORT)
    add(commands, "schemathesis", schemathesis, "try the API against its document", TEST_PORT, SECONDS_TO_TRY, SEED)
    add(commands, "isolation", isolation, "measure the slow lane", TEST_PORT, DURATION, CONCURRENCY)
    add(commands, "soak", soak, "publish while functions are killed and receivers fail", DURATION, RATE)
    add(commands, "lint", lint, "check the Python code with ruff and mypy")
    add(commands, "format", format_code, "format the Python code with ruff")


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


def lint(args: argparse.Namespace) -> int:
    """A step of `make lint`."""
    from check import lint as check_lint

    return check_lint.lint()


def format_code(args: argparse.Namespace) -> int:
    """A step of `make fmt`."""
    from check import lint as check_lint

    return check_lint.format_code()


# ---- Other programs, in the virtual environments of the tools


def add_programs(commands: Any) -> None:
    """Adds the programs that the Makefile runs as they are."""
    pass_on(add(commands, "sam", sam, "run the SAM CLI"), "its arguments")
    pass_on(add(commands, "checkov", checkov, "run checkov"), "its arguments")


def sam(args: argparse.Namespace) -> NoReturn:
    """Becomes the SAM CLI, with the environment in which the functions are built."""
    from base import venvs
    from cloud.build import BUILD_ENV

    program = str(venvs.sam())
    os.execve(program, [program, *args.arguments], os.environ | BUILD_ENV)


def checkov(args: argparse.Namespace) -> NoReturn:
    """Becomes the security linter of the template."""
    from base import venvs

    program = str(venvs.make("checkov") / "checkov")
    os.execve(program, [program, *args.arguments], os.environ | {"LOG_LEVEL": "ERROR"})


# ---- Options


class Option:
    """An option and the environment variable that gives its default."""

    def __init__(self, variable: str, default: str, text: str, convert: Callable[[str], Any] = str) -> None:
        """The option's name is that of the variable: TEST_PORT is --test-port."""
        self.variable, self.default, self.text, self.convert = variable, default, text, convert

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Adds the option to a command."""
        parser.add_argument(
            f"--{self.variable.lower().replace('_', '-')}",
            metavar=self.variable,
            default=os.environ.get(self.variable) or self.default,
            type=self.read,
            help=f"{self.text} (default: the variable {self.variable}{self.or_default()})",
        )

    def or_default(self) -> str:
        """The default for the help text."""
        return f", else {self.default}" if self.default else ""

    def read(self, text: str) -> Any:
        """The value; argparse reports the error of a wrong one."""
        try:
            return self.convert(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{self.variable} {error}") from error


def one_of(*values: str) -> Callable[[str], str]:
    """Accepts these values only."""

    def convert(text: str) -> str:
        if text not in values:
            raise ValueError(f"must be one of {', '.join(values)}, not {text!r}.")
        return text

    return convert


def number(kind: Callable[[str], int | float]) -> Callable[[str], int | float]:
    """Accepts a positive number."""

    def convert(text: str) -> int | float:
        try:
            value = kind(text)
        except ValueError:
            value = 0
        if not 0 < value < float("inf"):
            raise ValueError(f"must be a positive number, not {text!r}.")
        return value

    return convert


def seconds(text: str) -> int:
    """The seconds of a duration such as 60s or 10m."""
    match = re.fullmatch(r"(\d+)([smh]?)", text.strip())
    if not match or not int(match[1]):
        raise ValueError(f"must be like 60s or 10m, not {text!r}.")
    return int(match[1]) * {"s": 1, "m": 60, "h": 3600, "": 1}[match[2]]


def given(text: str) -> str:
    """Accepts any text but an empty one."""
    if not text:
        raise ValueError("must be given.")
    return text


def json_value(text: str) -> Any:
    """A JSON value."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error}") from error


PORT = Option("PORT", "4566", "the port of the local cloud", number(int))
TEST_PORT = Option("TEST_PORT", "4577", "the port of the test cloud, if it is free", number(int))
TENANT = Option("TENANT", "demo", "the tenant")
TYPE = Option("TYPE", "environment.created", "the type of the event")
DATA = Option("DATA", "{}", "the data of the event, as JSON", json_value)
VIA = Option("VIA", "sqs", "sqs, or bus for EventBridge", one_of("sqs", "bus"))
SCOPES = Option("SCOPES", "", "the scopes of the key; empty for all")
KEY_ID = Option("KEY_ID", "", "the id of the key; `api-keys` lists them", given)
STACK = Option("STACK_NAME", "", "the stack in the caller's AWS account; empty for the local stack")
QUEUE = Option("QUEUE", "events", "events, deliveries or bus", one_of("events", "deliveries", "bus"))
REASON = Option("REASON", "", "send back the letters with this reason only")
DURATION = Option("DURATION", "60s", "how long it runs, such as 60s or 10m", seconds)
CONCURRENCY = Option("CONCURRENCY", "80", "the concurrency of the normal lane", number(int))
RATE = Option("RATE", "3", "events per second", number(float))
SECONDS_TO_TRY = Option("SECONDS_TO_TRY", "80", "how many seconds it runs", number(int))
SEED = Option("SEED", "", "the same seed tries the same requests; empty for a new one")


def add(commands: Any, name: str, command: Command, text: str, *options: Option) -> argparse.ArgumentParser:
    """Adds a command with its line of help and its options."""
    description = f"{text[0].upper()}{text[1:]}."
    parser: Parser = commands.add_parser(
        name, prog=f"{PROGRAM} {name}", help=text, description=description, formatter_class=help_format
    )
    for option in options:
        option.add_to(parser)
    parser.set_defaults(run=command)
    return parser


def pass_on(parser: argparse.ArgumentParser, text: str) -> None:
    """Lets a command take the arguments of another program, which `parse` hands on unread.

    The command's own options come from the environment only, so that its help leaves them out.
    """
    for option in parser._actions[1:]:
        option.help = argparse.SUPPRESS
    parser.add_argument("arguments", metavar="ARGUMENT", nargs="*", help=text)


def operated_stack(args: argparse.Namespace) -> "Stack":
    """The stack STACK_NAME in the caller's account, or the local stack."""
    import boto3

    from base.stacks import Stack

    return Stack(args.stack_name, boto3.client) if args.stack_name else running_stack(args.port)


def running_stack(port: int) -> "Stack":
    """The local stack; stops when it does not run."""
    from cloud import local_stack

    return local_stack.running(port)[0].stack


def print_json(answer: Iterable[Any]) -> None:
    """Prints an answer."""
    print(json.dumps(answer, indent=2, ensure_ascii=False))
