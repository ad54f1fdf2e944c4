"""What `make smoke` runs against: a stack in the caller's AWS account, or the local one, and a receiver beside it."""

import contextlib
import http.server
import json
import os
import re
import subprocess
import threading
import time
import tomllib
import urllib.parse
from pathlib import Path
from queue import Empty, Queue

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from cloud import instance as cloud
from cloud import keys
from base import venvs
from base.console import run_quietly, step, stop_with
from base.venvs import ROOT, TOOLS

# Lambda's line about an invocation: as text, and as JSON with LogFormat JSON and SystemLogLevel INFO.
REPORT = re.compile(r"REPORT RequestId.*?Billed Duration: (\d+) ms(?:.*?Init Duration: ([\d.]+) ms)?", re.DOTALL)


class Target:
    """One deployed stack."""

    def __init__(self, environment: str):
        self.local = environment == "local"
        self.environment = environment
        if self.local:
            self.cloud = cloud.test() if cloud.test().process() else cloud.local()
            if not self.cloud.process():
                stop_with("no local stack runs: `make run` (or `make test-up`) starts one.")
            self.stack, self.client, self.region = self.cloud.stack, self.cloud.client, cloud.REGION
        else:
            settings = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8")).get(environment)
            if settings is None:
                stop_with(f"samconfig.toml has no environment {environment!r}.")
            self.stack, self.client = settings["deploy"]["parameters"]["stack_name"], boto3.client
            self.region = boto3.session.Session().region_name or stop_with("no region: set AWS_REGION.")
        try:
            description = self.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"][0]
        except (BotoCoreError, ClientError) as error:
            stop_with(f"the stack {self.stack} cannot be read: {error}\n`make deploy CONFIG={environment}` deploys it.")
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in description["Outputs"]}
        self.api_url = f"{self.cloud.endpoint}/_aws/execute-api/{self.outputs['ApiId']}/$default" if self.local else self.outputs["ApiUrl"]

    def keys(self, **request) -> dict:
        """Asks the keys function."""
        return keys.ask(self, self.outputs["KeysFunctionName"], request)

    def stack_file(self, tenant: str, key: str) -> Path:
        """The file that the Go tests read."""
        if self.local:
            return self.cloud.stack_file
        held = boto3.session.Session().get_credentials().get_frozen_credentials()
        file = ROOT / ".local" / f"smoke-{self.environment}-stack.json"
        file.parent.mkdir(exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(json.dumps({
            "stack_name": self.stack, "region": self.region, "access_key_id": held.access_key, "secret_access_key": held.secret_key,
            "session_token": held.token or "", "api_url": self.api_url, "api_key": key, "tenant_id": tenant,
            "events_queue_url": self.outputs["EventsQueueUrl"], "event_bus_name": self.outputs["EventBusName"],
        }), encoding="utf-8")
        return file

    def concurrency(self) -> int:
        return 1000 if self.local else self.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]

    def reports(self, since: float) -> dict[str, list[tuple[int, float]]]:
        """Of every function: the billed and the cold-start milliseconds (0: warm) of its invocations."""
        found: dict[str, list[tuple[int, float]]] = {}
        pages = self.client("logs").get_paginator("filter_log_events").paginate(logGroupName=self.outputs["LogGroupName"], startTime=int(since * 1000))
        for event in (event for page in pages for event in page["events"]):
            if report := read_report(event["message"]):
                found.setdefault(function_of(self.stack, event["logStreamName"]), []).append(report)
        return found

    @contextlib.contextmanager
    def receiver(self):
        """A receiver for the time of the block; its URL takes ?status= and ?wait= (seconds)."""
        with LocalReceiver() if self.local else AwsReceiver(self) as receiver:
            yield receiver


def read_report(message: str) -> tuple[int, float] | None:
    if match := REPORT.search(message):
        return int(match[1]), float(match[2] or 0)
    with contextlib.suppress(json.JSONDecodeError, KeyError, TypeError):
        line = json.loads(message)
        if line["type"] == "platform.report":
            metrics = line["record"]["metrics"]
            return int(metrics["billedDurationMs"]), float(metrics.get("initDurationMs", 0))
    return None


def function_of(stack: str, stream: str) -> str:
    """A shared group's streams carry the function's name: 2026/11/25/webhooks-dev-FanoutFunction-Ab12[$LATEST]…"""
    match = re.search(re.escape(stack) + r"-([A-Za-z]+)Function", stream)
    return match[1] if match else "all functions"


class Receiver:
    """Requests as they came: headers in lower case, body, and the time at the receiver."""

    def __init__(self):
        self.requests: Queue = Queue()

    def next(self, seconds: float):
        """The next request, or None."""
        with contextlib.suppress(Empty):
            return self.requests.get(timeout=max(0.0, seconds))
        return None


class LocalReceiver(Receiver):
    """A server on loopback."""

    def __enter__(self):
        requests = self.requests

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                at, query = time.time(), dict(urllib.parse.parse_qsl(urllib.parse.urlparse(self.path).query))
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                requests.put(({name.lower(): value for name, value in self.headers.items()}, body, at))
                time.sleep(float(query.get("wait", 0)))
                self.send_response(int(query.get("status", 200)))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class AwsReceiver(Receiver):
    """A function with a URL and a queue, as a stack of its own that is deleted afterwards."""

    def __init__(self, target: Target):
        super().__init__()
        self.target, self.stack, self.ended = target, f"{target.stack}-smoke-receiver", threading.Event()

    def __enter__(self):
        with step(f"Deploy the receiver {self.stack}"):
            run_quietly([
                str(venvs.sam() / "sam"), "deploy", "--template-file", str(TOOLS / "operate" / "receiver.yaml"), "--stack-name", self.stack, "--region", self.target.region,
                "--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-fail-on-empty-changeset",
            ], ROOT / ".local" / "smoke-receiver.log", os.environ | {"SAM_CLI_TELEMETRY": "0"}, ROOT)
        stack = self.target.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"][0]
        outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
        self.url, self.queue = outputs["Url"], outputs["Requests"]
        threading.Thread(target=self.pump, daemon=True).start()
        return self

    def pump(self):
        sqs = self.target.client("sqs")
        while not self.ended.is_set():
            for message in sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", []):
                request = json.loads(message["Body"])
                self.requests.put((request["headers"], request["body"], request["at"]))
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])

    def __exit__(self, *_):
        self.ended.set()
        with step(f"Delete the receiver {self.stack}"):
            self.target.client("cloudformation").delete_stack(StackName=self.stack)


def run_go_tests(stack_file: Path, pattern: str) -> int:
    command = ["go", "test", "-count=1", "-run", pattern, "./shared/systemtest/e2e"]
    return subprocess.run(command, cwd=ROOT, env=os.environ | {"WEBHOOKS_STACK": str(stack_file)}).returncode
