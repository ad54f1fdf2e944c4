"""Tests of the corrections of ministack's queues."""

import asyncio
import logging
import sys
import threading
import time
import unittest
from collections import Counter
from collections.abc import Callable
from typing import Any
from unittest import mock

from ministack.core.arn import parse_arn
from ministack.services import eventbridge, sqs

from cloud import queues

CHANGED = (
    (sqs, "_queues_lock"),
    (sqs, "_receive_messages_for_esm"),
    (sqs, "get_state"),
    (eventbridge, "_dispatch_to_sqs"),
)
MESSAGES = 200  # of each sender


class QueuesTest(unittest.TestCase):
    def setUp(self) -> None:
        for module, name in CHANGED:
            self.enterContext(mock.patch.object(module, name, getattr(module, name)))
        self.enterContext(mock.patch.dict(sqs._HANDLERS))
        self.addCleanup(sqs.reset)
        logging.disable(logging.INFO)
        self.addCleanup(logging.disable, logging.NOTSET)
        queues.correct()
        self.url = self.call("CreateQueue", QueueName="deliveries")["QueueUrl"]

    def call(self, action: str, **data: Any) -> dict[str, Any]:
        """The answer to an action on the queue."""
        data = data if action == "CreateQueue" else {"QueueUrl": self.url, **data}
        answer: dict[str, Any] = asyncio.run(sqs._dispatch(action, data, ""))
        return answer

    def receive(self, **data: Any) -> list[dict[str, Any]]:
        """Messages as a function receives them."""
        found: list[dict[str, Any]] = self.call("ReceiveMessage", MaxNumberOfMessages=10, **data).get("Messages", [])
        return found

    def count(self) -> dict[str, str]:
        """The attributes of the queue."""
        attributes: dict[str, str] = self.call("GetQueueAttributes", AttributeNames=["All"])["Attributes"]
        return attributes

    def test_no_message_is_handed_out_twice_or_lost(self) -> None:
        self.addCleanup(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(1e-6)
        got: Counter[str] = Counter()
        ended = threading.Event()

        def send(name: str) -> None:
            for number in range(MESSAGES):
                self.call("SendMessageBatch", Entries=[{"Id": "a", "MessageBody": f"{name}-{number}"}])

        def publish(name: str) -> None:
            queue = parse_arn(self.count()["QueueArn"])
            for number in range(MESSAGES):
                eventbridge._dispatch_to_sqs(queue, f"{name}-{number}")

        def take(_: str) -> None:
            while not ended.is_set() or self.count()["ApproximateNumberOfMessages"] != "0":
                messages = self.receive()
                got.update(message["Body"] for message in messages)
                if messages:
                    self.delete(*(message["ReceiptHandle"] for message in messages))

        def give(_: str) -> None:
            while not ended.is_set() or self.count()["ApproximateNumberOfMessages"] != "0":
                messages = sqs._receive_messages_for_esm(self.url, 10)
                got.update(message["body"] for message in messages)
                sqs._delete_messages_for_esm(self.url, {message["receipt_handle"] for message in messages})

        senders = in_threads(send, 4) + in_threads(publish, 2)
        receivers = in_threads(take, 4) + in_threads(give, 4)
        join(senders)
        ended.set()
        join(receivers)
        self.assertEqual(set(got.values()), {1})
        self.assertEqual(len(got), MESSAGES * len(senders))
        self.assertEqual(self.count()["ApproximateNumberOfMessagesNotVisible"], "0")

    def poll_while(self, polls: int, then: Callable[[], Any]) -> tuple[list[list[str]], list[float]]:
        """What long polls answer, when something happens while they wait, and the pauses between their looks."""
        pauses, sleep = [], asyncio.sleep

        async def pause(seconds: float) -> None:
            pauses.append(seconds)
            await sleep(0)

        async def run() -> list[list[str]]:
            request = {"QueueUrl": self.url, "WaitTimeSeconds": 20}
            waiting = [asyncio.create_task(sqs._dispatch("ReceiveMessage", request, "")) for _ in range(polls)]
            while len(pauses) < polls:  # by then all wait
                await sleep(0)
            await then()
            return [[message["Body"] for message in (await poll)["Messages"]] for poll in waiting]

        with mock.patch.object(asyncio, "sleep", pause):
            return asyncio.run(run()), pauses

    def test_a_long_poll_gets_what_is_sent_while_it_waits(self) -> None:
        async def send() -> None:
            await sqs._dispatch("SendMessage", {"QueueUrl": self.url, "MessageBody": "a"}, "")

        found, pauses = self.poll_while(1, send)
        self.assertEqual(found, [["a"]])
        self.assertLessEqual(max(pauses), 0.01)

    def test_long_polls_get_messages_in_the_order_in_which_they_came(self) -> None:
        async def send() -> None:
            for body in "abc":
                await sqs._dispatch("SendMessage", {"QueueUrl": self.url, "MessageBody": body}, "")

        self.assertEqual(self.poll_while(3, send)[0], [["a"], ["b"], ["c"]])

    def test_polls_without_messages_end_with_their_time(self) -> None:
        """One waits for messages and the other for its turn."""

        async def poll(**wait: int) -> dict[str, Any]:
            began = time.monotonic()
            answer: dict[str, Any] = await sqs._dispatch("ReceiveMessage", {"QueueUrl": self.url, **wait}, "")
            self.waited.append(time.monotonic() - began)
            return answer

        async def both() -> None:
            self.assertEqual(
                await asyncio.gather(poll(), poll(WaitTimeSeconds=1), poll(WaitTimeSeconds=0)), [{}, {}, {}]
            )

        self.waited: list[float] = []
        self.call("SetQueueAttributes", Attributes={"ReceiveMessageWaitTimeSeconds": "1"})
        asyncio.run(both())
        self.assertEqual([round(seconds) for seconds in sorted(self.waited)], [0, 1, 1])

    def test_a_received_message_says_what_was_asked_for(self) -> None:
        attribute = {"Origin": {"DataType": "String", "StringValue": "bus"}}
        self.call("SendMessage", MessageBody="a", MessageAttributes=attribute)
        for times in ("1", "2"):
            names = ["ApproximateReceiveCount", "SentTimestamp"]
            (message,) = self.receive(
                MessageSystemAttributeNames=names, MessageAttributeNames=["All"], VisibilityTimeout=0
            )
            self.assertEqual(message["Attributes"]["ApproximateReceiveCount"], times)
            self.assertAlmostEqual(int(message["Attributes"]["SentTimestamp"]) / 1000, time.time(), delta=60)
            self.assertEqual(message["MessageAttributes"], attribute)
        (plain,) = self.receive()
        self.assertNotIn("Attributes", plain)
        self.assertNotIn("MessageAttributes", plain)

    def test_deleting_with_a_stale_handle_succeeds_and_deletes_nothing(self) -> None:
        self.call("SendMessage", MessageBody="a")
        stale = self.receive(VisibilityTimeout=0)[0]["ReceiptHandle"]
        newest = self.receive()[0]["ReceiptHandle"]
        self.assertEqual(self.call("DeleteMessage", ReceiptHandle=stale), {})
        self.assertEqual(self.delete(stale), {"Successful": [{"Id": "0"}], "Failed": []})
        self.assertEqual(self.count()["ApproximateNumberOfMessagesNotVisible"], "1")
        self.assertEqual(self.delete(newest, stale), {"Successful": [{"Id": "0"}, {"Id": "1"}], "Failed": []})
        self.assertEqual(self.count()["ApproximateNumberOfMessagesNotVisible"], "0")

    def test_a_handle_that_never_was_one_is_refused(self) -> None:
        (failed,) = self.delete("no handle")["Failed"]
        self.assertEqual(failed["Code"], "ReceiptHandleIsInvalid")
        for handle in ("no handle", ""):
            with self.assertRaises(sqs._Err):
                self.call("DeleteMessage", ReceiptHandle=handle)

    def test_a_message_given_back_is_received_again_at_once(self) -> None:
        self.call("SendMessage", MessageBody="a")
        handle = self.receive()[0]["ReceiptHandle"]
        entries = [{"Id": "0", "ReceiptHandle": handle, "VisibilityTimeout": 0}]
        self.assertEqual(self.call("ChangeMessageVisibilityBatch", Entries=entries)["Failed"], [])
        self.assertEqual([message["Body"] for message in self.receive()], ["a"])

    def test_a_mapping_deletes_by_the_handle_that_it_got(self) -> None:
        self.call("SendMessage", MessageBody="a")
        self.call("SetQueueAttributes", Attributes={"VisibilityTimeout": "0"})
        (given,) = sqs._receive_messages_for_esm(self.url, 10)
        (taken,) = self.receive(VisibilityTimeout=60)
        sqs._delete_messages_for_esm(self.url, {given["receipt_handle"]})
        self.assertEqual(self.count()["ApproximateNumberOfMessagesNotVisible"], "1")
        self.delete(taken["ReceiptHandle"])
        self.assertEqual(self.count()["ApproximateNumberOfMessagesNotVisible"], "0")

    def delete(self, *handles: str) -> dict[str, Any]:
        """The answer to a deletion by handles."""
        entries = [{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(handles)]
        return self.call("DeleteMessageBatch", Entries=entries)


def in_threads(body: Callable[[str], None], number: int) -> list[threading.Thread]:
    """Threads that run the body, each with a name."""
    threads = [threading.Thread(target=body, args=(f"{body.__name__}{n}",)) for n in range(number)]
    for thread in threads:
        thread.start()
    return threads


def join(threads: list[threading.Thread]) -> None:
    """Waits until all have ended."""
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    unittest.main()
