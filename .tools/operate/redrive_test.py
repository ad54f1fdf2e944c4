"""Tests of what is sent back to a queue and what stays, against stubbed AWS clients; redrive_cloud_test.py uses SQS."""

import unittest
from typing import Any
from unittest import mock

from botocore.exceptions import ClientError

from operate import batches, letters, origin, reading, redrive
from operate.origin import Letter
from operate.reading import Reading
from testkit.stubs import Stubs, failure, handle, letter, moved, printed

QUEUES = [name for pair in letters.QUEUES.values() for name in pair]
SOURCE, TARGET = letters.QUEUES["events"]
LATER = "4102444800000"


class RedriveTestCase(unittest.TestCase):
    def setUp(self) -> None:
        self.stubs = Stubs()
        self.addCleanup(self.stubs.assert_all_called)
        self.stubs.expect_queues(*dict.fromkeys(QUEUES))
        self.stubs.expect_depth(SOURCE, 1)
        for module, name, value in ((batches, "PAUSES", (0, 0)), (redrive, "SETTLE_SECONDS", 0)):
            patch = mock.patch.object(module, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def redrive(self, reason: str = "", status: int = 0) -> str:
        """What a run prints after its first line."""
        with printed() as out:
            self.assertEqual(redrive.redrive(self.stubs.stack(), "events", reason), status)
        first, _, rest = out.getvalue().partition("\n")
        self.assertEqual(first, "Redrive the dead letters of events: about 1 letter in the queue.")
        return rest

    def expect(self, *answers: list[Letter]) -> None:
        for answer in answers:
            self.stubs.expect_receive(SOURCE, *answer)

    def expect_end(self, *kept: Letter) -> None:
        self.expect(*[[] for _ in range(reading.EMPTY_ANSWERS)])
        if kept:
            self.stubs.expect_given_back(SOURCE, *kept)

    def expect_sent(self, *sent: Letter, failed: Any = (), **more: str) -> None:
        entries = [{"Id": it["MessageId"], "MessageBody": origin.message(it, events=True), **more} for it in sent]
        self.stubs.expect_batch("send_message_batch", TARGET, entries, failed)

    def expect_deleted(self, *deleted: Letter, failed: Any = ()) -> None:
        self.stubs.expect_batch("delete_message_batch", SOURCE, [handle(it) for it in deleted], failed)

    def expect_moved(self, *sent: Letter, **more: str) -> None:
        self.expect_sent(*sent, **more)
        self.expect_deleted(*sent)


class RedriveTest(RedriveTestCase):
    def test_nothing_is_received_before_a_letter_that_fails_again_would_be_younger(self) -> None:
        def wait(seconds: float) -> None:
            self.assertEqual(seconds, 1)
            raise KeyboardInterrupt  # before the first receive, which the stubs do not expect

        with (
            mock.patch.object(redrive, "SETTLE_SECONDS", 1),
            mock.patch.object(redrive, "Reading", lambda sqs, url: Reading(sqs, url, wait)),
            self.assertRaises(KeyboardInterrupt),
        ):
            self.redrive()

    def test_letters_are_sent_and_deleted_over_several_answers(self) -> None:
        first, second = letter(1, reason="conflict", event_id="e1"), moved(2, reason="not_json")
        self.expect([first])
        self.expect_moved(first)
        self.expect([second])
        self.expect_moved(second)
        self.expect_end()
        self.assertEqual(self.redrive(), "2 letters were sent back to EventsQueue.\n")

    def test_other_reasons_are_kept_and_given_back(self) -> None:
        wanted, other = letter(1, reason="conflict"), letter(2, reason="not_json")
        self.expect([other, wanted])
        self.expect_moved(wanted)
        self.expect_end(other)
        self.assertEqual(
            self.redrive("conflict"),
            "1 letter with the reason conflict was sent back to EventsQueue.\n1 letter with other reasons stays.\n",
        )

    def test_letters_written_after_the_start_stay(self) -> None:
        later = letter(1, sent=LATER, reason="conflict")
        self.expect([later])
        self.expect_end(later)
        self.assertEqual(
            self.redrive(),
            "0 letters were sent back to EventsQueue.\n"
            "1 letter arrived, or failed again, after the start: run `make redrive` again.\n",
        )

    def test_letters_that_cannot_be_sent_back_are_reported_and_those_behind_them_are_sent(self) -> None:
        cut = letter(1, reason="not_json", event_id="e1", altered="cut from 1048576 bytes to 9")
        unknown, large, odd = letter(2, reason="of_later"), moved(3), letter(4, reason="not_json", sent_at="soon")
        large["Body"] = "x" * (1 << 20)
        whole = letter(5, reason="not_json")
        self.expect([cut, unknown, large, odd, whole])
        self.expect_moved(whole)
        self.expect_end(cut, unknown, large, odd)
        self.assertEqual(
            self.redrive(),
            "1 letter was sent back to EventsQueue.\n4 letters cannot be sent back and stay:\n"
            '  - event "e1": it is not the whole message: "cut from 1048576 bytes to 9"\n'
            '  - message "id-2": this version does not know its reason "of_later"\n'
            '  - message "id-3": the message would be larger than 1 MiB with its id and time\n'
            '  - message "id-4": its attribute sent_at is not a time in milliseconds\n',
        )

    def test_many_letters_that_cannot_be_sent_back_are_counted(self) -> None:
        cut = [letter(n, reason="not_json", altered="cut") for n in range(9)]
        self.expect(cut)
        self.expect_end(*cut)
        self.assertIn("  and 4 more, which `make letters` counts.\n", self.redrive())

    def test_the_group_of_a_message_is_kept(self) -> None:
        grouped = letter(1, reason="conflict")
        grouped["Attributes"]["MessageGroupId"] = "acme"
        self.expect([grouped])
        self.expect_moved(grouped, MessageGroupId="acme")
        self.expect_end()
        self.redrive()

    def test_a_request_is_not_larger_than_sqs_takes(self) -> None:
        half = [letter(n, reason="not_json") for n in range(3)]
        for one in half:
            one["Body"] = "x" * (600 << 10)
        self.expect(half)
        for one in half:
            self.expect_moved(one)
        self.expect_end()
        self.assertEqual(self.redrive(), "3 letters were sent back to EventsQueue.\n")

    def test_a_letter_that_is_received_again_is_sent_once(self) -> None:
        it = letter(1, reason="not_json")
        self.expect([it])
        self.expect_moved(it)
        self.expect([it])
        self.expect_end(it)
        self.assertEqual(self.redrive(), "1 letter was sent back to EventsQueue.\n")


class FailureTest(RedriveTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.first, self.second = letter(1, reason="conflict"), letter(2, reason="conflict")
        self.expect([self.first, self.second])

    def test_a_letter_that_sqs_did_not_take_at_first_is_sent_again_alone(self) -> None:
        self.expect_sent(self.first, self.second, failed=[failure(self.second, "InternalError")])
        self.expect_sent(self.second)
        self.expect_deleted(self.first, self.second)
        self.expect_end()
        self.assertEqual(self.redrive(), "2 letters were sent back to EventsQueue.\n")

    def test_a_letter_that_sqs_never_takes_is_not_deleted(self) -> None:
        self.expect_sent(self.first, self.second, failed=[failure(self.first, "InvalidMessageContents", True)])
        self.expect_deleted(self.second)
        self.expect_end(self.first)
        self.assertEqual(
            self.redrive(status=1),
            "1 letter was sent back to EventsQueue.\n"
            "1 letter could not be sent and stays; the next run tries again.\n"
            '  1 × "not sent: InvalidMessageContents"\n',
        )

    def test_a_letter_that_was_sent_and_not_deleted_is_reported(self) -> None:
        self.expect_sent(self.first, self.second)
        self.expect_deleted(self.first, self.second, failed=[failure(self.second, "InternalError")])
        for _ in range(2):
            self.expect_deleted(self.second, failed=[failure(self.second, "InternalError")])
        self.expect_end(self.second)
        shown = self.redrive(status=1)
        self.assertIn("2 letters were sent back to EventsQueue.\n1 letter of these could not be deleted", shown)
        self.assertIn("harmless: the event has the same id", shown)
        self.assertIn('1 × "not deleted: InternalError"', shown)

    def test_a_failed_send_deletes_nothing_and_gives_back_what_was_kept(self) -> None:
        self.stubs.stub("sqs").add_client_error("send_message_batch", "ServiceUnavailable")
        self.stubs.expect_given_back(SOURCE, self.first, self.second)
        with printed() as out, self.assertRaisesRegex(ClientError, "ServiceUnavailable"):
            redrive.redrive(self.stubs.stack(), "events")
        self.assertIn("Not finished: it failed or was interrupted. Run it again.\n0 letters were sent", out.getvalue())

    def test_a_failed_deletion_counts_what_was_sent(self) -> None:
        self.expect_sent(self.first, self.second)
        self.stubs.stub("sqs").add_client_error("delete_message_batch", "ServiceUnavailable")
        self.stubs.expect_given_back(SOURCE, self.first, self.second)
        with printed() as out, self.assertRaisesRegex(ClientError, "ServiceUnavailable"):
            redrive.redrive(self.stubs.stack(), "events")
        self.assertIn(
            "2 letters were sent back to EventsQueue.\n2 letters of these could not be deleted", out.getvalue()
        )

    def test_an_interruption_says_what_was_done_and_gives_back(self) -> None:
        self.expect_moved(self.first)
        self.stubs.expect_given_back(SOURCE, self.second)
        self.second["MessageAttributes"]["reason"]["StringValue"] = "not_json"
        stopped = mock.patch.object(Reading, "goes_on", side_effect=[True, KeyboardInterrupt])
        with printed() as out, stopped, self.assertRaises(KeyboardInterrupt):
            redrive.redrive(self.stubs.stack(), "events", "conflict")
        self.assertIn("Not finished", out.getvalue())
        self.assertIn("1 letter with the reason conflict was sent back to EventsQueue.\n1 letter with", out.getvalue())


class BusTest(unittest.TestCase):
    def test_an_event_of_the_bus_is_sent_as_it_is_without_eventbridges_attributes(self) -> None:
        stubs, (source, target) = Stubs(), letters.QUEUES["bus"]
        self.addCleanup(stubs.assert_all_called)
        it = letter(1, ERROR_CODE="NO_PERMISSIONS", ERROR_MESSAGE="denied", RULE_ARN="arn:rule", TARGET_ARN="arn:queue")
        stubs.expect_queues(*dict.fromkeys(QUEUES))
        stubs.expect_depth(source, 1)
        stubs.expect_receive(source, it)
        stubs.expect_batch("send_message_batch", target, [{"Id": "id-1", "MessageBody": "body 1"}])
        stubs.expect_batch("delete_message_batch", source, [handle(it)])
        for _ in range(reading.EMPTY_ANSWERS):
            stubs.expect_receive(source)
        with printed():
            self.assertEqual(redrive.redrive(stubs.stack(), "bus"), 0)


class WrongOptionTest(unittest.TestCase):
    def test_an_unknown_queue_stops_before_any_call(self) -> None:
        with self.assertRaisesRegex(SystemExit, "QUEUE must be one of events, deliveries, bus, not 'slow'"):
            redrive.redrive(Stubs().stack(), "slow")

    def test_an_unknown_reason_stops_before_any_call(self) -> None:
        with self.assertRaisesRegex(SystemExit, "REASON must be one of not_json, .*, not 'conflicts'"):
            redrive.redrive(Stubs().stack(), "events", "conflicts")


if __name__ == "__main__":
    unittest.main()
