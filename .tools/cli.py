"""The command line of the tools."""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

import check.commands
import cloud.commands
import operate.commands
from base.commands import PROGRAM, Command, Parser, help_format
from base.console import stop_with


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The parsed command line; the command's function is `run`."""
    text = "Runs one of the tools of this checkout. `make` lists the targets that use them."
    parser = Parser(prog=PROGRAM, usage=f"{PROGRAM} COMMAND ...", description=text, formatter_class=help_format)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for kind in (cloud.commands, operate.commands, check.commands):
        kind.add_to(commands)
    chosen = commands.choices.get(arguments[0]) if arguments else None
    # argparse would take the options of the other program for its own.
    if chosen and chosen.get_default("passes_on") and not {"-h", "--help"} & set(arguments[1:2]):
        parsed = parser.parse_args(arguments[:1])
        parsed.arguments = list(arguments[1:])
        return parsed
    return parser.parse_args(arguments)


def run(arguments: argparse.Namespace) -> NoReturn:
    """Runs the command and ends with its exit status. A failed call of AWS ends the program with one line."""
    from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

    command: Command = arguments.run
    try:
        sys.exit(command(arguments))
    except NoRegionError:
        stop_with("no region is set. Set AWS_DEFAULT_REGION, or region in samconfig.toml.")
    except (BotoCoreError, ClientError) as error:
        stop_with(str(error))
