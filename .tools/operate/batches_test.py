"""Tests of requests with several entries."""

import unittest
from typing import Any

from operate import batches


def entries(count: int, body: str = "") -> list[batches.Entry]:
    return [{"Id": f"id-{number}", "MessageBody": body} for number in range(count)]


def failed(name: str, code: str = "InternalError", by_sender: bool = False) -> batches.Entry:
    return {"Id": name, "Code": code, "SenderFault": by_sender, "Message": "try later"}


class Answers:
    """Answers requests: of each, the entries that fail. All others succeed."""

    def __init__(self, *failures: list[batches.Entry]) -> None:
        self.failures, self.asked, self.waited = list(failures), list[list[str]](), list[float]()

    def __call__(self, request: list[batches.Entry]) -> dict[str, Any]:
        self.asked.append([entry["Id"] for entry in request])
        failures = self.failures.pop(0) if self.failures else []
        names = {failure["Id"] for failure in failures}
        taken = [{"Id": entry["Id"]} for entry in request if entry["Id"] not in names]
        return {"Successful": taken, "Failed": [one for one in failures if "Code" in one]}


class OfTenTest(unittest.TestCase):
    def sizes(self, *bodies: str) -> list[int]:
        made = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
        return [len(batch) for batch in batches.of_ten(made)]

    def test_a_request_has_at_most_ten_entries(self) -> None:
        self.assertEqual(self.sizes(), [])
        self.assertEqual(self.sizes(*["x"] * 10), [10])
        self.assertEqual(self.sizes(*["x"] * 21), [10, 10, 1])

    def test_the_bodies_of_a_request_have_at_most_a_mebibyte(self) -> None:
        half, most = 1 << 19, 1 << 20
        self.assertEqual(self.sizes("x" * half, "x" * half, "x"), [2, 1])
        self.assertEqual(self.sizes("x" * most, "x", "x" * most), [1, 1, 1])
        self.assertEqual(self.sizes("x" * half, "好" * (half // 3 + 1), "x"), [1, 2])


class RequestTest(unittest.TestCase):
    def request(self, answers: Answers, count: int = 3) -> dict[str, batches.Entry]:
        return batches.request(answers, entries(count), answers.waited.append)

    def test_what_fails_is_tried_again_alone(self) -> None:
        answers = Answers([failed("id-1"), failed("id-2")], [failed("id-2")])
        self.assertEqual(self.request(answers), {})
        self.assertEqual(answers.asked, [["id-0", "id-1", "id-2"], ["id-1", "id-2"], ["id-2"]])
        self.assertEqual(answers.waited, list(batches.PAUSES[:2]))

    def test_what_the_sender_did_wrong_is_not_tried_again(self) -> None:
        wrong = failed("id-1", "InvalidMessageContents", by_sender=True)
        answers = Answers([wrong, failed("id-2")])
        self.assertEqual(self.request(answers), {"id-1": wrong})
        self.assertEqual(answers.asked[1:], [["id-2"]])

    def test_what_was_sent_too_fast_is_tried_again(self) -> None:
        answers = Answers([failed("id-1", "RequestThrottled", by_sender=True)])
        self.assertEqual(self.request(answers), {})

    def test_what_the_answer_does_not_name_has_not_succeeded(self) -> None:
        answers = Answers(*[[{"Id": "id-1"}]] * 9)
        self.assertEqual(self.request(answers)["id-1"]["Code"], "NoAnswer")

    def test_what_fails_every_time_is_given_up(self) -> None:
        answers = Answers(*[[failed("id-0")]] * 9)
        failures = self.request(answers)
        self.assertEqual((list(failures), len(answers.asked)), (["id-0"], len(batches.PAUSES) + 1))
        self.assertEqual(batches.describe(failures["id-0"]), "InternalError: try later")


if __name__ == "__main__":
    unittest.main()
