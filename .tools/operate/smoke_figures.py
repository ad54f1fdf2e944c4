"""What the checks of `make smoke` share: events, their delays, and the failure of a check."""

import json
import secrets
import statistics

from base.receivers import Request

TYPE, OTHER_TYPE = "alert.triggered", "alert.resolved"  # of events


class CheckError(Exception):
    """The stack does not do what a check expects."""


def expect(condition: bool, otherwise: str) -> None:
    """Fails the check when the condition is false."""
    if not condition:
        raise CheckError(otherwise)


def new_id() -> str:
    """A new id of an event."""
    return f"smoke_{secrets.token_hex(8)}"


def delay(request: Request) -> float:
    """The seconds from the producer to the receiver."""
    return request.at - float(json.loads(request.body)["data"]["sent"])


def percentiles(seconds: list[float]) -> str:
    """Median, 95th percentile and maximum, in milliseconds."""
    ordered = sorted(s * 1000 for s in seconds)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return f"p50 {statistics.median(ordered):.0f} p95 {p95:.0f} max {ordered[-1]:.0f}"
