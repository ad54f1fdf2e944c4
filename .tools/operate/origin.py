"""What a dead letter was before: its reason, its event, and the message that a redrive sends.

Only the functions write to the dead-letter queues, so the attributes of a letter are theirs
(shared/deadletter/letter.go). A letter that SQS moved has the attributes of its producer, which mean nothing. SQS
marks it with the system attribute DeadLetterQueueSourceArn, which nobody else can write:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
"""

import json
from dataclasses import dataclass
from typing import Any

from operate.quoting import quoted

Letter = dict[str, Any]  # a message of a dead-letter queue, as SQS answers it

MAX_BYTES = 1 << 20  # of a message of SQS
FORMAT = 1
MOST_SHOWN = 240  # characters of a text from a letter
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


@dataclass(frozen=True)
class Subject:
    """Which event a letter is about, as the message itself says; each value may be empty, invalid or of any length."""

    tenant: str = ""
    event: str = ""
    type: str = ""


def subject(letter: Letter) -> Subject:
    """The subject that the function wrote, else what the body says (shared/deadletter/subject.go)."""
    tenant, event, kind = (attribute(letter, name) for name in ("tenant_id", "event_id", "event_type"))
    if tenant and event and kind:
        return Subject(tenant, event, kind)
    said = subject_of(str(letter["Body"]))
    return Subject(tenant or said.tenant, event or said.event, kind or said.type)


def subject_of(body: str) -> Subject:
    """The subject of a message's body, which may be anything."""
    try:
        content = json.loads(body)
        if body.startswith(PREFIX):
            first = json.loads(content["body"])
            content = {"event_id": content["event_id"], **first}
    except (ValueError, RecursionError, KeyError, TypeError):
        return Subject()
    tenant = text(content, "tenant_id") or text(member(content, "detail"), "tenant_id")
    return Subject(tenant, text(content, "id", "event_id"), text(content, "type", "detail-type"))


def member(content: Any, name: str) -> Any:
    """A member of an object; None without one."""
    return content.get(name) if isinstance(content, dict) else None


def text(content: Any, *names: str) -> str:
    """The first of these members that is a text."""
    return next((value for name in names if isinstance(value := member(content, name), str)), "")


def message(letter: Letter, events: bool) -> str:
    """The body of the message that sends the letter back; events says whether to the events queue.

    A delivery and an event of the bus carry their id and times. An event that a producer sent may have none: then
    the id and the time of its first message count, which the new message does not have. They travel in the body,
    as shared/deadletter/redrive.go reads it.
    """
    body = str(letter["Body"])
    if altered := attribute(letter, "altered"):
        raise CannotBeSentBackError(f"it is not the whole message: {quoted(altered, MOST_SHOWN)}")
    if not events or attribute(letter, "ERROR_CODE") or body.startswith(PREFIX):
        return body
    if moved_by_sqs(letter):
        event_id, sent_at = "evt_" + letter["MessageId"], letter["Attributes"]["SentTimestamp"]
    else:
        first = attribute(letter, "message_id")
        event_id = attribute(letter, "event_id") or (first and "evt_" + first)
        sent_at = attribute(letter, "sent_at") or letter["Attributes"]["SentTimestamp"]
        if not (sent_at.isascii() and sent_at.isdigit()):
            raise CannotBeSentBackError("its attribute sent_at is not a time in milliseconds")
    form = {"redrive": FORMAT, "event_id": event_id, "sent_at": int(sent_at), "body": body}
    text = json.dumps(form, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode()) > MAX_BYTES:
        raise CannotBeSentBackError("the message would be larger than 1 MiB with its id and time")
    return text
