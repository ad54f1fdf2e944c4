"""Tests how many end-to-end tests run at once in an account."""

import unittest

from operate import smoke_tests
from operate.account import Concurrency
from testkit.stubs import printed

DEFAULTS = {"FanoutConcurrency": "2", "DispatcherConcurrency": "5"}


class AtOnceTest(unittest.TestCase):
    def test_a_new_account_keeps_room_for_fanout_dispatcher_and_retrier(self) -> None:
        self.assertEqual(self.at_once(Concurrency(10, 10)), (2, ""))

    def test_an_ordinary_account_runs_the_most(self) -> None:
        self.assertEqual(self.at_once(Concurrency(1000, 1000)), (smoke_tests.MOST_AT_ONCE, ""))

    def test_what_others_reserved_is_said(self) -> None:
        count, text = self.at_once(Concurrency(1000, 100))
        self.assertEqual(count, smoke_tests.MOST_AT_ONCE)
        self.assertIn("900 of the 1000 concurrent executions of this account are reserved", text)

    def test_too_few_executions_are_said_and_one_test_runs(self) -> None:
        for account, parameters in (
            (Concurrency(10, 8), DEFAULTS),
            (Concurrency(10, 10), DEFAULTS | {"DispatcherConcurrency": "100"}),
        ):
            count, text = self.at_once(account, parameters)
            self.assertEqual(count, 1)
            self.assertIn("calls of the API may be throttled (503)", text)

    def at_once(self, account: Concurrency, parameters: dict[str, str] = DEFAULTS) -> tuple[int, str]:
        with printed() as out:
            return smoke_tests.at_once(account, parameters), out.getvalue()


if __name__ == "__main__":
    unittest.main()
