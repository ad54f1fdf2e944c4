"""How many invocations slow attempts occupied, from the dispatcher's log."""

from collections import defaultdict

from base import attempts
from cloud import logs
from cloud.instance import Cloud

SLOW_SECONDS = 3.0


class Slots:
    """The invocations of a lane, each with the seconds of its longest attempt."""

    def __init__(self) -> None:
        self.longest: dict[str, float] = {}

    def add(self, attempt: attempts.Attempt) -> None:
        """Counts an attempt."""
        self.longest[attempt.invocation] = max(self.longest.get(attempt.invocation, 0), attempt.seconds)

    @property
    def slow(self) -> list[float]:
        """The seconds of the invocations that a slow attempt occupied."""
        return [seconds for seconds in self.longest.values() if seconds > SLOW_SECONDS]


def occupied(cloud: Cloud, begun: float) -> dict[str, Slots]:
    """The invocations since a time that made attempts, by lane."""
    client, groups, since = cloud.client("logs"), logs.log_groups(cloud), int(begun * 1000)
    events = (event for group in groups for event in logs.new_events(client, group, {group: since}))
    return by_lane(attempts.read(event["message"] for event in events))


def by_lane(made: list[attempts.Attempt]) -> dict[str, Slots]:
    """The invocations of attempts, by lane."""
    found: dict[str, Slots] = defaultdict(Slots)
    for attempt in made:
        found[attempt.lane].add(attempt)
    return found


def report(found: dict[str, Slots], has_lane: bool) -> str:
    """Says how many invocations slow attempts occupied and for how long."""
    return "\n".join(
        f"  {lane if has_lane else 'the one'} lane: {len(slots.longest)} invocations made attempts, "
        f"{len(slots.slow)} were occupied by a slow one, for {sum(slots.slow):.0f} s in all"
        for lane, slots in sorted(found.items())
        if slots.longest
    )
