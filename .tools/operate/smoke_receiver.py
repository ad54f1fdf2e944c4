"""The receiver of `make smoke` on AWS: a function with a URL and a queue, in a stack that is deleted afterwards."""

import json
import os
import threading
from typing import Self

from base import venvs
from base.console import step
from base.paths import LOCAL, TOOLS
from base.processes import run_quietly
from base.receivers import Inbox, Request
from base.stacks import Stack

TEMPLATE = TOOLS / "operate" / "smoke_receiver.yaml"


class AwsReceiver(Inbox):
    """Reads from the queue the requests that the function received."""

    def __init__(self, tested: Stack, region: str) -> None:
        """The receiver is a stack of its own, in the account and region of the tested one."""
        super().__init__()
        self.stack, self.region = Stack(f"{tested.name}-smoke-receiver", tested.client), region
        self.url, self.ended = "", threading.Event()

    def __enter__(self) -> Self:
        """Deploys the stack."""
        command = [str(venvs.sam()), "deploy", "--template-file", str(TEMPLATE), "--stack-name", self.stack.name]
        command += ["--region", self.region, "--resolve-s3", "--capabilities", "CAPABILITY_IAM"]
        command += ["--no-confirm-changeset", "--no-fail-on-empty-changeset"]
        with step(f"Deploy the receiver {self.stack.name}"):
            run_quietly(command, LOCAL / "smoke-receiver.log", os.environ | {"SAM_CLI_TELEMETRY": "0"})
        outputs = self.stack.outputs()
        self.url = outputs["Url"]
        threading.Thread(target=self.move_requests, args=(outputs["Requests"],), daemon=True).start()
        return self

    def move_requests(self, queue: str) -> None:
        """Moves requests from the queue into the inbox."""
        sqs = self.stack.client("sqs")
        while not self.ended.is_set():
            answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                request = json.loads(message["Body"])
                self.requests.put(Request(request["headers"], request["body"], request["at"]))
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        with step(f"Delete the receiver {self.stack.name}"):
            self.stack.client("cloudformation").delete_stack(StackName=self.stack.name)
