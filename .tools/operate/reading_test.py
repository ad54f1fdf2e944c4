"""Tests of the reading of a queue, against stubbed AWS clients."""

import time
import unittest
from typing import Any
from unittest import mock

from botocore.exceptions import ClientError

from operate import reading
from operate.reading import Reading
from testkit.stubs import Stubs, failure, letter, printed, url

QUEUE = "EventsDeadLettersQueue"
LATER = str(int(time.time() + 3600) * 1000)


class ReadingTestCase(unittest.TestCase):
    def setUp(self) -> None:
        self.stubs = Stubs()
        self.addCleanup(self.stubs.assert_all_called)
        self.got: list[str] = []

    def reading(self, visible: int = 0, hidden: int = 0, **more: str) -> Reading:
        self.stubs.expect_depth(QUEUE, visible, hidden, **more)
        return Reading(self.stubs.client("sqs"), url(QUEUE), lambda seconds: None)

    def expect(self, *answers: list[dict[str, Any]]) -> None:
        for answer in answers:
            self.stubs.expect_receive(QUEUE, *answer)

    def take(self, letters: list[dict[str, Any]]) -> None:
        self.got += [one["MessageId"] for one in letters]

    def run_to_end(self, read: Reading) -> list[str]:
        read.run(self.take, lambda: "")
        return self.got


class RunTest(ReadingTestCase):
    def test_letters_after_an_empty_answer_are_read(self) -> None:
        read = self.reading()
        self.expect([letter(1)], [], [], [letter(2)], [], [], [])
        self.assertEqual(self.run_to_end(read), ["id-1", "id-2"])

    def test_a_letter_that_is_received_again_counts_once(self) -> None:
        read = self.reading()
        self.expect([letter(1), letter(2)], [letter(1)], [letter(2)], [letter(1)], [], [], [])
        self.assertEqual(self.run_to_end(read), ["id-1", "id-2"])

    def test_a_letter_that_is_received_again_is_named_by_its_newest_handle(self) -> None:
        read, again = self.reading(), letter(1)
        again["ReceiptHandle"] = "newest"
        self.expect([letter(1)], [again], [], [], [])
        self.run_to_end(read)
        self.stubs.expect_given_back(QUEUE, again)
        self.assertTrue(read.give_back())

    def test_letters_that_arrive_after_the_start_are_left(self) -> None:
        read = self.reading()
        self.expect([letter(1, sent=LATER), letter(2)], [], [], [])
        self.assertEqual(self.run_to_end(read), ["id-2"])
        self.assertEqual(read.younger, 1)

    def test_the_start_is_a_time_of_aws(self) -> None:
        read = self.reading(at="Mon, 26 Jan 2026 10:00:00 GMT")  # this machine's clock is ahead
        self.expect([letter(1, sent="1769421600999"), letter(2, sent="1769421601001")], [], [], [])
        self.assertEqual(self.run_to_end(read), ["id-1"])

    def test_it_ends_although_letters_go_on_to_arrive(self) -> None:
        read = self.reading()
        self.expect([letter(0)], *[[letter(n, sent=LATER)] for n in range(1, reading.ANSWERS_WITHOUT_NEW + 1)])
        self.assertEqual(self.run_to_end(read), ["id-0"])

    def test_it_ends_although_the_letters_are_visible_again_at_once(self) -> None:
        read = self.reading()
        self.expect([letter(0)], *[[letter(0)]] * reading.ANSWERS_WITHOUT_NEW)
        self.assertEqual(self.run_to_end(read), ["id-0"])

    def test_it_stops_before_sqs_hides_no_more(self) -> None:
        read = self.reading(visible=7)
        with mock.patch.object(reading, "MOST_HELD", 2), printed() as out:
            self.expect([letter(1), letter(2)])
            self.run_to_end(read)
            read.explain("make letters")
        self.assertIn("It stopped at 2 letters, of about 7", out.getvalue())

    def test_a_failure_ends_it_and_is_raised(self) -> None:
        read = self.reading()
        self.expect([letter(1)])
        self.stubs.stub("sqs").add_client_error("receive_message", "ServiceUnavailable")
        with self.assertRaisesRegex(ClientError, "ServiceUnavailable"):
            self.run_to_end(read)
        self.assertFalse(read.complete)
        self.assertEqual(list(read.held), ["id-1"])

    def test_large_queues_are_read_by_several_threads(self) -> None:
        self.assertEqual([self.reading(visible=n).threads for n in (0, 99, 100, 20_000)], [1, 1, 2, reading.THREADS])


class Clock:
    """A clock on which a minute and a half pass each time somebody looks at it."""

    def __init__(self) -> None:
        self.now = 1769421600.0

    def time(self) -> float:
        self.now += 90
        return self.now


class ExtendTest(ReadingTestCase):
    def test_a_reading_that_takes_longer_than_letters_are_hidden_extends_that(self) -> None:
        read = self.reading()
        self.expect([letter(1), letter(2)])
        self.stubs.expect_given_back(QUEUE, letter(1), letter(2), seconds=reading.HIDDEN_SECONDS)
        self.expect([letter(3)])
        self.stubs.expect_given_back(QUEUE, letter(1), letter(2), letter(3), seconds=reading.HIDDEN_SECONDS)
        with mock.patch.object(reading, "time", Clock()), mock.patch.object(reading, "EMPTY_ANSWERS", 1):
            self.expect([])
            self.assertEqual(self.run_to_end(read), ["id-1", "id-2", "id-3"])

    def test_letters_are_hidden_for_longer_in_time(self) -> None:
        read, now = self.reading(), 1000.0
        for number in range(12):
            read.handles[f"id-{number}"], read.held[f"id-{number}"] = f"handle-{number}", now + number
        late = letter(99)
        read.handles["id-99"], read.held["id-99"] = "handle-99", now + reading.HIDDEN_SECONDS
        every = [letter(number) for number in range(12)]
        for part in (every[:10], every[10:]):
            self.stubs.expect_given_back(QUEUE, *part, seconds=reading.HIDDEN_SECONDS)
        read.extend(now)
        self.assertEqual(next(iter(read.held)), late["MessageId"])
        self.assertEqual(set(read.held.values()), {now + reading.HIDDEN_SECONDS})
        read.extend(now)

    def test_letters_stay_known_when_it_fails(self) -> None:
        read = self.reading()
        read.handles["id-1"], read.held["id-1"] = "handle-1", 1.0
        self.stubs.stub("sqs").add_client_error("change_message_visibility_batch", "ServiceUnavailable")
        with self.assertRaises(ClientError):
            read.extend(1.0)
        self.assertEqual(list(read.held), ["id-1"])


class GiveBackTest(ReadingTestCase):
    def holding(self, *numbers: int) -> Reading:
        read = self.reading()
        self.expect([letter(number) for number in numbers], [], [], [])
        self.run_to_end(read)
        return read

    def test_what_left_the_queue_is_not_given_back(self) -> None:
        read = self.holding(1, 2)
        read.left(["id-1"])
        self.stubs.expect_given_back(QUEUE, letter(2))
        self.assertTrue(read.give_back())

    def test_letters_that_are_visible_already_are_no_failure(self) -> None:
        read = self.holding(1, 2)
        refused = [failure(letter(1), "MessageNotInflight", True), failure(letter(2), "ReceiptHandleIsInvalid", True)]
        self.stubs.expect_given_back(QUEUE, letter(1), letter(2), failed=refused)
        with printed() as out:
            self.assertTrue(read.give_back())
        self.assertEqual(out.getvalue(), "")

    def test_a_part_that_fails_is_tried_again(self) -> None:
        read = self.holding(1, 2)
        self.stubs.expect_given_back(QUEUE, letter(1), letter(2), failed=[failure(letter(2), "InternalError")])
        self.stubs.expect_given_back(QUEUE, letter(2))
        self.assertTrue(read.give_back())

    def test_a_failure_says_until_when_the_letters_are_hidden(self) -> None:
        read = self.holding(1, 2)
        self.stubs.stub("sqs").add_client_error("change_message_visibility_batch", "ServiceUnavailable")
        with printed() as out:
            self.assertFalse(read.give_back())
        self.assertRegex(out.getvalue(), r"^2 letters could not be made visible again \(.*\)\. SQS does it by \d\d:")


class HiddenByOthersTest(ReadingTestCase):
    def hidden(self, visible: int, hidden: int, read: int) -> int:
        found = self.reading(visible, hidden)
        found.old = read
        return found.hidden_by_others()

    def test_what_was_not_seen_and_is_hidden_counts(self) -> None:
        self.assertEqual(self.hidden(visible=5, hidden=3, read=5), 3)
        self.assertEqual(self.hidden(visible=0, hidden=3, read=0), 3)

    def test_old_numbers_of_sqs_do_not_count_letters_that_were_seen(self) -> None:
        self.assertEqual(self.hidden(visible=0, hidden=3, read=3), 0)
        self.assertEqual(self.hidden(visible=3, hidden=0, read=2), 0)

    def test_the_operator_learns_until_when(self) -> None:
        read = self.reading(hidden=3)
        self.expect([], [], [])
        self.run_to_end(read)
        with printed() as out:
            read.explain("make redrive")
        self.assertRegex(
            out.getvalue(), r"^About 3 letters could not be read: .* by \d\d:\d\d:\d\d UTC: run `make redr"
        )


if __name__ == "__main__":
    unittest.main()
