"""The tenants of `make smoke`: made for one run, and cleared afterwards of their webhooks and keys.

Their names are in a file while they exist. A run that was killed leaves the file, and the next run clears them.
"""

import json
import secrets
from pathlib import Path
from typing import Self

from botocore.exceptions import BotoCoreError, ClientError

from base.api import Api
from base.console import say, step
from operate.target import Target


class Tenants:
    """The tenants of one run."""

    def __init__(self, target: Target, file: Path) -> None:
        """The file may be missing."""
        self.target, self.file = target, file

    def __enter__(self) -> Self:
        """Clears the tenants of a run that was killed."""
        if self.names():
            with step("Clear what an earlier run left"):
                self.clear()
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def names(self) -> list[str]:
        """The tenants that exist."""
        if not self.file.exists():
            return []
        names: list[str] = json.loads(self.file.read_text(encoding="utf-8"))
        return names

    def keep(self, names: list[str]) -> None:
        """Writes the file in one rename: a crash leaves the old one or the new one."""
        if not names:
            self.file.unlink(missing_ok=True)
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        part = self.file.with_suffix(".part")
        part.write_text(json.dumps(names), encoding="utf-8")
        part.replace(self.file)

    def new(self, prefix: str) -> tuple[str, str]:
        """A new tenant, and a key of it with all scopes."""
        name = f"{prefix}-{secrets.token_hex(4)}"
        self.keep([*self.names(), name])
        return name, str(self.target.keys(action="issue", tenant_id=name)["api_key"])

    def clear(self) -> None:
        """Deletes the webhooks and revokes the keys of all tenants. What fails is left for the next run."""
        for name in self.names():
            try:
                self.clear_one(name)
            except (SystemExit, OSError, BotoCoreError, ClientError) as failed:
                if isinstance(failed, SystemExit) and not isinstance(failed.code, str):
                    raise  # the end of the program, not a reason of stop_with
                say(f"warning: the tenant {name} is not cleared, the next run tries again: {failed}")
                continue
            self.keep([other for other in self.names() if other != name])

    def clear_one(self, name: str) -> None:
        """Deletes a tenant's webhooks, and then revokes its keys."""
        api = Api(self.target.api_url, str(self.target.keys(action="issue", tenant_id=name)["api_key"]))
        for webhook in api.must(200, "GET", "/api/v1/webhooks")["items"]:
            api.must(204, "DELETE", f"/api/v1/webhooks/{webhook['webhook_id']}")
        for key in self.target.keys(action="list", tenant_id=name)["keys"]:
            self.target.keys(action="revoke", key_id=key["key_id"])
