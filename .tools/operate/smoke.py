"""`make smoke ENV=dev`: tries a deployed stack, and measures what only a deployment shows.

It runs the end-to-end tests that need no receiver, then delivers events to a receiver of its own, and prints
and keeps the figures. It leaves behind a tenant `smoke-…` without webhooks, and the tenants `tenant-…` of the
tests, whose webhooks' URLs belong to nobody.
"""

import json
import os
import secrets
import subprocess
import time
from pathlib import Path

from base.console import say, stop_with
from base.paths import LOCAL, ROOT
from operate.smoke_checks import Smoke
from operate.target import Target

# The tests of shared/systemtest/e2e that only call the API.
WITHOUT_RECEIVER = (
    "CreateRespondsAsDocumented",
    "CreateWithoutASecretShowsTheGeneratedOne",
    "CreateEnabledOrDisabled",
    "CreateAcceptsEveryDocumentedEventType",
    "ListRespondsAsDocumented",
    "GetRespondsAsDocumented",
    "UpdateChangesOnlyTheGivenFields",
    "GetResponseCanBeSentBack",
    "DeleteRespondsWithoutABody",
    "RequestsWithoutAValidKeyAreRefused",
    "UnknownRoutesReturnTheErrorEnvelope",
    "ErrorsAreInTheCallersLanguage",
    "RevokedAndExpiredKeysAreRefused",
    "OnlyIAMIssuesKeys",
    "BadRequestsForKeysAreRefused",
    "CreateRefusesWhatIsNotOneObject",
    "CreateRefusesWrongTypes",
    "UpdateRefusesBadBodies",
    "BadIDsAreRefused",
    "BadPagesAreRefused",
)


def run(environment: str) -> None:
    """Runs the tests and checks, and writes their figures to .local/smoke-ENV.json. A failure stops the program."""
    target, tenant = Target(environment), f"smoke-{secrets.token_hex(4)}"
    issued, since = target.keys(action="issue", tenant_id=tenant), time.time()
    say(f"Smoke test of the stack {target.stack.name}, tenant {tenant}")
    tests_passed = run_go_tests(target.stack_file(tenant, issued["api_key"]))
    with target.receiver() as receiver:
        smoke = Smoke(target, receiver, tenant, issued["api_key"])
        smoke.check("every door", smoke.publishing)
        smoke.check("event to receiver", smoke.latency)
        smoke.check("retry", smoke.retry)
        smoke.check("beside a noisy webhook", smoke.noise)
        smoke.check("authorizer cache", smoke.authorizer)
        smoke.check("invocations", lambda: smoke.invocations(since))
    target.keys(action="revoke", key_id=issued["key_id"])
    write_report(environment, target.stack.name, smoke)
    failed = smoke.failed + ([] if tests_passed else ["the end-to-end tests"])
    if failed:
        stop_with(f"failed: {', '.join(failed)}")


def run_go_tests(stack_file: Path) -> bool:
    """Runs the end-to-end tests against the stack; returns whether they passed."""
    pattern = f"^Test({'|'.join(WITHOUT_RECEIVER)})$"
    command = ["go", "test", "-count=1", "-run", pattern, "./shared/systemtest/e2e"]
    return subprocess.run(command, cwd=ROOT, env=os.environ | {"WEBHOOKS_STACK": str(stack_file)}).returncode == 0


def write_report(environment: str, stack: str, smoke: Smoke) -> None:
    """Writes what was found."""
    report = LOCAL / f"smoke-{environment}.json"
    at = time.strftime("%FT%TZ", time.gmtime())
    content = {"stack": stack, "at": at, "found": smoke.found, "failed": smoke.failed}
    report.write_text(json.dumps(content, indent=2) + "\n")
    say(f"\nWritten to {report.relative_to(ROOT)}.")
