"""Tests that the tenants of a smoke test are cleared, against a stand-in for the deployed stack."""

import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

from base.console import stop_with
from operate import smoke_tenants
from operate.smoke_tenants import Tenants
from testkit.stubs import printed


class Deployed:
    """Keys and webhooks of a stack, as the keys function and the API show them."""

    api_url = "https://api.invalid"

    def __init__(self) -> None:
        self.owners: dict[str, str] = {}  # of the keys
        self.webhooks: dict[str, list[int]] = {}
        self.unavailable = False

    def keys(self, action: str, tenant_id: str = "", key_id: str = "") -> dict[str, Any]:
        if action == "issue":
            key = f"key-{len(self.owners)}-{tenant_id}"
            self.owners[key] = tenant_id
            return {"api_key": key, "key_id": key}
        if action == "revoke":
            del self.owners[key_id]
            return {}
        return {"keys": [{"key_id": key} for key, owner in self.owners.items() if owner == tenant_id]}

    def api(self, _url: str, key: str) -> mock.Mock:
        return mock.Mock(must=lambda *args: self.must(self.owners[key], *args))

    def must(self, tenant: str, status: int, method: str, path: str) -> Any:
        if self.unavailable:
            stop_with(f"{method} {path} answered 503, not {status}")
        if method == "GET":
            return {"items": [{"webhook_id": number} for number in self.webhooks.get(tenant, [])]}
        return self.webhooks[tenant].remove(int(path.rpartition("/")[2]))


class TenantsTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.deployed, self.file = Deployed(), Path(folder.name, "tenants.json")
        patch = mock.patch.object(smoke_tenants, "Api", self.deployed.api)
        patch.start()
        self.addCleanup(patch.stop)

    def tenants(self) -> Tenants:
        return Tenants(self.deployed, self.file)  # type: ignore[arg-type]

    def make(self, tenants: Tenants) -> None:
        name, _ = tenants.new("smoke")
        self.deployed.webhooks[name] = [1, 2, 3]

    def assert_cleared(self) -> None:
        self.assertEqual(self.deployed.owners, {})
        self.assertEqual([left for left in self.deployed.webhooks.values() if left], [])
        self.assertFalse(self.file.exists())

    def test_an_interrupted_run_leaves_nothing(self) -> None:
        with self.assertRaises(KeyboardInterrupt), self.tenants() as tenants:
            self.make(tenants)
            self.make(tenants)
            raise KeyboardInterrupt
        self.assert_cleared()

    def test_the_next_run_clears_what_a_killed_run_left(self) -> None:
        self.make(self.tenants())  # and nothing ends this run
        with printed() as out, self.tenants():
            self.assert_cleared()
        self.assertIn("Clear what an earlier run left", out.getvalue())

    def test_what_cannot_be_cleared_is_left_for_the_next_run(self) -> None:
        with printed() as out, self.tenants() as tenants:
            self.make(tenants)
            self.deployed.unavailable = True
        self.assertRegex(out.getvalue(), "warning: the tenant smoke-.* is not cleared")
        self.deployed.unavailable = False
        with printed(), self.tenants():
            self.assert_cleared()


if __name__ == "__main__":
    unittest.main()
