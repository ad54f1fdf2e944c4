"""The soak: publishes events at a set rate while receivers fail, hang and close, function processes are killed,
and the local cloud is stopped and started again.

At the end it checks that every receiver got every accepted event. It uses loopback only, and a cloud of its own
that keeps its data over the restarts. The retries table takes no part: it holds waits beyond 15 minutes.
"""

import contextlib
import threading
import time
from collections.abc import Iterator

from base.api import Api
from base.console import say
from check.chaos import Chaos
from check.producers import Producers
from check.soak_receivers import SoakReceivers
from cloud import environment, instance, local_stack
from cloud.build import build
from cloud.instance import Cloud
from operate import letters

EVENT_TYPE = "training.completed"
# Of the template: 19 waits, about five minutes in total.
PARAMETERS = ("RetrySchedule=1,2,3,4,5,5,8,10,10,15,15,20,20,30,30,30,30,30,30",)
# Of the queues: after this time the messages of a killed function are received again (on AWS after minutes). It is
# longer than an invocation, which may wait for receivers until its end.
VISIBILITY_SECONDS = 75
SETTLE_SECONDS = 300
REPORT_SECONDS = 10
LOST_EXAMPLES = 10


def soak(duration: float, rate: float) -> int:
    """Runs a soak (seconds, events per second) and prints the result. Returns 1 when events are lost or none came."""
    cloud = instance.soak(PARAMETERS)
    build()
    cloud.drop()
    try:
        cloud.start()
        stack = local_stack.bring_up(cloud)
        say(f"  {duration:.0f} s at {rate:g} events/s; the log of the cloud is {cloud.log}")
        return soak_in(cloud, stack, duration, rate)
    finally:
        cloud.stop()


def soak_in(cloud: Cloud, stack: dict[str, str], duration: float, rate: float) -> int:
    """The soak itself, in a cloud that runs."""
    shorten_visibility(cloud)
    with SoakReceivers() as receivers:
        register(Api(stack["api_url"], stack["api_key"]), receivers)
        producers = Producers(cloud, stack, EVENT_TYPE, rate)
        chaos = Chaos(cloud, duration)
        with progress(producers, receivers, chaos):
            producers.start()
            receivers.begin_faults()
            chaos.run()
            producers.stop()
            receivers.end_faults()
            wait_for_deliveries(producers, receivers)
        return report(cloud, producers, receivers, chaos)


def shorten_visibility(cloud: Cloud) -> None:
    """Sets a short visibility timeout of the queues, but not of the dead-letter queues, and tells the dispatcher."""
    sqs = cloud.client("sqs")
    for name, queue in cloud.stack.queues().items():
        if "DeadLetters" not in name:
            sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS)})
    told = environment.read(cloud, "DispatcherFunction") | {"VISIBILITY_SECONDS": str(VISIBILITY_SECONDS)}
    environment.write(cloud, "DispatcherFunction", told)


def register(api: Api, receivers: SoakReceivers) -> None:
    """Registers a webhook for each receiver."""
    for name, url in receivers.urls().items():
        api.must(201, "POST", "/api/v1/webhooks", {"name": name, "url": url, "events": [EVENT_TYPE]})


@contextlib.contextmanager
def progress(producers: Producers, receivers: SoakReceivers, chaos: Chaos) -> Iterator[None]:
    """Prints the progress every few seconds during the body."""
    ended, begun = threading.Event(), time.monotonic()

    def watch() -> None:
        while not ended.wait(REPORT_SECONDS):
            accepted = producers.accepted()
            left = sum(len(missing) for missing in receivers.missing(accepted).values())
            say(
                f"  {time.monotonic() - begun:4.0f} s: accepted {len(accepted)}, deliveries under way {left}, "
                f"duplicates {receivers.duplicates()}, killed {chaos.killed}, restarts {chaos.restarts}"
            )

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def wait_for_deliveries(producers: Producers, receivers: SoakReceivers) -> None:
    """Waits until everything has arrived, at most for the time that all retries take."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while any(receivers.missing(producers.accepted()).values()) and time.monotonic() < deadline:
        receivers.changed.wait(timeout=1)
        receivers.changed.clear()


def report(cloud: Cloud, producers: Producers, receivers: SoakReceivers, chaos: Chaos) -> int:
    """Prints the result; returns the exit status."""
    accepted, missing = producers.accepted(), receivers.missing(producers.accepted())
    lost = {event for events in missing.values() for event in events}
    for name, events in missing.items():
        if events:
            say(f"  {name} did not get {len(events)}: {', '.join(sorted(events)[:LOST_EXAMPLES])}")
    letters.show(cloud.stack)
    say(
        f"  by {producers.counts()}; {receivers.requests()} requests; {chaos.killed} function processes killed, "
        f"{chaos.restarts} restarts"
    )
    delivered = len(accepted) - len(lost)
    summary = f"accepted {len(accepted)}, delivered {delivered}, duplicates {receivers.duplicates()}, lost {len(lost)}"
    print(summary, flush=True)
    return 1 if lost or not accepted else 0
