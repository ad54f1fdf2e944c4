"""The stack that `make smoke` tests: one in the caller's AWS account, or the local one."""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from base import attempts, aws, keys, samconfig
from base.console import say, stop_with
from base.paths import LOCAL
from base.receivers import QueueReceiver
from base.stacks import Stack
from cloud import instance, local_stack
from operate import account
from operate.smoke_receiver import AwsReceiver

# Lambda's line about an invocation as text; with LogFormat JSON and SystemLogLevel INFO it is JSON.
REPORT = re.compile(r"REPORT RequestId.*?Billed Duration: (\d+) ms(?:.*?Init Duration: ([\d.]+) ms)?", re.DOTALL)
# ministack does not limit concurrent functions.
LOCAL_CONCURRENCY = account.Concurrency(1000, 1000)


class Target:
    """One deployed stack."""

    def __init__(self, environment: str) -> None:
        """The environment is `local` or one of samconfig.toml. Stops when its stack cannot be read."""
        self.environment, self.cloud = environment, None
        if environment == "local":
            self.cloud = running_cloud()
            self.stack, self.region = self.cloud.stack, instance.REGION
        else:
            settings = samconfig.deployment(environment)
            self.session = aws.session(settings.region, settings.profile)
            self.stack = Stack(settings.stack_name, aws.clients(self.session))
            self.region = self.session.region_name or stop_with("no region: set AWS_DEFAULT_REGION.")
        try:
            self.outputs = self.stack.outputs()
        except (BotoCoreError, ClientError) as error:
            stop_with(
                f"the stack {self.stack.name} cannot be read: {error}\n`make deploy CONFIG={environment}` deploys it."
            )
        self.api_url = local_stack.api_url(self.cloud, self.outputs) if self.cloud else self.outputs["ApiUrl"]

    @property
    def local(self) -> bool:
        """Whether the stack is in a local cloud."""
        return self.cloud is not None

    def keys(self, **request: object) -> dict[str, Any]:
        """The answer of the keys function."""
        return keys.ask(self.stack, **request)

    @contextlib.contextmanager
    def stack_file(self, tenant: str, key: str) -> Iterator[Path]:
        """The file that describes the stack to the Go tests.

        For a stack on AWS it holds the caller's credentials, and is deleted after the body.
        """
        if self.cloud:
            yield self.cloud.stack_file
            return
        file = LOCAL / f"smoke-{self.environment}-stack.json"
        file.parent.mkdir(exist_ok=True)
        file.touch(mode=0o600)
        try:
            file.write_text(json.dumps(self.description(tenant, key)), encoding="utf-8")
            yield file
        finally:
            file.unlink()

    def description(self, tenant: str, key: str) -> dict[str, str]:
        """The stack on AWS, a key and the caller's credentials, as the Go tests read them."""
        credentials = self.session.get_credentials().get_frozen_credentials()
        return {
            "stack_name": self.stack.name,
            "region": self.region,
            **place(self.stack.client("lambda").meta.endpoint_url, self.region),
            "access_key_id": credentials.access_key,
            "secret_access_key": credentials.secret_key,
            "session_token": credentials.token or "",
            "api_url": self.api_url,
            "api_key": key,
            "tenant_id": tenant,
            "events_queue_url": self.outputs["EventsQueueUrl"],
            "event_bus_name": self.outputs["EventBusName"],
        }

    def concurrency(self) -> account.Concurrency:
        """How many functions may run at once. When Lambda does not tell, as few as in a new account."""
        if self.local:
            return LOCAL_CONCURRENCY
        try:
            return account.concurrency(self.stack.client)
        except ClientError as error:
            say(f"note: the account's Lambda concurrency could not be read ({error}); 10 is assumed.")
            return account.Concurrency(account.NEW_ACCOUNT, account.NEW_ACCOUNT)

    def reports(self, since: float) -> dict[str, list[tuple[int, float]]]:
        """By function, the billed and the cold-start milliseconds (0: warm) of its invocations since that time."""
        found: dict[str, list[tuple[int, float]]] = {}
        for group in ("LogGroupName", "AuthorizerLogGroupName"):
            for event in self.log_events(group, since):
                if report := read_report(event["message"]):
                    found.setdefault(function_of(self.stack.name, event["logStreamName"]), []).append(report)
        return found

    def attempts(self, since: float) -> list[attempts.Attempt]:
        """The attempts of the dispatcher since that time, from its log lines."""
        return attempts.read(event["message"] for event in self.log_events("LogGroupName", since))

    def log_events(self, output: str, since: float) -> Iterator[dict[str, Any]]:
        """The log events since that time in the group that an output of the stack names."""
        paginator = self.stack.client("logs").get_paginator("filter_log_events")
        pages = paginator.paginate(logGroupName=self.outputs[output], startTime=int(since * 1000))
        return (event for page in pages for event in page["events"])

    @contextlib.contextmanager
    def receiver(self) -> Iterator[QueueReceiver | AwsReceiver]:
        """A receiver during the body; its URL takes ?status= and ?wait= (seconds)."""
        with QueueReceiver() if self.local else AwsReceiver(self.stack) as receiver:
            yield receiver


def running_cloud() -> instance.Cloud:
    """The local cloud that runs: the one of `make test-up`, else the one of `make run`."""
    for cloud in (instance.test(), instance.local()):
        if cloud.process():
            return cloud
    stop_with("no local stack runs: `make run` (or `make test-up`) starts one.")


def place(endpoint: str, region: str) -> dict[str, str]:
    """Where the Go tests find AWS: the ending of its names in the region, or an endpoint of the caller's own.

    The ending differs between partitions: lambda.cn-north-1.amazonaws.com.cn.
    """
    _, known, suffix = (urlsplit(endpoint).hostname or "").partition(f".{region}.")
    return {"dns_suffix": suffix} if known else {"endpoint_url": endpoint}


def read_report(message: str) -> tuple[int, float] | None:
    """The billed and the cold-start milliseconds of a line of Lambda's; None for any other line."""
    if match := REPORT.search(message):
        return int(match[1]), float(match[2] or 0)
    with contextlib.suppress(json.JSONDecodeError, KeyError, TypeError):
        line = json.loads(message)
        if line["type"] == "platform.report":
            metrics = line["record"]["metrics"]
            return int(metrics["billedDurationMs"]), float(metrics.get("initDurationMs", 0))
    return None


def function_of(stack: str, stream: str) -> str:
    """The function of a log stream: 2026/11/25/webhooks-dev-FanoutFunction-Ab12[$LATEST]… in a shared group."""
    match = re.search(re.escape(stack) + r"-([A-Za-z]+)Function", stream)
    return match[1] if match else "all functions"
