"""Reads the dispatcher's log lines about attempts, as text (on the local cloud) or as JSON."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

TEXT = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')


@dataclass(frozen=True)
class Attempt:
    """An attempt: when it began and ended (Unix seconds), and the invocation that made it."""

    event: str
    lane: str
    invocation: str
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long the receiver took."""
        return self.ended - self.began


def read(lines: Iterable[str]) -> list[Attempt]:
    """The attempts of log lines, in the order of the lines."""
    return [attempt for line in lines if "attempt" in line and (attempt := of(line))]


def of(line: str) -> Attempt | None:
    """The attempt of a log line; None for any other line."""
    if line.startswith("{"):
        try:
            fields: dict[str, Any] = json.loads(line)
        except json.JSONDecodeError:
            return None
    else:
        fields = dict(TEXT.findall(line))
    if fields.get("message") != "attempt":
        return None
    ended = datetime.fromisoformat(fields["timestamp"]).timestamp()
    began = ended - int(fields["response_ms"]) / 1000
    return Attempt(fields["event_id"], fields["lane"], fields["requestId"], began, ended)


def taken(attempts: Iterable[Attempt], seconds: float) -> dict[str, list[Attempt]]:
    """By invocation, its attempts that began later than these seconds after its first.

    An invocation begins the attempts of what Lambda gave it at once.
    """
    by_invocation: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        by_invocation.setdefault(attempt.invocation, []).append(attempt)
    found = {}
    for invocation, made in by_invocation.items():
        first = min(attempt.began for attempt in made)
        found[invocation] = [attempt for attempt in made if attempt.began > first + seconds]
    return found


def at_once(attempts: Iterable[Attempt]) -> int:
    """The largest number of invocations that attempts occupied at the same time."""
    spans: dict[str, tuple[float, float]] = {}
    for attempt in attempts:
        began, ended = spans.get(attempt.invocation, (attempt.began, attempt.ended))
        spans[attempt.invocation] = min(began, attempt.began), max(ended, attempt.ended)
    return max((sum(1 for b, e in spans.values() if b <= began < e) for began, _ in spans.values()), default=0)
