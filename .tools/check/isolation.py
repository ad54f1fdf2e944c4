"""`make isolation`: what slow and failing receivers, a wave of them, a paced burst, and a busy tenant do to others.

The driver is shared/systemtest/isolation, and the figures go to .local/isolation.json. The receivers are measured
with the slow lane and without. Without the lane, the dispatcher's environment names the deliveries
queue as the slow queue, so that all deliveries share one queue.
"""

import contextlib
import json
import os
import secrets
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from base import keys
from base.console import say, stop_with
from base.paths import LOCAL, ROOT
from check import isolation_queues, isolation_slots
from cloud import environment
from cloud.environment import Variables
from cloud.instance import Cloud

WAVE_SECONDS = 40  # of the wave, whose webhooks hang for 15 s
PACE_SECONDS = 35  # of the burst, which takes 30 s at its rate limit
BUSY_SECONDS = 20  # enough for a hundred deliveries and a hundred calls of the quiet tenant
PUBLISH_RATE = 20  # events per second that the busy tenant may publish
# The third attempt waits in the retries table for a day. With the template's schedule it would wait in the queue, which
# could not be seen to be empty.
RETRY_SCHEDULE = "5,86400"
TROUBLE = "20 events/s to a webhook that takes 15 s, 20 to one that fails, 5 to a third"
# The largest value of a figure that is good enough.
GOALS = {
    "third_p50_factor": 2.0,
    "third_p95_factor": 2.0,
    "third_worst_seconds": 1.0,
    "late_or_lost": 0,
    "wave_worst_seconds": 1.5,
    "wave_late_or_lost": 0,
    "wave_never_called": 0,
    "pace_off_by": 0.1,
    "pace_lost": 0,
    "pace_p95_factor": 2.0,
    "pace_worst_seconds": 1.5,
    "pace_late_or_lost": 0,
    "tenant_deliveries_p50_factor": 2.0,
    "tenant_deliveries_p95_factor": 2.0,
    "tenant_api_p50_factor": 2.0,
    "tenant_api_p95_factor": 2.0,
    "tenant_lost": 0,
    "left_in_queues": 0,
}

Figures = dict[str, float]


def compare(cloud: Cloud, duration: float, concurrency: int) -> None:
    """Measures all troubles, limiting normal invocations, and writes the figures. Stops when a goal is missed."""
    figures: Figures = {"left_in_queues": 0}
    isolation_queues.purge(cloud)
    with dispatcher_variables(cloud) as variables, dispatcher_concurrency(cloud, variables, concurrency):
        beside_receivers(cloud, duration, figures)
        beside_a_wave(cloud, min(duration, WAVE_SECONDS), figures)
        beside_a_paced_burst(cloud, figures)
        without_the_slow_lane(cloud, duration, figures, variables)
    beside_a_busy_tenant(cloud, min(duration, BUSY_SECONDS), figures)
    (LOCAL / "isolation.json").write_text(json.dumps(figures, indent=2) + "\n")
    if (waiting := os.getloadavg()[2]) > (cores := os.cpu_count() or 1):
        say(f"\nnote: {waiting:.0f} processes shared {cores} cores, so the figures show the machine, too")
    if missed := misses(figures):
        stop_with(f"a goal is missed: {', '.join(missed)}")


def misses(figures: Figures) -> list[str]:
    """The figures that are not good enough, each with its goal."""
    return [
        f"{name} is {figures[name]:g}, want at most {goal:g}" for name, goal in GOALS.items() if figures[name] > goal
    ]


def beside_receivers(cloud: Cloud, duration: float, figures: Figures) -> None:
    """Measures a webhook beside a slow and a failing one."""
    say(f"\n{duration:.0f} s of {TROUBLE}")
    found, slots = measure_slots(cloud, duration, figures)
    say(isolation_slots.report(slots, has_lane=True))
    figures["held_invocations"] = len(slots["normal"].slow)
    figures |= {name if name in GOALS else f"with_lane_{name}": value for name, value in found.items()}


def without_the_slow_lane(cloud: Cloud, duration: float, figures: Figures, variables: Variables) -> None:
    """Measures the same without the slow lane. The last measurement of the dispatcher: its environment stays so."""
    say(f"\nWithout the slow lane, {duration:.0f} s of {TROUBLE}")
    deliveries = variables["DELIVERIES_QUEUE_URL"]
    one_queue = {"SLOW_QUEUE_URL": deliveries, "SLOW_QUEUE_ARN": isolation_queues.arn(cloud, deliveries)}
    environment.write(cloud, "DispatcherFunction", variables | one_queue)
    found, slots = measure_slots(cloud, duration, figures)
    say(isolation_slots.report(slots, has_lane=False))
    found["held_invocations"] = sum(len(lane.slow) for lane in slots.values())
    figures |= {f"without_lane_{name}": value for name, value in found.items()}


def measure_slots(cloud: Cloud, duration: float, figures: Figures) -> tuple[Figures, dict[str, isolation_slots.Slots]]:
    """Measures the receivers. Returns the figures, and the invocations that slow attempts occupied."""
    begun = time.time()
    found = measure(cloud, duration, "receivers", figures)
    return found, isolation_slots.occupied(cloud, begun)


def beside_a_wave(cloud: Cloud, duration: float, figures: Figures) -> None:
    """Measures a webhook beside a thousand of another tenant that all hang, when one event goes to all of them."""
    say("\nOne event goes to 1,000 webhooks of another tenant that hang for 15 s")
    figures |= measure(cloud, duration, "wave", figures, **other_tenant(cloud, "wave"))


def beside_a_paced_burst(cloud: Cloud, figures: Figures) -> None:
    """Measures a webhook beside one whose rate limit spreads a burst, and how fast the burst arrives."""
    say("\nA burst of 300 events goes to a webhook with a rate limit of 10 a second")
    figures |= measure(cloud, PACE_SECONDS, "pace", figures)


def beside_a_busy_tenant(cloud: Cloud, duration: float, figures: Figures) -> None:
    """Measures a quiet tenant alone, and beside one that publishes and lists as fast as it may."""
    say(f"\nA busy tenant publishes {PUBLISH_RATE} events/s and lists without a pause for {duration:.0f} s")
    before = environment.read(cloud, "PublishEventsFunction")
    limited = before | {"PUBLISH_RATE": str(PUBLISH_RATE), "PUBLISH_BURST": str(PUBLISH_RATE)}
    try:
        environment.write(cloud, "PublishEventsFunction", limited)
        found = measure(cloud, duration, "tenant", figures, **other_tenant(cloud, "busy"))
    finally:
        environment.write(cloud, "PublishEventsFunction", before)
    figures |= {f"tenant_{name}": value for name, value in found.items()}


def other_tenant(cloud: Cloud, prefix: str) -> Variables:
    """A new tenant, for the driver."""
    tenant = f"{prefix}-{secrets.token_hex(4)}"
    return {"OTHER_TENANT": tenant, "OTHER_API_KEY": keys.issue(cloud.stack, tenant)}


def measure(cloud: Cloud, duration: float, trouble: str, figures: Figures, **variables: str) -> Figures:
    """Runs the driver, prints its report, and returns its figures. Counts what it leaves in the queues."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "figures.json"
        env = cloud.aws_environment() | {"WEBHOOKS_STACK": str(cloud.stack_file), "DURATION": f"{duration:.0f}"}
        env |= {"FIGURES": str(written), "TROUBLE": trouble, **variables}
        command = ["go", "run", "./shared/systemtest/isolation"]
        driver = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
        say(driver.stdout.rstrip())
        if driver.returncode:
            stop_with("the measurement failed; its error is above")
        found: Figures = json.loads(written.read_text())
    left = isolation_queues.settle(cloud)
    say(f"  {isolation_queues.describe(left)}")
    figures["left_in_queues"] += sum(left.values())
    return found


@contextlib.contextmanager
def dispatcher_variables(cloud: Cloud) -> Iterator[Variables]:
    """The dispatcher's environment for the body, with the schedule of the measurement. It is restored afterwards."""
    before = environment.read(cloud, "DispatcherFunction")
    changed = before | {"RETRY_SCHEDULE": RETRY_SCHEDULE}
    try:
        environment.write(cloud, "DispatcherFunction", changed)
        yield changed
    finally:
        environment.write(cloud, "DispatcherFunction", before)


@contextlib.contextmanager
def dispatcher_concurrency(cloud: Cloud, variables: Variables, maximum: int) -> Iterator[None]:
    """Limits the dispatcher's invocations for the deliveries queue during the body."""
    client = cloud.client("lambda")
    arn = isolation_queues.arn(cloud, variables["DELIVERIES_QUEUE_URL"])
    mapping = client.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"][0]
    say(f"\nAt most {maximum} normal invocations")
    try:
        limit(client, mapping["UUID"], maximum)
        yield
    finally:
        limit(client, mapping["UUID"], int(mapping["ScalingConfig"]["MaximumConcurrency"]))


def limit(client: Any, mapping: str, maximum: int) -> None:
    """Limits the concurrent invocations of an event source mapping."""
    client.update_event_source_mapping(UUID=mapping, ScalingConfig={"MaximumConcurrency": maximum})
