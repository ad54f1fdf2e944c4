"""Follows the functions' logs of a local stack, as CloudWatch Logs has them."""

import time

from cloud import corrections
from cloud.instance import Cloud
from base.console import say

LOOK_BACK_SECONDS, POLL_SECONDS = 60, 1.0
# The template asks AWS to leave them out; ministack writes them all the same.
PLATFORM_LINES = ("START RequestId", "END RequestId", "REPORT RequestId")


def follow(cloud: Cloud) -> None:
    """Prints every line of every function from a minute ago on, until interrupted."""
    client, groups = cloud.client("logs"), log_groups(cloud)
    since = dict.fromkeys(groups, int((time.time() - LOOK_BACK_SECONDS) * 1000))
    seen: set[tuple] = set()
    say("The functions' logs; Ctrl-C ends.")
    while True:
        for event in sorted((event for group in groups for event in new_events(client, group, since)), key=lambda event: event["timestamp"]):
            line = event["logStreamName"], event["timestamp"], event["message"]  # ministack gives no event ids
            if line not in seen and not event["message"].startswith(PLATFORM_LINES):
                print(event["message"].rstrip(), flush=True)
            seen.add(line)
        time.sleep(POLL_SECONDS)


def recent(cloud: Cloud, lines: int = 20) -> str:
    """The last lines of all functions, to explain a failure."""
    since = int((time.time() - LOOK_BACK_SECONDS) * 1000)
    events = [event for group in log_groups(cloud) for event in new_events(cloud.client("logs"), group, {group: since})]
    events = [event for event in events if not event["message"].startswith(PLATFORM_LINES)]
    return "\n".join(event["message"].rstrip() for event in sorted(events, key=lambda event: event["timestamp"])[-lines:])


def log_groups(cloud: Cloud) -> list[str]:
    """The log groups of the stack's functions: one each, or those that the template names."""
    client, groups = cloud.client("lambda"), {}
    for physical in corrections.Template(cloud).functions().values():
        settings = client.get_function_configuration(FunctionName=physical).get("LoggingConfig", {})
        groups[settings.get("LogGroup") or f"/aws/lambda/{physical}"] = True
    return list(groups)


def new_events(client, group: str, since: dict[str, int]) -> list[dict]:
    """What the group got since the last look; the last moment's again, as more may have come within it."""
    try:
        pages = client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since[group])
        events = [event for page in pages for event in page["events"]]
    except client.exceptions.ResourceNotFoundException:
        return []  # no function has run yet
    if events:
        since[group] = max(event["timestamp"] for event in events)
    return events
