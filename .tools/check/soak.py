"""The soak: events at a set rate to receivers that fail, hang, vanish and come back, while function processes
are killed and the local cloud is stopped gently and started again.

Everything that was accepted is looked for at every receiver in the end. Loopback only, on a cloud of its own
that keeps its data over the restarts. The retries table takes no part: it holds waits beyond 15 minutes.
"""

import contextlib
import threading
import time

from check import chaos
from operate import letters
from cloud.instance import Cloud
from cloud.demo import Api
from check.producers import Producers
from check.receivers import Receivers
from base.console import say, step

EVENT_TYPE = "training.completed"
# The template's parameters: 19 waits, five minutes in all, and attempts that time out soon.
PARAMETERS = ("RetrySchedule=1,2,3,4,5,5,8,10,10,15,15,20,20,30,30,30,30,30,30", "AttemptTimeoutSeconds=3")
# Of the queues, once deployed: a killed function's messages come again after it, on AWS after minutes.
VISIBILITY_SECONDS = 15
SETTLE_SECONDS = 300
REPORT_SECONDS = 10
NAMED = 10  # so many of the lost are named


def soak(cloud: Cloud, stack: dict, duration: float, rate: float) -> int:
    """Runs it and prints the result. Answers the exit status: 1 when something is lost."""
    say(f"  {duration:.0f} s at {rate:g} events/s; the log of the cloud is {cloud.log}")
    hurry(cloud)
    with Receivers() as receivers:
        register(Api(stack["api_url"], stack["api_key"]), receivers)
        producers = Producers(cloud, stack, EVENT_TYPE, rate)
        trouble = chaos.Chaos(cloud, duration)
        with watching(producers, receivers, trouble):
            producers.start()
            receivers.misbehave()
            trouble.run()
            producers.stop()
            receivers.behave()
            settle(producers, receivers)
        return report(cloud, producers, receivers, trouble)


def hurry(cloud: Cloud) -> None:
    sqs = cloud.client("sqs")
    for name, queue in letters.queues(cloud.client, cloud.stack).items():
        if "DeadLetters" not in name:
            sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS)})


def register(api: Api, receivers: Receivers) -> None:
    for name, url in receivers.urls().items():
        api.must(201, "POST", "/api/v1/webhooks", {"name": name, "url": url, "events": [EVENT_TYPE]})


@contextlib.contextmanager
def watching(producers: Producers, receivers: Receivers, trouble: chaos.Chaos):
    """Prints how far it is while the body runs."""
    over, begun = threading.Event(), time.monotonic()

    def watch():
        while not over.wait(REPORT_SECONDS):
            accepted = producers.accepted()
            left = sum(len(missing) for missing in receivers.missing(accepted).values())
            say(f"  {time.monotonic() - begun:4.0f} s: accepted {len(accepted)}, deliveries under way {left}, "
                f"duplicates {receivers.duplicates()}, killed {trouble.killed}, restarts {trouble.restarts}")

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def settle(producers: Producers, receivers: Receivers) -> None:
    """Waits until everything has arrived, or for so long that it never will."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while any(receivers.missing(producers.accepted()).values()) and time.monotonic() < deadline:
        receivers.changed.wait(timeout=1)
        receivers.changed.clear()


def report(cloud: Cloud, producers: Producers, receivers: Receivers, trouble: chaos.Chaos) -> int:
    accepted, missing = producers.accepted(), receivers.missing(producers.accepted())
    lost = {event for events in missing.values() for event in events}
    for name, events in missing.items():
        if events:
            say(f"  {name} never got {len(events)}: {', '.join(sorted(events)[:NAMED])}")
    letters.show(cloud.client, cloud.stack)
    say(f"  by {producers.counts()}; {receivers.requests()} requests; {trouble.killed} function processes killed, "
        f"{trouble.restarts} gentle restarts")
    print(f"accepted {len(accepted)}, delivered {len(accepted) - len(lost)}, duplicates {receivers.duplicates()}, lost {len(lost)}", flush=True)
    return 1 if lost or not accepted else 0
