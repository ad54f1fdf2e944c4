"""Tests of what is read from the dispatcher's log lines."""

import json
import unittest

from base import attempts
from base.attempts import Attempt

LINE = (
    "timestamp=2026-11-30T20:53:54.569Z level=INFO message=attempt tenant_id=demo webhook_id=3 event_id=e1 attempt=1 "
    'outcome=retrying lane=normal status_code=0 response_ms=1500 failure=timeout error="no \\"answer\\" requestId=x" '
    "requestId=51ed"
)


def attempt(invocation: str, began: float, ended: float) -> Attempt:
    return Attempt("e1", "normal", invocation, began, ended)


class AttemptsTest(unittest.TestCase):
    def test_text_and_json_say_the_same(self) -> None:
        fields = dict(attempts.TEXT.findall(LINE)) | {"response_ms": 1500}
        for line in (LINE, json.dumps(fields)):
            (read,) = attempts.read([line])
            self.assertEqual((read.event, read.lane, read.invocation), ("e1", "normal", "51ed"))
            self.assertAlmostEqual(read.seconds, 1.5)
            self.assertAlmostEqual(read.ended % 60, 54.569, places=3)

    def test_other_lines_are_no_attempts(self) -> None:
        others = (
            "START RequestId: 51ed",
            "level=WARN message=retry attempt=2",
            '{"message": "fan-out of an attempt"}',
            "{",
        )
        self.assertEqual(attempts.read(others), [])

    def test_an_invocation_takes_what_it_begins_later(self) -> None:
        made = [attempt("a", 0, 10), attempt("a", 0.1, 0.2), attempt("a", 2, 2.1), attempt("b", 2, 2.1)]
        found = attempts.taken(made, 0.25)
        self.assertEqual({name: len(later) for name, later in found.items()}, {"a": 1, "b": 0})

    def test_invocations_at_once(self) -> None:
        made = [
            attempt("a", 0, 10),
            attempt("a", 5, 6),
            attempt("b", 9, 11),
            attempt("c", 10, 12),
            attempt("d", 20, 21),
        ]
        self.assertEqual(attempts.at_once(made), 2)
        self.assertEqual(attempts.at_once([]), 0)


if __name__ == "__main__":
    unittest.main()
