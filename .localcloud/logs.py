"""Follows the functions' logs of a local stack, as CloudWatch Logs has them."""

import time

import corrections
from cloud import Cloud
from say import say

LOOK_BACK_SECONDS, POLL_SECONDS = 60, 1.0


def follow(cloud: Cloud) -> None:
    """Prints every line of every function from a minute ago on, until interrupted."""
    client = cloud.client("logs")
    functions = {f"/aws/lambda/{physical}": name.removesuffix("Function") for name, physical in corrections.Template(cloud).functions().items()}
    since = {group: int((time.time() - LOOK_BACK_SECONDS) * 1000) for group in functions}
    seen: set[tuple] = set()
    say("The functions' logs; Ctrl-C ends.")
    while True:
        events = [(event, name) for group, name in functions.items() for event in new_events(client, group, since)]
        for event, name in sorted(events, key=lambda pair: pair[0]["timestamp"]):
            line = event["logStreamName"], event["timestamp"], event["message"]  # ministack gives no event ids
            if line not in seen:
                seen.add(line)
                print(f"{name:<18} {event['message'].rstrip()}", flush=True)
        time.sleep(POLL_SECONDS)


def new_events(client, group: str, since: dict[str, int]) -> list[dict]:
    """What the group got since the last look; the last moment's again, as more may have come within it."""
    try:
        pages = client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since[group])
        events = [event for page in pages for event in page["events"]]
    except client.exceptions.ResourceNotFoundException:
        return []  # the function has not run yet
    if events:
        since[group] = max(event["timestamp"] for event in events)
    return events
