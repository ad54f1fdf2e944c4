"""The commands on a stack in AWS; some of them also work on the local one."""

import argparse
import json
import os
from typing import TYPE_CHECKING, Any, NoReturn

from base.commands import add, pass_on
from base.console import say
from base.options import FROM, INSTEAD, KEY_ID, PORT, PREFLIGHT, QUEUE, REASON, SCOPES, STACK, TENANT

if TYPE_CHECKING:
    from base.stacks import Stack


def add_to(commands: Any) -> None:
    """Adds the commands."""
    add(commands, "api-key", api_key, "print a new API key", PORT, STACK, TENANT, SCOPES)
    add(commands, "api-keys", api_keys, "list the API keys of a tenant", PORT, STACK, TENANT)
    add(commands, "revoke-key", revoke_key, "revoke an API key", PORT, STACK, KEY_ID)
    add(commands, "letters", letters, "list the dead letters by reason, with what to do", PORT, STACK)
    add(commands, "redrive", redrive, "send dead letters back to their queue", PORT, STACK, QUEUE, REASON)
    checked = add(commands, "preflight", preflight, "build, and ask AWS what a deployment would meet", PREFLIGHT)
    checked.add_argument("environment", metavar="ENVIRONMENT", help="local, or an environment of samconfig.toml")
    restored = add(commands, "restore", restore, "import what a deleted stack left into a new one", FROM, INSTEAD)
    restored.add_argument("environment", metavar="ENVIRONMENT", help="an environment of samconfig.toml")
    gradual = add(commands, "template", template, "print the file to deploy; makes a gradual template when needed")
    gradual.add_argument("template", metavar="TEMPLATE", help="the built template")
    gradual.add_argument("environment", metavar="ENVIRONMENT", help="an environment of samconfig.toml")
    tested = add(commands, "smoke", smoke, "try a deployed stack and measure it")
    tested.add_argument("environment", metavar="ENVIRONMENT", help="local, or an environment of samconfig.toml")
    pass_on(add(commands, "sam", sam, "run the SAM CLI"), "its arguments")


def api_key(args: argparse.Namespace) -> None:
    """`make api-key`; prints the key and nothing else."""
    from base import keys

    print(keys.issue(operated_stack(args), args.tenant, args.scopes))


def api_keys(args: argparse.Namespace) -> None:
    """`make api-keys`; prints the ids, scopes and times of the keys."""
    from base import keys

    print_json(keys.ask(operated_stack(args), action="list", tenant_id=args.tenant))


def revoke_key(args: argparse.Namespace) -> None:
    """`make revoke-key`."""
    from base import keys

    print_json(keys.ask(operated_stack(args), action="revoke", key_id=args.key_id))


def letters(args: argparse.Namespace) -> None:
    """`make letters`."""
    from operate import letters as operate_letters

    operate_letters.show(operated_stack(args))


def redrive(args: argparse.Namespace) -> None:
    """`make redrive`."""
    from operate import redrive as operate_redrive

    operate_redrive.redrive(operated_stack(args), args.queue, args.reason)


def preflight(args: argparse.Namespace) -> int:
    """`make preflight`, and the first step of `make deploy`."""
    from operate.preflight import run

    return run.run(args.environment, args.preflight)


def restore(args: argparse.Namespace) -> None:
    """`make restore`."""
    from base import aws, samconfig
    from base.stacks import Stack
    from operate import restore as operate_restore

    settings = samconfig.deployment(args.environment)
    stack = Stack(settings.stack_name, aws.clients(aws.session(settings.region, settings.profile)))
    operate_restore.restore(stack, getattr(args, "from") or stack.name, args.instead)
    say(f"`make deploy CONFIG={args.environment}` now adds the rest of the stack.")


def template(args: argparse.Namespace) -> None:
    """A step of `make deploy`."""
    from operate import gradual

    print(gradual.prepare(args.template, args.environment))


def smoke(args: argparse.Namespace) -> None:
    """`make smoke`."""
    from operate import smoke as operate_smoke

    operate_smoke.run(args.environment)


def sam(args: argparse.Namespace) -> NoReturn:
    """Replaces this process by the SAM CLI, with the environment in which the functions are built."""
    from base import venvs
    from cloud.build import BUILD_ENV

    program = str(venvs.sam())
    os.execve(program, [program, *args.arguments], os.environ | BUILD_ENV)


def operated_stack(args: argparse.Namespace) -> "Stack":
    """The stack STACK_NAME in the caller's account, or the local stack."""
    from base import aws
    from base.stacks import Stack
    from cloud import local_stack

    if args.stack_name:
        return Stack(args.stack_name, aws.clients())
    return local_stack.running(args.port)[0].stack


def print_json(answer: dict[str, Any]) -> None:
    """Prints an answer."""
    print(json.dumps(answer, indent=2, ensure_ascii=False))
