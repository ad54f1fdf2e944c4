"""The options of the commands. Each is named after the environment variable by which the Makefile sets it."""

import argparse
import json
import os
import re
from collections.abc import Callable
from typing import Any


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
        """Converts the value; argparse reports an invalid one."""
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
    """Refuses an empty text."""
    if not text:
        raise ValueError("must be given.")
    return text


def pairs(text: str) -> dict[str, str]:
    """Names and values, such as A=1 B=2."""
    split = [pair.partition("=") for pair in text.split()]
    if not all(name and value for name, _, value in split):
        raise ValueError(f"must be like NAME=VALUE, not {text!r}.")
    return {name: value for name, _, value in split}


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
FROM = Option("FROM", "", "the deleted stack, by name or ARN; empty for the name of the new one")
INSTEAD = Option("INSTEAD", "", "other resources for it, such as WebhooksTable=restored-table", pairs)
DURATION = Option("DURATION", "60s", "how long it runs, such as 60s or 10m", seconds)
CONCURRENCY = Option("CONCURRENCY", "80", "the concurrency of the normal lane", number(int))
RATE = Option("RATE", "3", "events per second", number(float))
SECONDS_TO_TRY = Option("SECONDS_TO_TRY", "80", "how many seconds it runs", number(int))
SEED = Option("SEED", "", "the same seed tries the same requests; empty for a new one")
PREFLIGHT = Option("PREFLIGHT", "stop", "whether problems stop, or report", one_of("stop", "report"))
