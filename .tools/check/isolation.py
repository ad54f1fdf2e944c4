"""`make isolation`: what a slow and a failing receiver, and a busy tenant, do to the latency of others.

The driver is shared/systemtest/isolation, and the figures go to .local/isolation.json. The receivers are measured
with the slow lane and without. Without the lane, the dispatcher's environment names the deliveries
queue as the slow queue, so that all deliveries share one queue.
"""

import json
import re
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from base import keys
from base.console import say, stop_with
from base.paths import LOCAL, ROOT
from cloud import logs, template
from cloud.instance import Cloud

SLOW_MS = 3000
DRAIN_SECONDS = 120
BUSY_SECONDS = 20  # enough for a hundred deliveries and a hundred calls of the quiet tenant
PUBLISH_RATE = 20  # events per second that the busy tenant may publish
WITHIN = "within a factor of two"  # in the driver's report
# On the local cloud, functions log text although the template asks for JSON.
ATTEMPT = re.compile(r"message=attempt .*\blane=(\w+) .*\bresponse_ms=(\d+).* requestId=(\S+)")

Variables = dict[str, str]  # the environment of a function
Figures = dict[str, float]


def compare(cloud: Cloud, duration: float, concurrency: int) -> None:
    """Measures all three troubles and writes the figures. Stops when one of the goals is missed."""
    figures: Figures = {}
    lane = compare_lanes(cloud, duration, concurrency, figures)
    tenants = beside_a_busy_tenant(cloud, min(duration, BUSY_SECONDS), figures)
    (LOCAL / "isolation.json").write_text(json.dumps(figures, indent=2) + "\n")
    if not lane:
        stop_with("the slow lane did not keep the third webhook's latency within a factor of two")
    if not tenants:
        stop_with("a busy tenant changed the latency of another by more than a factor of two")


def compare_lanes(cloud: Cloud, duration: float, concurrency: int, figures: Figures) -> bool:
    """Measures with the slow lane and without, for a duration (seconds), limiting normal invocations.

    Says whether the lane reaches its goal. The dispatcher's environment and the concurrency of its mapping are
    restored at the end.
    """
    client, function = cloud.client("lambda"), template.deployed(cloud).functions()["DispatcherFunction"]
    with_lane = client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    deliveries = with_lane["DELIVERIES_QUEUE_URL"]
    without_lane = with_lane | {"SLOW_QUEUE_URL": deliveries, "SLOW_QUEUE_ARN": queue_arn(cloud, deliveries)}
    mapping = deliveries_mapping(cloud, with_lane)
    before = client.get_event_source_mapping(UUID=mapping)["ScalingConfig"]["MaximumConcurrency"]
    passed = False
    try:
        set_concurrency(client, mapping, concurrency)
        for name, variables in (("With the slow lane", with_lane), ("Without it", without_lane)):
            say(
                f"\n{name}, {concurrency} normal invocations at most: {duration:.0f} s of 20 events/s to a webhook "
                "that takes 15 s, 20 to one that fails, 5 to a third"
            )
            has_lane = variables is with_lane
            client.update_function_configuration(FunctionName=function, Environment={"Variables": variables})
            drain(cloud, with_lane)
            begun = time.time()
            report = measure(cloud, duration, figures, "with_lane_" if has_lane else "without_lane_")
            say(occupied(cloud, begun, has_lane))
            passed = passed or (has_lane and WITHIN in report)
    finally:
        set_concurrency(client, mapping, int(before))
        client.update_function_configuration(FunctionName=function, Environment={"Variables": with_lane})
    drain(cloud, with_lane)
    return passed


def beside_a_busy_tenant(cloud: Cloud, duration: float, figures: Figures) -> bool:
    """Measures a quiet tenant alone, and beside one that publishes and lists as fast as it may.

    Says whether its deliveries and API calls reach their goal. The function's environment is restored at the end.
    """
    client, function = cloud.client("lambda"), template.deployed(cloud).functions()["PublishEventsFunction"]
    before = client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    say(f"\nA busy tenant publishes {PUBLISH_RATE} events/s and lists without a pause for {duration:.0f} s")
    limited = before | {"PUBLISH_RATE": str(PUBLISH_RATE), "PUBLISH_BURST": str(PUBLISH_RATE)}
    try:
        client.update_function_configuration(FunctionName=function, Environment={"Variables": limited})
        report = measure(cloud, duration, figures, "tenant_", BUSY_API_KEY=keys.issue(cloud.stack, "busy"))
    finally:
        client.update_function_configuration(FunctionName=function, Environment={"Variables": before})
    return WITHIN in report


def measure(cloud: Cloud, duration: float, figures: Figures, prefix: str, **variables: str) -> str:
    """Runs the driver with variables, prints and returns its report, and adds its figures."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "figures.json"
        env = cloud.aws_environment() | {"WEBHOOKS_STACK": str(cloud.stack_file), "DURATION": f"{duration:.0f}"}
        env |= {"FIGURES": str(written), **variables}
        command = ["go", "run", "./shared/systemtest/isolation"]
        driver = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
        say(driver.stdout.rstrip())
        if driver.returncode:
            stop_with("the measurement failed; its error is above")
        figures |= {prefix + name: value for name, value in json.loads(written.read_text()).items()}
    return driver.stdout


def set_concurrency(client: Any, mapping: str, maximum: int) -> None:
    """Limits the concurrent invocations of an event source mapping."""
    client.update_event_source_mapping(UUID=mapping, ScalingConfig={"MaximumConcurrency": maximum})


def drain(cloud: Cloud, variables: Variables) -> None:
    """Empties the queues of an earlier run and waits until its attempts have ended."""
    sqs, deadline = cloud.client("sqs"), time.monotonic() + DRAIN_SECONDS
    queues = [variables["DELIVERIES_QUEUE_URL"], variables["SLOW_QUEUE_URL"]]
    for url in queues:
        sqs.purge_queue(QueueUrl=url)
    while any(in_flight(sqs, url) for url in queues) and time.monotonic() < deadline:
        time.sleep(1)


def in_flight(sqs: Any, url: str) -> int:
    """The number of messages in flight."""
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return int(attributes["ApproximateNumberOfMessagesNotVisible"])


def queue_arn(cloud: Cloud, url: str) -> str:
    """The ARN of a queue."""
    answer = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(answer["Attributes"]["QueueArn"])


def deliveries_mapping(cloud: Cloud, variables: Variables) -> str:
    """The id of the event source mapping of the deliveries queue."""
    arn = queue_arn(cloud, variables["DELIVERIES_QUEUE_URL"])
    mappings = cloud.client("lambda").list_event_source_mappings(EventSourceArn=arn)
    return str(mappings["EventSourceMappings"][0]["UUID"])


def occupied(cloud: Cloud, begun: float, has_lane: bool) -> str:
    """By lane, how many invocations a slow attempt occupied and for how long, from the attempts' log lines."""
    longest: dict[tuple[str, str], int] = {}
    client = cloud.client("logs")
    for group in logs.log_groups(cloud):
        for event in logs.new_events(client, group, {group: int(begun * 1000)}):
            if match := ATTEMPT.search(event["message"]):
                lane, ms, request = match.groups()
                longest[lane, request] = max(longest.get((lane, request), 0), int(ms))
    text = []
    for lane in ("normal", "slow"):
        times = [ms for (name, _), ms in longest.items() if name == lane]
        slow = [ms for ms in times if ms > SLOW_MS]
        if times:
            text.append(
                f"  {lane if has_lane else 'the one'} lane: {len(times)} invocations made attempts, "
                f"{len(slow)} were occupied by a slow one, for {sum(slow) / 1000:.0f} s in all"
            )
    return "\n".join(text)
