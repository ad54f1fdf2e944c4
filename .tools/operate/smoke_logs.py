"""The check of `make smoke` that several webhooks get the ids of their logs in one request, each id once.

The dispatcher relies on `BatchExecuteStatement` to answer `UPDATE … RETURNING MODIFIED NEW *` with the changed item
for each statement. Without the items it reserves the ids again, and each total counts ids that no log has.
"""

import time
from typing import TYPE_CHECKING, Any

from operate.smoke_figures import CheckError, expect, new_id

if TYPE_CHECKING:
    from operate.smoke_checks import Smoke

# For the first event, the counter of each new webhook is made alone. For the later events, one request reserves the log
# ids of several webhooks.
EVENTS = 4
LOG_SECONDS = 60.0  # until an attempt is in the logs
PAUSE_SECONDS = 0.5


def measure(smoke: "Smoke") -> str:
    """Sends events to two webhooks, one after the other, and compares each total with the logs."""
    sent: list[str] = []
    with smoke.webhook() as one, smoke.webhook() as two:
        for _ in range(EVENTS):
            sent.append(new_id())
            smoke.send(sent[-1:])
            pages = [logged(smoke, webhook["webhook_id"], sent) for webhook in (one, two)]
    for page in pages:
        compare(page)
    totals = " and ".join(str(page["pagination"]["total"]) for page in pages)
    return f"{EVENTS} events to two webhooks: totals of {totals}, one for each attempt"


def logged(smoke: "Smoke", webhook: int, sent: list[str]) -> dict[str, Any]:
    """The page of a webhook's logs, as soon as it has an attempt of each event."""
    deadline = time.monotonic() + LOG_SECONDS
    while True:
        page: dict[str, Any] = smoke.api.must(200, "GET", f"/api/v1/webhooks/{webhook}/logs?page_size=100")
        missing = set(sent) - {log["event_id"] for log in page["items"]}
        if not missing:
            return page
        if time.monotonic() > deadline:
            raise CheckError(f"{len(missing)} of {len(sent)} events are not in the logs after {LOG_SECONDS:.0f} s")
        time.sleep(PAUSE_SECONDS)


def compare(page: dict[str, Any]) -> None:
    """Fails unless the total, which counts ids, is the number of the logs: there is one for each attempt."""
    attempts, total = len(page["items"]), page["pagination"]["total"]
    expect(total == attempts, f"the total of the logs is {total} after {attempts} attempts: some ids have no log")
