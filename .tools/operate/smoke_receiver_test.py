"""Tests of the receiver's stack in the test cloud of `make test`, and against a stubbed queue."""

import json
import unittest
import urllib.request
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from base.api import opener
from base.stacks import Stack
from cloud import instance, local_stack
from operate.smoke_receiver import AwsReceiver
from testkit.stubs import Stubs, printed, url

FAST = {"Delay": 1, "MaxAttempts": 30}
SECONDS = 20


class Receiver(AwsReceiver):
    """The receiver at the address by which this machine reaches an API of the local cloud."""

    cloud: instance.Cloud

    def address(self, outputs: dict[str, str]) -> str:
        api = outputs["Url"].split("//")[1].split(".")[0]
        return local_stack.api_url(self.cloud, {"ApiId": api}) + "/webhook"


class InterruptedReceiver(Receiver):
    """Ctrl-C comes while the receiver is deployed."""

    def wait_for_answer(self) -> None:
        raise KeyboardInterrupt


class StackTest(unittest.TestCase):
    def setUp(self) -> None:
        self.cloud = local_stack.running_test_cloud()
        self.tested = Stack("smoke-receiver-test", self.cloud.client)
        self.name = "smoke-receiver-test-smoke-receiver"

    def receiver(self, kind: type[Receiver] = Receiver) -> Receiver:
        made = kind(self.tested, FAST)
        made.cloud = self.cloud
        return made

    def test_a_request_arrives_and_gets_the_asked_status(self) -> None:
        with printed(), self.receiver() as receiver:
            request = urllib.request.Request(receiver.url + "?status=202", b"{}", {"webhook-id": "e1"})
            with opener(receiver.url).open(request, timeout=SECONDS) as answer:
                self.assertEqual(answer.status, 202)
            while got := receiver.next(SECONDS):
                if got.event == "e1":
                    break
            self.assertEqual(got.body if got else None, "{}")
        self.assert_gone()

    def test_what_a_killed_run_left_is_replaced(self) -> None:
        with printed():
            self.receiver().deploy()  # and nothing ends this run
        with printed() as out, self.receiver():
            self.assertIn("that an earlier run left", out.getvalue())
        self.assert_gone()

    def test_an_interrupt_during_the_checks_deletes_the_stack(self) -> None:
        with printed(), suppress(KeyboardInterrupt), self.receiver():
            raise KeyboardInterrupt
        self.assert_gone()

    def test_an_interrupt_during_the_deployment_deletes_the_stack(self) -> None:
        with printed(), self.assertRaises(KeyboardInterrupt), self.receiver(InterruptedReceiver):
            self.fail("the body runs although the deployment was interrupted")
        self.assert_gone()

    def assert_gone(self) -> None:
        """Neither the stack nor a log group or a queue of it exists."""
        with self.assertRaisesRegex(ClientError, "does not exist"):
            Stack(self.name, self.cloud.client).describe()
        pages = self.cloud.client("logs").get_paginator("describe_log_groups").paginate()
        groups = [group["logGroupName"] for page in pages for group in page["logGroups"]]
        self.assertEqual([group for group in groups if self.name in group], [])
        queues = self.cloud.client("sqs").list_queues(QueueNamePrefix=self.name).get("QueueUrls", [])
        self.assertEqual(queues, [])


class MoveTest(unittest.TestCase):
    def setUp(self) -> None:
        self.stubs = Stubs()
        self.addCleanup(self.stubs.assert_all_called)

    def test_a_message_that_sqs_delivers_twice_counts_once(self) -> None:
        for handle in ("first", "second"):
            self.expect_request("id-1", handle)
        receiver = AwsReceiver(self.stubs.stack())
        for _ in range(2):
            receiver.move_once(self.stubs.client("sqs"), url("Requests"))
        self.assertEqual(receiver.requests.qsize(), 1)

    def test_a_throttled_receive_does_not_end_the_receiver(self) -> None:
        receiver = AwsReceiver(self.stubs.stack())
        self.stubs.stub("sqs").add_client_error("receive_message", "ThrottlingException")
        self.expect_request("id-1", "handle", then=receiver.ended.set)
        with printed() as out:
            receiver.move_requests(url("Requests"))
        self.assertEqual(receiver.requests.qsize(), 1)
        self.assertIn("ThrottlingException", out.getvalue())

    def expect_request(self, message: str, handle: str, then: Any = None) -> None:
        body = json.dumps({"headers": {"webhook-id": "e1"}, "body": "{}", "at": 1.0})
        answer = {"Messages": [{"MessageId": message, "ReceiptHandle": handle, "Body": body}]}
        stub, deleted = self.stubs.stub("sqs"), {"QueueUrl": url("Requests"), "ReceiptHandle": handle}
        stub.add_response("receive_message", answer)
        stub.add_response("delete_message", {}, deleted)
        if then:
            events = self.stubs.client("sqs").meta.events
            events.register("before-parameter-build.sqs.DeleteMessage", lambda **_: then())


if __name__ == "__main__":
    unittest.main()
