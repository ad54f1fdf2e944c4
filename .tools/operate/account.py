"""Warns before a deployment when the AWS account may run few functions at once."""

from botocore.exceptions import BotoCoreError, ClientError

from base.console import say
from base.stacks import ClientFactory

LOW_CONCURRENCY = 100  # a new account may have 10


def concurrency(client: ClientFactory) -> int:
    """How many Lambda functions the account may run at once, all of them together."""
    return int(client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"])


def check(client: ClientFactory) -> None:
    """Prints a warning when the limit is low, or a note when it cannot be read. It never stops a deployment."""
    try:
        limit = concurrency(client)
    except (BotoCoreError, ClientError) as error:
        say(f"note: the account's Lambda concurrency could not be read ({error}).")
        return
    if limit < LOW_CONCURRENCY:
        say(
            f"warning: this account runs at most {limit} Lambda functions at once, all of them together.\n"
            "         Deliveries wait while that limit is reached. To raise it: Service Quotas, AWS Lambda, "
            "Concurrent executions."
        )
