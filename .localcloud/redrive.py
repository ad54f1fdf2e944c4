"""Sends dead letters back to where they came from, on AWS and on the local cloud alike.

SQS's own StartMessageMoveTask would bring the reason along as an attribute and take every message;
the local cloud has none. Each letter is sent first and deleted then: a crash in between sends it
twice, which a receiver recognises by webhook-id.
"""

import time

from say import say, step, stop_with

# The logical ids in template.yaml: whose letters they are, and where they go.
QUEUES = {
    "events": ("EventsDeadLettersQueue", "EventsQueue"),
    "deliveries": ("DeliveriesDeadLettersQueue", "DeliveriesQueue"),
    "bus": ("BusDeadLettersQueue", "EventsQueue"),
}
ABOUT_THE_LETTER = ("reason", "detail")  # the rest belongs to the event: its id, when it was sent
HIDDEN_SECONDS = 300  # a letter that stays is not seen again within this run
EMPTY_ANSWERS = 3  # SQS may answer empty although there are messages
SHORT_POLL_SECONDS = 1


def redrive(client, stack: str, name: str, reason: str) -> int:
    """Redrives the letters that were there when it began; with a reason, only those. Returns how many."""
    if name not in QUEUES:
        stop_with(f"QUEUE must be one of {', '.join(QUEUES)}, not {name!r}.")
    sqs = client("sqs")
    source, target = (url(client, stack, logical) for logical in QUEUES[name])
    began, moved, kept, empty = time.time() * 1000, 0, 0, 0
    with step(f"Redrive the dead letters of {name}"):
        while empty < EMPTY_ANSWERS:
            letters = sqs.receive_message(
                QueueUrl=source, MaxNumberOfMessages=10, VisibilityTimeout=HIDDEN_SECONDS, WaitTimeSeconds=SHORT_POLL_SECONDS,
                MessageSystemAttributeNames=["All"], MessageAttributeNames=["All"],
            ).get("Messages", [])
            empty = 0 if letters else empty + 1
            for letter in letters:
                if wanted(letter, reason, began):
                    send_back(sqs, letter, source, target)
                    moved += 1
                else:
                    kept += 1
    say(f"{moved} sent back, {kept} kept.")
    return moved


def wanted(letter: dict, reason: str, began: float) -> bool:
    """A letter that was written while we worked may be one that we sent back: it waits for the next time."""
    if float(letter["Attributes"]["SentTimestamp"]) > began:
        return False
    return not reason or letter.get("MessageAttributes", {}).get("reason", {}).get("StringValue") == reason


def send_back(sqs, letter: dict, source: str, target: str) -> None:
    attributes = {
        name: {key: value[key] for key in ("DataType", "StringValue", "BinaryValue") if key in value}
        for name, value in letter.get("MessageAttributes", {}).items() if name not in ABOUT_THE_LETTER
    }
    message = {"QueueUrl": target, "MessageBody": letter["Body"], "MessageAttributes": attributes}
    if group := letter["Attributes"].get("MessageGroupId"):
        message["MessageGroupId"] = group
    sqs.send_message(**message)
    sqs.delete_message(QueueUrl=source, ReceiptHandle=letter["ReceiptHandle"])


def url(client, stack: str, logical: str) -> str:
    """A queue's physical id is its URL."""
    answer = client("cloudformation").describe_stack_resources(StackName=stack, LogicalResourceId=logical)
    return answer["StackResources"][0]["PhysicalResourceId"]
