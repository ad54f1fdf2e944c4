"""Tests of `make letters` and `make redrive` with the SQS of the local cloud, on queues of their own."""

import json
import secrets
import signal
import subprocess
import sys
import time
import unittest
from collections import Counter
from dataclasses import dataclass
from typing import Any
from unittest import mock

import boto3
from botocore.config import Config

from base.paths import TOOLS
from base.stacks import Stack
from operate import batches, letters, reading, redrive
from testkit.stubs import printed

SOURCE, TARGET = letters.QUEUES["events"]
SECONDS = 60
# A run in a process of its own, which gets a signal instead of its third deletion. What it hides is visible again soon.
RUN = f"""
import os, sys
sys.path.insert(0, {str(TOOLS)!r})
from operate import reading, redrive, redrive_cloud_test
reading.HIDDEN_SECONDS, reading.EMPTY_ANSWERS = 3, 1
stack = redrive_cloud_test.stack({{}})
stack.urls.update(dict(argument.split("=", 1) for argument in sys.argv[2:]))
made, deletions = [], []
class Reading(reading.Reading):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        made.append(self)
redrive.Reading = Reading
def delete(**_):
    deletions.append(1)
    if len(deletions) == 3:
        os.kill(os.getpid(), int(sys.argv[1]))
        made[0].stop.wait()
stack.client("sqs").meta.events.register("before-call.sqs.DeleteMessageBatch", delete)
try:
    redrive.redrive(stack, "events", "not_json")
except KeyboardInterrupt:
    sys.exit(130)
"""


@dataclass(frozen=True)
class Queues(Stack):
    """A stack that has queues only."""

    urls: dict[str, str]

    def queues(self) -> dict[str, str]:
        """Their URLs by their logical ids."""
        return self.urls


def stack(urls: dict[str, str]) -> Queues:
    """The stack of a test, in the cloud that the environment names."""
    # A session of its own: boto3's default session keeps the credentials of the test that used it first.
    sqs = boto3.Session().client("sqs", config=Config(retries={"total_max_attempts": 2}, proxies={}))
    return Queues("own", lambda _: sqs, urls)


def texts(values: dict[str, str]) -> dict[str, Any]:
    return {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}


class CloudTestCase(unittest.TestCase):
    def setUp(self) -> None:
        once = mock.patch.object(reading, "EMPTY_ANSWERS", 1)  # the local cloud never answers less than it has
        once.start()
        self.addCleanup(once.stop)
        self.stack = stack({})
        self.sqs = self.stack.client("sqs")
        for name in dict.fromkeys(name for pair in letters.QUEUES.values() for name in pair):
            self.stack.urls[name] = self.sqs.create_queue(QueueName=f"tools-{secrets.token_hex(6)}")["QueueUrl"]
            self.addCleanup(self.sqs.delete_queue, QueueUrl=self.stack.urls[name])

    def fill(self, bodies: list[str], **attributes: str) -> None:
        """Sends letters as a function does."""
        entries = [
            {"Id": str(number), "MessageBody": body, "MessageAttributes": texts(attributes)}
            for number, body in enumerate(bodies)
        ]
        for batch in batches.of_ten(entries):
            self.assertFalse(self.sqs.send_message_batch(QueueUrl=self.stack.urls[SOURCE], Entries=batch).get("Failed"))

    def redrive(self, reason: str = "", status: int = 0) -> str:
        with printed() as out:
            self.assertEqual(redrive.redrive(self.stack, "events", reason), status)
        return out.getvalue()

    def letters(self) -> str:
        with printed() as out:
            self.assertEqual(letters.show(self.stack), 0)
        return out.getvalue()

    def sent(self) -> Counter[str]:
        """The original bodies of the messages in the target queue, which it empties."""
        bodies: Counter[str] = Counter()
        while found := self.sqs.receive_message(QueueUrl=self.stack.urls[TARGET], MaxNumberOfMessages=10).get(
            "Messages"
        ):
            bodies.update(json.loads(message["Body"])["body"] for message in found)
            entries = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(found)]
            self.sqs.delete_message_batch(QueueUrl=self.stack.urls[TARGET], Entries=entries)
        return bodies

    def depth(self) -> tuple[int, int]:
        """How many letters are visible, and how many hidden."""
        depth = reading.Depth.of(self.sqs, self.stack.urls[SOURCE])
        return depth.visible, depth.hidden

    def signalled(self, number: signal.Signals) -> subprocess.CompletedProcess[str]:
        """A run that gets a signal between a send and its deletion."""
        urls = [f"{name}={url}" for name, url in self.stack.urls.items()]
        command = [sys.executable, "-c", RUN, str(int(number)), *urls]
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)


class ManyLettersTest(CloudTestCase):
    def test_two_thousand_letters_are_counted_once_and_sent_back_once(self) -> None:
        wanted, others = [f"wanted {n}" for n in range(1000)], [f"other {n}" for n in range(1000)]
        self.fill(wanted, reason="not_json")
        self.fill(others, reason="conflict")
        shown = self.letters()
        self.assertIn("  1,000 × not_json\n", shown)
        self.assertIn("  1,000 × conflict\n", shown)
        self.assertIn("\n2,000 letters in 1 queue. All of them stay there.\n", shown)
        self.assertEqual(self.depth(), (2000, 0))
        self.assertIn(
            "1,000 letters with the reason not_json were sent back to EventsQueue.\n"
            "1,000 letters with other reasons stay.\n",
            self.redrive("not_json"),
        )
        self.assertEqual(self.sent(), Counter(wanted))
        self.assertEqual(self.depth(), (1000, 0))


class InterruptedTest(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.wanted, self.others = [f"wanted {n}" for n in range(60)], [f"other {n}" for n in range(20)]
        self.fill(self.others, reason="conflict")
        self.fill(self.wanted, reason="not_json")

    def test_a_killed_run_loses_nothing_and_the_next_ones_count_nothing_twice(self) -> None:
        self.assertEqual(self.signalled(signal.SIGKILL).returncode, -signal.SIGKILL)
        # It had received 50, sent 30 and deleted 20.
        self.assertEqual(self.depth(), (30, 30))
        first = self.redrive("not_json")
        self.assertRegex(first, r"\nAbout \d+ letters could not be read: .* or one that was killed\.")
        ended = time.monotonic() + SECONDS
        while self.depth() != (len(self.others), 0) and time.monotonic() < ended:
            self.redrive("not_json")
        self.assertEqual(self.depth(), (len(self.others), 0))
        sent = self.sent()
        self.assertEqual(set(sent), set(self.wanted))
        # The killed run had sent ten letters that it did not delete.
        self.assertEqual(sent.total(), len(self.wanted) + 10)
        self.assertIn("\n20 letters in 1 queue.", self.letters())

    def test_an_interrupted_run_finishes_its_request_and_says_what_it_did(self) -> None:
        run = self.signalled(signal.SIGINT)
        self.assertEqual(run.returncode, 130, run.stderr)
        self.assertIn("Not finished", run.stderr)
        self.assertIn("30 letters with the reason not_json were sent back to EventsQueue.\n20 letters with", run.stderr)
        self.assertEqual(self.depth(), (len(self.others) + 30, 0))
        self.assertEqual(self.sent(), Counter(self.wanted[:30]))
        self.assertIn("30 letters with the reason not_json were sent back", self.redrive("not_json"))
        self.assertEqual(self.sent(), Counter(self.wanted[30:]))


class LargestLettersTest(CloudTestCase):
    def test_letters_at_the_size_limit_hold_up_nothing(self) -> None:
        cut, whole, large = (
            "c" * (1 << 20),
            "w" * (1 << 20),
            ["\\" * (511 << 10), "x" * (511 << 10), "好" * (511 * 1024 // 3)],
        )
        self.fill([cut], reason="not_json", altered="cut from 1048576 bytes to 1048000")
        self.fill([whole], reason="not_json")
        self.fill(large, reason="message_too_large", event_id="e1", sent_at="1769421600007")
        self.fill(["behind"], reason="not_json")
        shown = self.redrive()
        self.assertIn(f"{len(large) + 1} letters were sent back to EventsQueue.\n2 letters cannot be sent", shown)
        self.assertIn('it is not the whole message: "cut from 1048576', shown)
        self.assertIn("the message would be larger than 1 MiB with its id and time", shown)
        self.assertEqual(self.sent(), Counter([*large, "behind"]))
        self.assertEqual(self.depth(), (2, 0))
        self.assertIn("Not the whole message, so that `make redrive` keeps them: 1 letter.", self.letters())


if __name__ == "__main__":
    unittest.main()
