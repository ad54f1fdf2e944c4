"""Tests of the account's concurrency against the parameters, with a stubbed Lambda."""

import unittest

from operate.preflight import concurrency
from operate.preflight.finding import Finding, Level
from testkit.plans import plan
from testkit.stubs import Stubs


def found(limit: int, unreserved: int | None = None, /, **parameters: str) -> Finding:
    stubs = Stubs()
    stubs.expect_concurrency(limit, unreserved)
    [finding] = concurrency.check(plan(stubs.client, **parameters))
    stubs.assert_all_called()
    return finding


class ConcurrencyTest(unittest.TestCase):
    def test_enough_is_right(self) -> None:
        finding = found(1000)
        self.assertEqual(finding.level, Level.OK)
        self.assertIn("9 functions at once for the queues (Fanout 2 + Dispatcher 5 + Slow 2), of 1000", finding.text)

    def test_a_new_account_is_a_warning_that_says_how_to_raise_the_limit(self) -> None:
        finding = found(10)
        self.assertEqual(finding.level, Level.WARNING)
        self.assertIn("Room for 1 function at once is left for the API", finding.text)
        self.assertIn("Service Quotas", finding.text)

    def test_queues_that_may_use_everything_are_a_warning_that_names_the_sum(self) -> None:
        for limit, parameters in (
            (9, {}),
            (10, {"DispatcherConcurrency": "50"}),
            (1000, {"FanoutConcurrency": "500", "DispatcherConcurrency": "498"}),
        ):
            finding = found(limit, **parameters)
            self.assertEqual(finding.level, Level.WARNING)
            self.assertIn("callers get 5xx", finding.text)
            self.assertIn("or lower the three parameters", finding.text)

    def test_what_other_functions_reserve_is_not_there(self) -> None:
        finding = found(1000, 20, DispatcherConcurrency="20")
        self.assertEqual(finding.level, Level.WARNING)
        self.assertIn("use 24 (Fanout 2 + Dispatcher 20 + Slow 2) of 1000", finding.text)
        self.assertIn("20 of them not reserved", finding.text)


if __name__ == "__main__":
    unittest.main()
