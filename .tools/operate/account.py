"""Reads how many Lambda functions the AWS account may run at once, and warns when they are few."""

from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from base.console import say
from base.stacks import ClientFactory

LOW_CONCURRENCY = 100  # a new account may have 10
NEW_ACCOUNT = 10


@dataclass(frozen=True)
class Concurrency:
    """The concurrent executions of an account and region.

    https://docs.aws.amazon.com/lambda/latest/api/API_AccountLimit.html
    """

    limit: int  # of all functions together
    unreserved: int  # of all functions without a reserved concurrency, which those of the template are


def concurrency(client: ClientFactory) -> Concurrency:
    """Asks Lambda for the concurrency of the account."""
    limits = client("lambda").get_account_settings()["AccountLimit"]
    limit = int(limits["ConcurrentExecutions"])
    return Concurrency(limit, int(limits.get("UnreservedConcurrentExecutions", limit)))


def check(client: ClientFactory) -> None:
    """Prints a warning when the limit is low, or a note when it cannot be read. It never stops a deployment."""
    try:
        limit = concurrency(client).limit
    except (BotoCoreError, ClientError) as error:
        say(f"note: the account's Lambda concurrency could not be read ({error}).")
        return
    if limit < LOW_CONCURRENCY:
        say(
            f"warning: this account runs at most {limit} Lambda functions at once, all of them together.\n"
            "         Deliveries wait while that limit is reached. To raise it: Service Quotas, AWS Lambda, "
            "Concurrent executions."
        )
