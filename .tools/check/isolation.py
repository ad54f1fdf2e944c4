"""`make isolation`: does a slow and a failing receiver change a third one's latency? With the slow lane, and without.

The driver is shared/systemtest/isolation; here are the two stacks: without the lane, the dispatcher's environment names the
deliveries queue as the slow queue, so that all deliveries wait in the one that all share.
"""

import os
import re
import subprocess
import time

from cloud import corrections
from cloud import deploy
from cloud import logs
from cloud.instance import Cloud
from base.console import say, seconds, stop_with
from base.venvs import ROOT

HELD_MS = 3000
CONCURRENCY = int(os.environ.get("CONCURRENCY") or 80)
# The local cloud's functions log text where the template asks for JSON.
ATTEMPT = re.compile(r"message=attempt .*\blane=(\w+) .*\bresponse_ms=(\d+).* requestId=(\S+)")
DURATION = str(seconds(os.environ.get("DURATION") or "60s"))


def compare(cloud: Cloud) -> None:
    client, function = cloud.client("lambda"), corrections.Template(cloud).functions()["DispatcherFunction"]
    lane = client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    none = lane | {"SLOW_QUEUE_URL": lane["DELIVERIES_QUEUE_URL"], "SLOW_QUEUE_ARN": arn(cloud, lane["DELIVERIES_QUEUE_URL"])}
    passed, mapping = False, deliveries_mapping(cloud, lane)
    before = client.get_event_source_mapping(UUID=mapping)["ScalingConfig"]
    try:
        client.update_event_source_mapping(UUID=mapping, ScalingConfig={"MaximumConcurrency": CONCURRENCY})
        for name, environment in (("With the slow lane", lane), ("Without it", none)):
            say(f"\n{name}, {CONCURRENCY} normal invocations at most: {DURATION} s of 20 events/s to a webhook that takes 15 s, 20 to one that fails, 5 to a third")
            client.update_function_configuration(FunctionName=function, Environment={"Variables": environment})
            drain(cloud, lane)
            begun = time.time()
            report = drive(cloud)
            say(report.rstrip())
            say(held(cloud, begun, environment is lane))
            passed = passed or environment is lane and "within a factor of two" in report
    finally:
        client.update_event_source_mapping(UUID=mapping, ScalingConfig={"MaximumConcurrency": int(before["MaximumConcurrency"])})
        client.update_function_configuration(FunctionName=function, Environment={"Variables": lane})
    if not passed:
        stop_with("the slow lane did not keep the third webhook's latency within a factor of two")


def drive(cloud: Cloud) -> str:
    env = deploy.aws_environment(cloud) | {"WEBHOOKS_STACK": str(cloud.stack_file), "DURATION": DURATION}
    return subprocess.run(["go", "run", "./shared/systemtest/isolation"], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout


def drain(cloud: Cloud, environment: dict[str, str]) -> None:
    """What another run left behind must not be measured; its webhooks are deleted."""
    sqs, deadline = cloud.client("sqs"), time.monotonic() + 120
    queues = [environment["DELIVERIES_QUEUE_URL"], environment["SLOW_QUEUE_URL"]]
    for url in queues:
        sqs.purge_queue(QueueUrl=url)
    while any(in_flight(sqs, url) for url in queues) and time.monotonic() < deadline:
        time.sleep(1)


def in_flight(sqs, url: str) -> int:
    return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["ApproximateNumberOfMessagesNotVisible"])


def arn(cloud: Cloud, url: str) -> str:
    return cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def deliveries_mapping(cloud: Cloud, environment: dict[str, str]) -> str:
    mappings = cloud.client("lambda").list_event_source_mappings(EventSourceArn=arn(cloud, environment["DELIVERIES_QUEUE_URL"]))
    return mappings["EventSourceMappings"][0]["UUID"]


def held(cloud: Cloud, begun: float, laned: bool) -> str:
    """How many invocations a slow attempt held, and for how long, from the attempts' own log lines."""
    longest: dict[tuple[str, str], int] = {}
    for group in logs.log_groups(cloud):
        for event in logs.new_events(cloud.client("logs"), group, {group: int(begun * 1000)}):
            if match := ATTEMPT.search(event["message"]):
                lane, ms, request = match.groups()
                longest[lane, request] = max(longest.get((lane, request), 0), int(ms))
    text = []
    for lane in ("normal", "slow"):
        times = [ms for (name, _), ms in longest.items() if name == lane]
        long = [ms for ms in times if ms > HELD_MS]
        if times:
            text.append(f"  {lane if laned else 'the one'} lane: {len(times)} invocations made attempts, {len(long)} were held by a slow one, for {sum(long) / 1000:.0f} s in all")
    return "\n".join(text)
