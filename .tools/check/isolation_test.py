"""Tests of what `make isolation` concludes from its figures and from the dispatcher's log."""

import unittest

from base.attempts import Attempt
from check import isolation, isolation_queues, isolation_slots
from testkit.stubs import Stubs, url


class GoalsTest(unittest.TestCase):
    def test_figures_at_their_goals_are_good_enough(self) -> None:
        self.assertEqual(isolation.misses(dict(isolation.GOALS)), [])

    def test_every_goal_decides(self) -> None:
        for name, goal in isolation.GOALS.items():
            missed = isolation.misses(isolation.GOALS | {name: goal + 1})
            self.assertEqual(missed, [f"{name} is {goal + 1:g}, want at most {goal:g}"])


class QueuesTest(unittest.TestCase):
    def test_whatever_is_in_a_queue_counts(self) -> None:
        stubs = Stubs()
        attributes = dict(zip(isolation_queues.COUNTS, ("1", "20", "300"), strict=True))
        stubs.stub("sqs").add_response("get_queue_attributes", {"Attributes": attributes})
        self.assertEqual(isolation_queues.messages(stubs.client("sqs"), url("Deliveries")), 321)

    def test_what_is_left_is_named(self) -> None:
        self.assertEqual(isolation_queues.describe({}), "nothing is left in any queue")
        text = isolation_queues.describe({"SlowQueue": 2, "EventsDeadLettersQueue": 1})
        self.assertEqual(text, "left behind: 2 in SlowQueue, 1 in EventsDeadLettersQueue")


class SlotsTest(unittest.TestCase):
    def test_an_invocation_counts_once_with_its_longest_attempt(self) -> None:
        made = (
            ("normal", "a", 0.02),
            ("normal", "a", 15.0),
            ("normal", "a", 14.0),
            ("normal", "b", 3.0),
            ("slow", "c", 3.1),
        )
        found = isolation_slots.by_lane([Attempt("e1", lane, name, 0, seconds) for lane, name, seconds in made])
        self.assertEqual({lane: slots.slow for lane, slots in found.items()}, {"normal": [15.0], "slow": [3.1]})
        self.assertEqual(
            isolation_slots.report(found, has_lane=True).splitlines(),
            [
                "  normal lane: 2 invocations made attempts, 1 were occupied by a slow one, for 15 s in all",
                "  slow lane: 1 invocations made attempts, 1 were occupied by a slow one, for 3 s in all",
            ],
        )

    def test_without_attempts_nothing_was_occupied(self) -> None:
        self.assertEqual(isolation_slots.by_lane([])["normal"].slow, [])
        self.assertEqual(isolation_slots.report({}, has_lane=True), "")


if __name__ == "__main__":
    unittest.main()
