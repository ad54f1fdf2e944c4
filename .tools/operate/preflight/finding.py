"""What a check says, and how it is printed: one line each, with what to do."""

import enum
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from base.console import say

NAME_WIDTH, LEVEL_WIDTH, WIDTH = 14, 9, 110


class Level(enum.Enum):
    """How much a finding matters."""

    OK = "ok"
    SKIPPED = "not run"  # the check does not apply here
    WARNING = "warning"  # the deployment succeeds, or the check could not be made
    PROBLEM = "problem"  # the deployment, or the deployed service, would fail


@dataclass(frozen=True)
class Finding:
    """One sentence or more: what was found and, unless it is right, what to do."""

    level: Level
    text: str


Findings = Iterable[Finding]


def ok(text: str) -> Finding:
    """What was checked and is right."""
    return Finding(Level.OK, text)


def skipped(text: str) -> Finding:
    """Why a check was not made."""
    return Finding(Level.SKIPPED, text)


def warning(text: str) -> Finding:
    """What does not stop the deployment."""
    return Finding(Level.WARNING, text)


def problem(text: str) -> Finding:
    """What would make the deployment or the service fail."""
    return Finding(Level.PROBLEM, text)


class Report:
    """Prints findings as they come, and counts them."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(Level, 0)

    def add(self, name: str, findings: Findings) -> bool:
        """Prints the findings of a check; returns whether one of them is a problem."""
        problems = self.counts[Level.PROBLEM]
        for finding in findings:
            self.counts[finding.level] += 1
            for line in lines(name, finding):
                say(line)
        return self.counts[Level.PROBLEM] > problems

    def summary(self, proceed: str) -> str:
        """The last line; `proceed` says how to deploy although there are problems."""
        problems, warnings = self.counts[Level.PROBLEM], self.counts[Level.WARNING]
        if problems:
            return f"{count(problems, 'problem')}, {count(warnings, 'warning')}. {proceed}".rstrip()
        if warnings:
            return f"No problem, {count(warnings, 'warning')}. Warnings do not stop a deployment."
        return "No problem."


def lines(name: str, finding: Finding) -> Iterator[str]:
    """The finding in columns: its level, the check, and the text. Each line of the text is wrapped."""
    first = f"  {finding.level.value:<{LEVEL_WIDTH}}{name:<{NAME_WIDTH}}"
    for line in finding.text.splitlines():
        # Names, ARNs and commands stay in one piece, so that they can be copied.
        wrapped = textwrap.wrap(line, WIDTH - len(first), break_long_words=False, break_on_hyphens=False)
        for part in wrapped or [""]:
            yield f"{first}{part}".rstrip()
            first = " " * len(first)


def count(number: int, noun: str) -> str:
    """`1 problem`, `2 problems`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(names: Iterable[str], most: int = 6) -> str:
    """The names, or the first of them and how many more there are."""
    found = sorted(names)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more
