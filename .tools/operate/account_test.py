"""Tests of the warning about an account's concurrency, against a stubbed Lambda client."""

import unittest

from operate import account
from testkit.stubs import Stubs, printed


class AccountTest(unittest.TestCase):
    def setUp(self) -> None:
        self.stubs = Stubs()
        self.addCleanup(self.stubs.assert_all_called)

    def test_a_low_limit_is_a_warning(self) -> None:
        out = self.check(limit=10)
        self.assertTrue(out.startswith("warning: this account runs at most 10 Lambda functions at once"), out)
        self.assertIn("Service Quotas", out)

    def test_the_usual_limit_prints_nothing(self) -> None:
        self.assertEqual(self.check(limit=account.LOW_CONCURRENCY), "")
        self.assertEqual(self.check(limit=1000), "")

    def test_an_unreadable_limit_is_a_note_and_no_failure(self) -> None:
        self.stubs.stub("lambda").add_client_error("get_account_settings", "AccessDeniedException", "not allowed")
        with printed() as out:
            account.check(self.stubs.client)
        self.assertRegex(out.getvalue(), r"^note: .*could not be read \(.*not allowed.*\)\.\n$")

    def check(self, limit: int) -> str:
        self.stubs.expect_concurrency(limit)
        with printed() as out:
            account.check(self.stubs.client)
        return out.getvalue()

    def test_reserved_concurrency_is_not_for_this_stack(self) -> None:
        self.stubs.expect_concurrency(1000, unreserved=100)
        self.assertEqual(account.concurrency(self.stubs.client), account.Concurrency(limit=1000, unreserved=100))


if __name__ == "__main__":
    unittest.main()
