"""Tests of what is read of an account's concurrency, against a stubbed Lambda client."""

import unittest

from operate import account
from testkit.stubs import Stubs


class AccountTest(unittest.TestCase):
    def test_reserved_concurrency_is_not_for_this_stack(self) -> None:
        stubs = Stubs()
        self.addCleanup(stubs.assert_all_called)
        stubs.expect_concurrency(1000, unreserved=100)
        self.assertEqual(account.concurrency(stubs.client), account.Concurrency(limit=1000, unreserved=100))


if __name__ == "__main__":
    unittest.main()
