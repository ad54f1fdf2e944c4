"""Reads how many Lambda functions the AWS account may run at once."""

from dataclasses import dataclass

from base.stacks import ClientFactory

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
