"""Tests of what is sent back to a queue and what stays, against stubbed AWS clients."""

import time
import unittest

from botocore.exceptions import ClientError

from operate import letters, origin, redrive
from operate.origin import Letter
from testkit.stubs import Stubs, letter, moved, printed, url

QUEUES = [name for pair in redrive.QUEUES.values() for name in pair]
SOURCE, TARGET = "EventsDeadLettersQueue", "EventsQueue"


class RedriveTest(unittest.TestCase):
    def setUp(self) -> None:
        self.stubs = Stubs()
        self.addCleanup(self.stubs.assert_all_called)
        self.stubs.expect_queues(*dict.fromkeys(QUEUES))

    def test_letters_are_sent_and_deleted_over_several_answers(self) -> None:
        first, second = letter(1, reason="conflict", event_id="e1"), moved(2, reason="not_json")
        self.stubs.expect_receive(SOURCE, first)
        self.expect_moved(first)
        self.stubs.expect_receive(SOURCE, second)
        self.expect_moved(second)
        self.expect_empty()
        with printed() as out:
            self.assertEqual(redrive.redrive(self.stubs.stack(), "events"), 2)
        self.assertRegex(
            out.getvalue(), r"^  Redrive the dead letters of events \.\.\. [\d.]+ s\n2 sent back, 0 kept\.\n$"
        )

    def test_other_reasons_are_kept_and_given_back(self) -> None:
        wanted, other = letter(1, reason="conflict"), letter(2, reason="not_json")
        self.stubs.expect_receive(SOURCE, other, wanted)
        self.expect_moved(wanted)
        self.expect_empty()
        self.stubs.expect_given_back(SOURCE, other)
        with printed() as out:
            self.assertEqual(redrive.redrive(self.stubs.stack(), "events", "conflict"), 1)
        self.assertIn("1 sent back, 1 kept.", out.getvalue())

    def test_letters_written_after_the_start_stay(self) -> None:
        later = letter(1, sent=str(int((time.time() + 60) * 1000)), reason="conflict")
        self.stubs.expect_receive(SOURCE, later)
        self.expect_empty()
        self.stubs.expect_given_back(SOURCE, later)
        with printed() as out:
            self.assertEqual(redrive.redrive(self.stubs.stack(), "events"), 0)
        self.assertIn("0 sent back, 0 kept.\n1 arrived, or failed again, after the start;", out.getvalue())

    def test_a_cut_letter_is_reported_and_stays(self) -> None:
        cut, whole = letter(1, reason="not_json", altered="cut from 1048576 bytes to 9"), letter(2, reason="not_json")
        self.stubs.expect_receive(SOURCE, cut, whole)
        self.expect_moved(whole)
        self.expect_empty()
        self.stubs.expect_given_back(SOURCE, cut)
        with printed() as out:
            self.assertEqual(redrive.redrive(self.stubs.stack(), "events"), 1)
        self.assertIn(
            "1 sent back, 0 kept.\n1 cannot be sent back and stay: the letter is not the whole", out.getvalue()
        )

    def test_the_group_of_a_message_is_kept(self) -> None:
        grouped = letter(1, reason="conflict")
        grouped["Attributes"]["MessageGroupId"] = "acme"
        self.stubs.expect_receive(SOURCE, grouped)
        self.expect_moved(grouped, MessageGroupId="acme")
        self.expect_empty()
        with printed():
            redrive.redrive(self.stubs.stack(), "events")

    def test_a_failed_send_deletes_nothing_and_gives_back_what_was_kept(self) -> None:
        kept, failed = letter(1, reason="not_json"), letter(2, reason="conflict")
        self.stubs.expect_receive(SOURCE, kept, failed)
        self.stubs.stub("sqs").add_client_error("send_message", "ServiceUnavailable")
        self.stubs.expect_given_back(SOURCE, kept)
        with printed() as out, self.assertRaisesRegex(ClientError, "ServiceUnavailable"):
            redrive.redrive(self.stubs.stack(), "events", "conflict")
        self.assertIn("failed after 0 were sent back.", out.getvalue())

    def expect_moved(self, sent: Letter, **more: str) -> None:
        message = {"QueueUrl": url(TARGET), "MessageBody": origin.message(sent, events=True), **more}
        self.stubs.stub("sqs").add_response("send_message", {}, message)
        deleted = {"QueueUrl": url(SOURCE), "ReceiptHandle": sent["ReceiptHandle"]}
        self.stubs.stub("sqs").add_response("delete_message", {}, deleted)

    def expect_empty(self) -> None:
        for _ in range(letters.EMPTY_ANSWERS):
            self.stubs.expect_receive(SOURCE)


class UnknownQueueTest(unittest.TestCase):
    def test_an_unknown_queue_stops_before_any_call(self) -> None:
        with self.assertRaisesRegex(SystemExit, "QUEUE must be one of events, deliveries, bus, not 'slow'"):
            redrive.redrive(Stubs().stack(), "slow")


if __name__ == "__main__":
    unittest.main()
