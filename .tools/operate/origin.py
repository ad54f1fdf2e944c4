"""What a dead letter was before: its reason, its event, and the message that a redrive sends.

Only the functions write to the dead-letter queues, so the attributes of a letter are theirs
(shared/deadletter/letter.go). A letter that SQS moved has the attributes of its producer, which mean nothing. SQS
marks it with the system attribute DeadLetterQueueSourceArn, which nobody else can write:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
"""

import json
from typing import Any

Letter = dict[str, Any]  # a message of a dead-letter queue, as SQS answers it

MAX_BYTES = 1 << 20  # of a message of SQS
FORMAT = 1
PREFIX = f'{{"redrive":{FORMAT},'


class CannotBeSentBackError(Exception):
    """The letter stays: what would be sent is not the message that the producer sent."""


def moved_by_sqs(letter: Letter) -> bool:
    """Whether SQS moved the letter, because its function failed on every receive."""
    return "DeadLetterQueueSourceArn" in letter["Attributes"]


def attribute(letter: Letter, name: str) -> str:
    """The attribute that the function or EventBridge wrote; empty without one."""
    if moved_by_sqs(letter):
        return ""
    return str(letter.get("MessageAttributes", {}).get(name, {}).get("StringValue", ""))


def message(letter: Letter, events: bool) -> str:
    """The body of the message that sends the letter back; events says whether to the events queue.

    A delivery and an event of the bus carry their id and times. An event that a producer sent may have none: then
    the id and the time of its first message count, which the new message does not have. They travel in the body,
    as shared/deadletter/redrive.go reads it.
    """
    body = str(letter["Body"])
    if altered := attribute(letter, "altered"):
        raise CannotBeSentBackError(f"the letter is not the whole message: {altered}")
    if not events or attribute(letter, "ERROR_CODE") or body.startswith(PREFIX):
        return body
    if moved_by_sqs(letter):
        event_id, sent_at = "evt_" + letter["MessageId"], letter["Attributes"]["SentTimestamp"]
    else:
        first = attribute(letter, "message_id")
        event_id = attribute(letter, "event_id") or (first and "evt_" + first)
        sent_at = attribute(letter, "sent_at") or letter["Attributes"]["SentTimestamp"]
    form = {"redrive": FORMAT, "event_id": event_id, "sent_at": int(sent_at), "body": body}
    text = json.dumps(form, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode()) > MAX_BYTES:
        raise CannotBeSentBackError("the letter has no room for its id and time")
    return text
