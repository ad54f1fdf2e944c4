"""Tests of what `make smoke` says about a dispatcher that waits."""

import unittest
from typing import Any
from unittest import mock

import yaml

from base.attempts import Attempt
from base.receivers import SLOW_SECONDS, Request
from operate import smoke_waiting
from operate.smoke_figures import CheckError
from operate.smoke_receiver import TEMPLATE, AwsReceiver
from testkit.stubs import Stubs

SLOW, OTHERS = ["s1", "s2", "s3"], ["o1", "o2", "o3"]


def attempt(event: str, invocation: str, began: float, seconds: float, lane: str = "normal") -> Attempt:
    return Attempt(event, lane, invocation, began, began + seconds)


class DescribeTest(unittest.TestCase):
    def test_what_waiting_invocations_took_is_counted(self) -> None:
        made = [
            attempt("s1", "a", 0, 10),
            attempt("s2", "b", 0.1, 10),
            attempt("s3", "c", 0.1, 10, lane="slow"),
            attempt("o1", "a", 1, 0.1),
            attempt("o2", "a", 2, 0.1),
            attempt("o3", "d", 3, 0.1),
        ]
        self.assertEqual(
            smoke_waiting.describe(made, SLOW, OTHERS, 5),
            f"3 events to a receiver that takes {SLOW_SECONDS} s kept 2 of 5 invocations waiting at once; of 3 other "
            "events, invocations that waited took 2, and one took 2 messages at most",
        )

    def test_without_lines_nothing_waited(self) -> None:
        self.assertIn("kept 0 of 5", smoke_waiting.describe([], SLOW, OTHERS, 5))


class MeasureTest(unittest.TestCase):
    def measure(self, delay: float) -> str:
        """The check of a stack in which each other event arrives after a delay."""
        sent: dict[str, float] = {}
        clock = mock.Mock(time=mock.Mock(side_effect=range(1000)))
        smoke = mock.MagicMock()
        smoke.target.stack.parameters.return_value = {"DispatcherConcurrency": "5"}
        smoke.target.attempts.return_value = []
        smoke.send.side_effect = lambda events, **_: sent.update(dict.fromkeys(events, 100.0))

        def receive(events: list[str]) -> dict[str, Any]:
            self.assertEqual(len(sent), 20 + len(events))
            return {
                event: Request({}, f'{{"data": {{"sent": {sent[event]}}}}}', sent[event] + delay) for event in events
            }

        smoke.receive.side_effect = receive
        with mock.patch.object(smoke_waiting, "time", clock):
            return smoke_waiting.measure(smoke, 15)

    def test_delays_are_reported(self) -> None:
        self.assertIn("p50 120 p95 120 max 120", self.measure(0.12))

    def test_waiting_for_the_receiver_of_another_fails(self) -> None:
        with self.assertRaisesRegex(CheckError, "an event waited 9.5 s for the receiver of another"):
            self.measure(9.5)


class SlowUrlTest(unittest.TestCase):
    def test_the_template_waits_as_long_as_the_check_expects(self) -> None:
        class Loader(yaml.SafeLoader):
            """Reads a template, whose tags do not matter here."""

        Loader.add_multi_constructor("!", lambda *_: "")
        resources = yaml.load(TEMPLATE.read_text(encoding="utf-8"), Loader)["Resources"]
        poll = resources["SlowIntegration"]["Properties"]["RequestParameters"]
        self.assertEqual(poll["WaitTimeSeconds"], str(SLOW_SECONDS))
        receiver = AwsReceiver(Stubs().stack())
        receiver.url = "https://a.example/webhook"
        self.assertEqual("POST " + receiver.slow_url.removeprefix("https://a.example"), "POST /slow")
        self.assertEqual(resources["SlowRoute"]["Properties"]["RouteKey"], "POST /slow")


if __name__ == "__main__":
    unittest.main()
