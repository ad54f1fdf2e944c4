"""The queues of the stack that `make isolation` measures: they are empty before and after each measurement."""

import time
from typing import Any

from cloud.instance import Cloud

# Until what a measurement left has been attempted and the queues are empty: longer than the visibility timeout of a
# message that an invocation took and could not delete, which ends with the invocation. A message that failed is hidden
# for the queue's 360 s, and counts as left.
SETTLE_SECONDS = 240
COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")


def purge(cloud: Cloud) -> None:
    """Deletes what tests left in the queues, dead letters too, and waits until its attempts have ended."""
    for url in cloud.stack.queues().values():
        cloud.client("sqs").purge_queue(QueueUrl=url)
    settle(cloud)


def settle(cloud: Cloud) -> dict[str, int]:
    """Waits until all queues but those of dead letters are empty. Returns what is left, by queue."""
    deadline, sqs, queues = time.monotonic() + SETTLE_SECONDS, cloud.client("sqs"), cloud.stack.queues()
    while True:
        left = {name: number for name, url in queues.items() if (number := messages(sqs, url))}
        if all("DeadLetters" in name for name in left) or time.monotonic() > deadline:
            return left
        time.sleep(1)


def messages(sqs: Any, url: str) -> int:
    """The number of messages of a queue, whether visible, in flight or delayed."""
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(COUNTS))["Attributes"]
    return sum(int(attributes[name]) for name in COUNTS)


def describe(left: dict[str, int]) -> str:
    """Says what is left."""
    if not left:
        return "nothing is left in any queue"
    return "left behind: " + ", ".join(f"{number} in {name}" for name, number in left.items())


def arn(cloud: Cloud, url: str) -> str:
    """The ARN of a queue."""
    answer = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(answer["Attributes"]["QueueArn"])
