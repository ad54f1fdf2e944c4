"""What the commands of cloud, operate and check share: their parser and their help.

Parsing needs the standard library only, so that a wrong option is reported before anything is installed: each
command imports its modules when it runs.
"""

import argparse
import re
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from base.console import say
from base.options import Option

PROGRAM = "python3 .tools"
Command = Callable[[argparse.Namespace], int | None]  # returns an exit status, or None for success


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
    """Lets a command take the arguments of another program, which `parse` passes on unchanged.

    The command's own options come from the environment only, so its help omits them.
    """
    for option in parser._actions[1:]:
        option.help = argparse.SUPPRESS
    parser.set_defaults(passes_on=True)
    parser.add_argument("arguments", metavar="ARGUMENT", nargs="*", help=text)
