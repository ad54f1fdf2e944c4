"""The commands on the local stack."""

import argparse
from typing import Any

from base.commands import add, pass_on
from base.console import stop_with
from base.options import DATA, PORT, TENANT, TYPE, VIA


def add_to(commands: Any) -> None:
    """Adds the commands."""
    for name, command, text in (
        ("run", make_run, "start the service on this machine, deploy it and deliver one event"),
        ("stop", stop, "stop the local cloud and keep its data"),
        ("reset", reset, "stop the local cloud and delete its data"),
        ("logs", logs, "follow the functions' logs"),
    ):
        add(commands, name, command, text, PORT)
    add(commands, "publish", publish, "publish one event to the local stack", PORT, TENANT, TYPE, DATA, VIA)
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
