"""Tests of the listing of dead letters, against stubbed AWS clients."""

import json
import unittest

from operate import letters
from testkit.stubs import Stubs, letter, moved, printed

QUEUES = ("EventsQueue", "EventsDeadLettersQueue", "BusDeadLettersQueue")


class ReasonTest(unittest.TestCase):
    def test_a_function_writes_the_reason(self) -> None:
        self.assertEqual(letters.reason(letter(reason="conflict")), "conflict")

    def test_sqs_writes_no_reason(self) -> None:
        self.assertEqual(letters.reason(letter()), letters.TOO_OFTEN)
        self.assertEqual(letters.reason(letter(event_id="e1", sent_at="1")), letters.TOO_OFTEN)

    def test_the_reason_of_a_producer_is_not_ours(self) -> None:
        for attributes in ({"reason": "conflict", "detail": "x"}, {"ERROR_CODE": "x"}):
            self.assertEqual(letters.reason(moved(**attributes)), letters.TOO_OFTEN)
            self.assertEqual(letters.detail(moved(**attributes)), "")

    def test_eventbridge_writes_an_error(self) -> None:
        refused = letter(ERROR_CODE="NO_PERMISSIONS", ERROR_MESSAGE="denied")
        self.assertEqual((letters.reason(refused), letters.detail(refused)), (letters.NOT_SENT, "denied"))
        self.assertEqual(letters.detail(letter(ERROR_CODE="NO_PERMISSIONS")), "NO_PERMISSIONS")


class AdviceTest(unittest.TestCase):
    def test_every_reason_of_the_list_has_advice(self) -> None:
        listed = json.loads(letters.REASONS.read_text(encoding="utf-8"))
        self.assertEqual(list(letters.advice()), [entry["reason"] for entry in listed])
        for reason, advice in letters.advice().items():
            self.assertTrue(advice.happened and advice.do, reason)

    def test_the_reasons_of_sqs_and_eventbridge_are_in_the_list(self) -> None:
        self.assertLessEqual({letters.TOO_OFTEN, letters.NOT_SENT}, letters.advice().keys())


class ShowTest(unittest.TestCase):
    def setUp(self) -> None:
        self.stubs = Stubs()
        self.addCleanup(self.stubs.assert_all_called)

    def test_letters_are_listed_by_queue_and_reason(self) -> None:
        first, second = letter(1, reason="conflict", detail="evt 7"), letter(2, reason="conflict", detail="evt 8")
        third = letter(3)
        self.stubs.expect_queues(*QUEUES)
        self.stubs.expect_receive("BusDeadLettersQueue", letter(4, ERROR_CODE="NO_PERMISSIONS"))
        self.expect_empty("BusDeadLettersQueue")
        self.stubs.expect_given_back("BusDeadLettersQueue", letter(4))
        self.stubs.expect_receive("EventsDeadLettersQueue", third, first, second)
        self.expect_empty("EventsDeadLettersQueue")
        self.stubs.expect_given_back("EventsDeadLettersQueue", third, first, second)

        with printed() as out:
            self.assertEqual(letters.show(self.stubs.stack()), 4)

        advice = letters.advice()
        want = [
            "  BusDeadLettersQueue: 1 × not_sent_by_the_bus (NO_PERMISSIONS)",
            f"      {advice['not_sent_by_the_bus'].happened}",
            f"      {advice['not_sent_by_the_bus'].do}",
            "  EventsDeadLettersQueue: 2 × conflict (evt 7)",
            f"      {advice['conflict'].happened}",
            f"      {advice['conflict'].do}",
            "  EventsDeadLettersQueue: 1 × received_too_often",
            f"      {advice['received_too_often'].happened}",
            f"      {advice['received_too_often'].do}",
        ]
        self.assertEqual(out.getvalue().splitlines(), want)

    def test_an_empty_queue_is_reported(self) -> None:
        self.stubs.expect_queues("EventsDeadLettersQueue")
        self.expect_empty("EventsDeadLettersQueue")
        with printed() as out:
            self.assertEqual(letters.show(self.stubs.stack()), 0)
        self.assertEqual(out.getvalue(), "  No dead letters.\n")

    def test_an_unknown_reason_is_listed(self) -> None:
        self.stubs.expect_queues("EventsDeadLettersQueue")
        self.stubs.expect_receive("EventsDeadLettersQueue", letter(reason="of_a_later_version", detail="why"))
        self.expect_empty("EventsDeadLettersQueue")
        self.stubs.expect_given_back("EventsDeadLettersQueue", letter())
        with printed() as out:
            letters.show(self.stubs.stack())
        self.assertIn("1 × of_a_later_version (why)", out.getvalue())
        self.assertIn(letters.UNKNOWN_REASON.do, out.getvalue())

    def expect_empty(self, queue: str) -> None:
        for _ in range(letters.EMPTY_ANSWERS):
            self.stubs.expect_receive(queue)


class ReceiveAllTest(unittest.TestCase):
    def setUp(self) -> None:
        self.stubs = Stubs()
        self.addCleanup(self.stubs.assert_all_called)

    def test_letters_after_an_empty_answer_are_received(self) -> None:
        for answer in ([letter(1)], [], [], [letter(2)], [], [], []):
            self.stubs.expect_receive("Q", *answer)
        self.assertEqual(self.receive_all(), ["id-1", "id-2"])

    def test_a_letter_that_is_received_again_counts_once(self) -> None:
        for answer in ([letter(1), letter(2)], [letter(1)], [letter(2)], [letter(1)]):
            self.stubs.expect_receive("Q", *answer)
        self.assertEqual(self.receive_all(), ["id-1", "id-2"])

    def receive_all(self) -> list[str]:
        url = "https://sqs.us-east-1.amazonaws.com/000000000000/Q"
        return [found["MessageId"] for found in letters.receive_all(self.stubs.client("sqs"), url, 30)]


if __name__ == "__main__":
    unittest.main()
