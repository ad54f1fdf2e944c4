"""Reads the functions' logs of a local stack from its CloudWatch Logs."""

import time
from collections.abc import Iterable
from typing import Any

from base.console import say
from cloud import template
from cloud.instance import Cloud

LOOK_BACK_SECONDS, POLL_SECONDS = 60, 1.0
# Lambda's own lines: the template switches them off, but ministack writes them all the same.
PLATFORM_LINES = ("START RequestId", "END RequestId", "REPORT RequestId")


def follow(cloud: Cloud) -> None:
    """Prints the lines of all functions from a minute ago on, until interrupted."""
    client, groups = cloud.client("logs"), log_groups(cloud)
    since = dict.fromkeys(groups, look_back())
    printed: set[tuple[str, int, str]] = set()
    say("The functions' logs; Ctrl-C ends.")
    while True:
        for event in in_order(event for group in groups for event in new_events(client, group, since)):
            line = event["logStreamName"], event["timestamp"], event["message"]  # ministack gives no event ids
            if line not in printed:
                print(event["message"].rstrip(), flush=True)
            printed.add(line)
        time.sleep(POLL_SECONDS)


def recent(cloud: Cloud, lines: int = 20) -> str:
    """The last lines of all functions, to explain a failure."""
    client, since = cloud.client("logs"), look_back()
    events = (event for group in log_groups(cloud) for event in new_events(client, group, {group: since}))
    return "\n".join(event["message"].rstrip() for event in in_order(events)[-lines:])


def look_back() -> int:
    """The time (Unix milliseconds) of the first line to read."""
    return int((time.time() - LOOK_BACK_SECONDS) * 1000)


def in_order(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The functions' own lines by time, without Lambda's."""
    own = [event for event in events if not event["message"].startswith(PLATFORM_LINES)]
    return sorted(own, key=lambda event: event["timestamp"])


def log_groups(cloud: Cloud) -> list[str]:
    """The log groups of the stack's functions."""
    client, groups = cloud.client("lambda"), {}
    for physical in template.deployed(cloud).functions().values():
        settings = client.get_function_configuration(FunctionName=physical).get("LoggingConfig", {})
        groups[settings.get("LogGroup") or f"/aws/lambda/{physical}"] = True
    return list(groups)


def new_events(client: Any, group: str, since: dict[str, int]) -> list[dict[str, Any]]:
    """The events of a group from `since` on, which becomes the time of the last one.

    The next call returns the events of that millisecond again: more may be written within it.
    """
    try:
        pages = client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since[group])
        events = [event for page in pages for event in page["events"]]
    except client.exceptions.ResourceNotFoundException:
        return []  # no function has run yet
    if events:
        since[group] = max(event["timestamp"] for event in events)
    return events
