"""What lies in the dead letters, by reason, and what to do about it; on AWS and on the local cloud alike."""

from collections import Counter

from base.console import say

PEEK_SECONDS = 30  # how long a letter that was looked at is hidden, unless it is given back first
EMPTY_ANSWERS = 3  # SQS may answer empty although there are messages
SHORT_POLL_SECONDS = 1
# The reason of a letter without one: SQS itself moved it, and does not say why.
TOO_OFTEN = "received_too_often"
NOT_SENT = "not_sent_by_the_bus"

ADVICE = {
    "not_json": "the producer sent no valid JSON object (UTF-8, no member twice): mend the producer, publish again",
    "ambiguous": "the message can be read as an event and as an envelope: mend the producer, publish again",
    "missing_field": "type, tenant or data is missing: mend the producer, publish again",
    "unknown_field": "a member of that name does not exist: mend the producer, publish again",
    "unknown_type": "no such event type: mend the producer, or deploy a version that knows it and redrive",
    "invalid_id": "ids are 1-64 of A-Z a-z 0-9 _ -: mend the producer, publish again",
    "invalid_tenant": "tenants are 1-64 of A-Z a-z 0-9 _ -: mend the producer, publish again",
    "invalid_timestamp": "timestamps are RFC 3339: mend the producer, publish again",
    "data_too_large": "data is more than 256 KiB: send a link instead, publish again",
    "conflict": "another event has this id: publish it again under an id of its own; to redrive it makes it a conflict again",
    "too_many_receives": "it failed again and again for a reason of ours, which the function's log names: mend that, redrive",
    "unreadable": "no version of the dispatcher that ran could read it: redrive after a roll-back or an update, else delete it",
    "body_missing": "the event has expired, or its fan-out never ended: redrive the event if its letter is there too, then this",
    TOO_OFTEN: "SQS moved it: the function crashed, timed out or was throttled each time; see its log and alarms, mend that, redrive",
    NOT_SENT: "EventBridge could not send it to the events queue (the detail says why): mend the queue's policy, redrive",
}


def queues(client, stack: str) -> dict[str, str]:
    """The URLs of the stack's queues by their logical ids: a queue's physical id is its URL."""
    answer = client("cloudformation").describe_stack_resources(StackName=stack)
    return {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in answer["StackResources"] if r["ResourceType"] == "AWS::SQS::Queue"}


def reason(letter: dict) -> str:
    attributes = letter.get("MessageAttributes", {})
    if "reason" in attributes:
        return attributes["reason"]["StringValue"]
    return NOT_SENT if "ERROR_CODE" in attributes else TOO_OFTEN


def detail(letter: dict) -> str:
    attributes = letter.get("MessageAttributes", {})
    for name in ("detail", "ERROR_MESSAGE", "ERROR_CODE"):
        if name in attributes:
            return attributes[name]["StringValue"]
    return ""


def show(client, stack: str) -> int:
    """Prints how many letters each queue has, by reason with an example, and answers how many there are."""
    total = 0
    for name, url in sorted(queues(client, stack).items()):
        if "DeadLetters" not in name:
            continue
        counts, examples = Counter(), {}
        for letter in peek(client("sqs"), url):
            counts[reason(letter)] += 1
            examples.setdefault(reason(letter), detail(letter))
        total += counts.total()
        for what, count in counts.most_common():
            say(f"  {name}: {count} × {what}" + (f" ({examples[what]})" if examples[what] else ""))
            say(f"      {ADVICE.get(what, 'the detail says why')}")
    if not total:
        say("  No dead letters.")
    return total


def peek(sqs, url: str) -> list[dict]:
    """The letters of a queue, each once; they are given back at the end."""
    found, empty = {}, 0
    while empty < EMPTY_ANSWERS:
        new = [letter for letter in receive(sqs, url, PEEK_SECONDS) if letter["MessageId"] not in found]
        empty = 0 if new else empty + 1
        found |= {letter["MessageId"]: letter for letter in new}
    give_back(sqs, url, found.values())
    return list(found.values())


def give_back(sqs, url: str, received) -> None:
    """Lets others see letters again."""
    for letter in received:
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=letter["ReceiptHandle"], VisibilityTimeout=0)


def receive(sqs, url: str, hidden: int) -> list[dict]:
    """Up to ten letters, hidden from others for so many seconds."""
    return sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=hidden, WaitTimeSeconds=SHORT_POLL_SECONDS,
        MessageSystemAttributeNames=["All"], MessageAttributeNames=["All"],
    ).get("Messages", [])
