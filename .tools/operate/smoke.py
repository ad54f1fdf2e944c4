"""`make smoke ENV=dev`: tries a deployed stack, and measures what only a deployment shows.

It runs the end-to-end tests that need no receiver, then delivers events to a receiver of its own, and prints
and keeps the figures. It leaves behind the tenants `tenant-…` of the tests, whose webhooks' URLs belong to
nobody. It deletes everything else that it makes: at its end, after Ctrl-C too, and after a kill in its next run.
"""

import json
import time

from base.console import say, stop_with
from base.paths import LOCAL, ROOT
from operate import smoke_tests
from operate.smoke_checks import Smoke
from operate.smoke_tenants import Tenants
from operate.target import Target


def run(environment: str) -> None:
    """Runs the tests and checks, and writes their figures to .local/smoke-ENV.json. A failure stops the program."""
    target, since = Target(environment), time.time()
    with Tenants(target, LOCAL / f"smoke-{environment}-tenants.json") as tenants:
        tenant, key = tenants.new("smoke")
        say(f"Smoke test of the stack {target.stack.name}, tenant {tenant}")
        at_once = smoke_tests.at_once(target.concurrency(), target.stack.parameters())
        with target.stack_file(tenant, key) as file:
            tests_passed = smoke_tests.run(file, at_once)
        with target.receiver() as receiver:
            smoke = Smoke(target, receiver, tenants, tenant, key)
            smoke.check_all(since)
    write_report(environment, target.stack.name, smoke)
    failed = smoke.failed + ([] if tests_passed else ["the end-to-end tests"])
    if failed:
        stop_with(f"failed: {', '.join(failed)}")


def write_report(environment: str, stack: str, smoke: Smoke) -> None:
    """Writes what was found."""
    report = LOCAL / f"smoke-{environment}.json"
    at = time.strftime("%FT%TZ", time.gmtime())
    content = {"stack": stack, "at": at, "found": smoke.found, "failed": smoke.failed}
    report.write_text(json.dumps(content, indent=2) + "\n")
    say(f"\nWritten to {report.relative_to(ROOT)}.")
