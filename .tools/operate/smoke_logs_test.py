"""Tests of what `make smoke` concludes from the totals of the logs."""

import unittest
from typing import Any
from unittest import mock

from operate import smoke_logs
from operate.smoke_figures import CheckError


class LogsTest(unittest.TestCase):
    def measure(self, holes: int = 0, lost: int = 0, repeated: int = 0) -> str:
        """The check of a stack whose second webhook has ids without a log, lost logs, or repeated attempts."""
        sent: list[str] = []
        ids = iter((1, 2))
        smoke = mock.MagicMock()
        smoke.webhook.side_effect = lambda: mock.MagicMock(
            __enter__=mock.Mock(return_value={"webhook_id": next(ids)}), __exit__=mock.Mock(return_value=None)
        )
        smoke.send.side_effect = sent.extend

        def page(_status: int, _method: str, path: str) -> dict[str, Any]:
            second = path.startswith("/api/v1/webhooks/2/logs?")
            events = sent[lost:] + sent[:repeated] if second else sent
            items = [{"event_id": event} for event in events]
            return {"items": items, "pagination": {"total": len(items) + (holes if second else 0)}}

        smoke.api.must.side_effect = page
        clock = mock.Mock(monotonic=mock.Mock(side_effect=range(0, 10_000, 10)))
        with mock.patch.object(smoke_logs, "time", clock):
            return smoke_logs.measure(smoke)

    def test_totals_without_holes_are_reported(self) -> None:
        self.assertIn("totals of 4 and 4", self.measure())

    def test_a_repeated_attempt_is_no_hole(self) -> None:
        self.assertIn("totals of 4 and 5", self.measure(repeated=1))

    def test_an_id_without_a_log_fails(self) -> None:
        with self.assertRaisesRegex(CheckError, "the total of the logs is 5 after 4 attempts"):
            self.measure(holes=1)

    def test_an_event_that_is_never_logged_fails(self) -> None:
        with self.assertRaisesRegex(CheckError, "1 of 1 events are not in the logs after 60 s"):
            self.measure(lost=1)


if __name__ == "__main__":
    unittest.main()
