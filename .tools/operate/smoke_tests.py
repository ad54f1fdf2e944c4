"""The end-to-end tests of `make smoke`: which of them run against a deployed stack, and how many at once."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from base.console import say
from base.paths import ROOT
from operate.account import Concurrency

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
MOST_AT_ONCE = 12


def run(stack_file: Path, at_once: int) -> bool:
    """Runs the tests against the stack; returns whether they passed."""
    pattern = f"^Test({'|'.join(WITHOUT_RECEIVER)})$"
    command = ["go", "test", "-count=1", "-parallel", str(at_once), "-run", pattern, "./shared/systemtest/e2e"]
    return subprocess.run(command, cwd=ROOT, env=os.environ | {"WEBHOOKS_STACK": str(stack_file)}).returncode == 0


def at_once(account: Concurrency, parameters: Mapping[str, str]) -> int:
    """How many tests run at once in an account with this concurrency, for a stack with these parameters.

    A test occupies one execution at a time, of the authorizer or of the function behind it. Those of the
    fan-out, of the dispatcher for the deliveries queue and of the retrier stay free.
    """
    busy = int(parameters["FanoutConcurrency"]) + int(parameters["DispatcherConcurrency"]) + 1
    free = account.unreserved - busy
    if account.unreserved < account.limit:
        say(
            f"note: {account.limit - account.unreserved} of the {account.limit} concurrent executions of this account "
            f"are reserved for other functions; {account.unreserved} are left for this stack and all others."
        )
    if free < 1:
        say(
            f"warning: fan-out, dispatcher and retrier may need {busy} concurrent executions, and this account has "
            f"{account.unreserved}: calls of the API may be throttled (503). Lower FanoutConcurrency and "
            "DispatcherConcurrency, or raise the limit: Service Quotas, AWS Lambda, Concurrent executions."
        )
    return max(1, min(MOST_AT_ONCE, free))
