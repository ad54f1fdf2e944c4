"""The receiver of `make smoke` on AWS: an HTTP API, a function and a queue, in a stack that is deleted afterwards."""

import json
import threading
import time
import urllib.error
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from base.api import opener
from base.console import say, step, stop_with
from base.paths import TOOLS
from base.receivers import Inbox, Request
from base.stacks import Stack

TEMPLATE = TOOLS / "operate" / "smoke_receiver.yaml"
WAIT = {"Delay": 5, "MaxAttempts": 60}
ANSWER_SECONDS = 60  # until a new API answers
THREAD_SECONDS = 30


class AwsReceiver(Inbox):
    """Reads from the queue the requests that the function received."""

    def __init__(self, tested: Stack, wait: dict[str, int] | None = None) -> None:
        """The receiver is a stack of its own, in the account and region of the tested one, and named after it."""
        super().__init__()
        self.stack, self.wait = Stack(f"{tested.name}-smoke-receiver", tested.client), wait or WAIT
        self.cloudformation = tested.client("cloudformation")
        self.url, self.ended = "", threading.Event()
        self.moved: set[str] = set()

    def __enter__(self) -> Self:
        """Deploys the stack. Whatever ends the deployment, Ctrl-C too, deletes it."""
        if self.status():
            self.delete("that an earlier run left")
        try:
            self.deploy()
            outputs = self.stack.outputs()
            self.url = self.address(outputs)
            self.mover = threading.Thread(target=self.move_requests, args=(outputs["Requests"],), daemon=True)
            self.mover.start()
            self.wait_for_answer()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def address(self, outputs: dict[str, str]) -> str:
        """The URL to register."""
        return outputs["Url"]

    @property
    def slow_url(self) -> str:
        """A URL that takes SLOW_SECONDS to answer 200. Its requests are not kept."""
        return self.url.removesuffix("/webhook") + "/slow"

    def close(self) -> None:
        """Deletes the stack, after the thread that reads its queue has ended."""
        self.ended.set()
        if self.url:
            self.mover.join(THREAD_SECONDS)
        self.delete()

    def status(self) -> str:
        """The status of the stack; empty without a stack."""
        try:
            return str(self.stack.describe()["StackStatus"])
        except ClientError as error:
            # CloudFormation has no code of its own for a stack that does not exist:
            # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
            if "does not exist" in str(error):
                return ""
            raise

    def deploy(self) -> None:
        """Creates the stack; stops with CloudFormation's reason when that fails."""
        with step(f"Deploy the receiver {self.stack.name}"):
            body = TEMPLATE.read_text(encoding="utf-8")
            request = {"StackName": self.stack.name, "TemplateBody": body, "Capabilities": ["CAPABILITY_IAM"]}
            self.cloudformation.create_stack(**request, OnFailure="DO_NOTHING")
            try:
                waiter = self.cloudformation.get_waiter("stack_create_complete")
                waiter.wait(StackName=self.stack.name, WaiterConfig=self.wait)
            except WaiterError as error:
                stop_with(f"the receiver {self.stack.name} was not deployed: {self.reasons() or error}")

    def reasons(self) -> str:
        """Why resources of the stack could not be created."""
        pages = self.cloudformation.get_paginator("describe_stack_events").paginate(StackName=self.stack.name)
        events = [event for page in pages for event in page["StackEvents"]]
        failed = [event for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
        return "; ".join(f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason', '')}" for e in reversed(failed))

    def delete(self, which: str = "") -> None:
        """Deletes the stack and waits until it is gone. A failure is printed: it must not hide the results."""
        name = self.stack.name
        try:
            with step(f"Delete the receiver {name} {which}".rstrip()):
                self.cloudformation.delete_stack(StackName=name)
                waiter = self.cloudformation.get_waiter("stack_delete_complete")
                waiter.wait(StackName=name, WaiterConfig=self.wait)
        except (BotoCoreError, ClientError) as error:
            say(f"\nwarning: the stack {name} is not deleted: {error}\n`make smoke` deletes it at its next run.")

    def wait_for_answer(self) -> None:
        """Waits until the URL answers 200. The request has no webhook-id, so no check takes it for a delivery."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                with opener(self.url).open(self.url, data=b"{}", timeout=10):
                    return
            except urllib.error.URLError as error:  # HTTPError, which is a URLError, for any other status
                if time.monotonic() > deadline:
                    stop_with(f"the receiver {self.url} does not answer 200 within {ANSWER_SECONDS} s: {error}")
            time.sleep(1)

    def move_requests(self, queue: str) -> None:
        """Moves requests from the queue into the inbox until the receiver ends."""
        sqs = self.stack.client("sqs")
        while not self.ended.is_set():
            try:
                self.move_once(sqs, queue)
            except (BotoCoreError, ClientError) as error:
                say(f"note: the receiver's queue could not be read, trying again: {error}")
                self.ended.wait(1)

    def move_once(self, sqs: Any, queue: str) -> None:
        """Moves the requests of one answer. SQS may deliver a message twice; it counts once."""
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in answer.get("Messages", []):
            if message["MessageId"] not in self.moved:
                self.moved.add(message["MessageId"])
                request = json.loads(message["Body"])
                self.requests.put(Request(request["headers"], request["body"], request["at"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
