"""Sends dead letters back to where they came from, on AWS and on the local cloud alike.

SQS's own StartMessageMoveTask would bring the reason along as an attribute and take every message;
the local cloud has none. It would also give an event without an id another one: that is made of the
message's id, which a letter that SQS itself moved still has, and the message that is sent back has not.
Each letter is sent first and deleted then: a crash in between sends it twice, which a receiver
recognises by webhook-id.
"""

import time

from operate import letters
from base.console import say, step, stop_with

# The logical ids in template.yaml: whose letters they are, and where they go.
QUEUES = {
    "events": ("EventsDeadLettersQueue", "EventsQueue"),
    "deliveries": ("DeliveriesDeadLettersQueue", "DeliveriesQueue"),
    "bus": ("BusDeadLettersQueue", "EventsQueue"),
}
ABOUT_THE_EVENT = ("event_id", "sent_at")  # all other attributes are about the letter
HIDDEN_SECONDS = 300  # a letter that stays is not seen again within this run
EMPTY_ANSWERS = 3  # SQS may answer empty although there are messages


def redrive(client, stack: str, name: str, reason: str) -> int:
    """Redrives the letters that were there when it began; with a reason, only those. Returns how many."""
    if name not in QUEUES:
        stop_with(f"QUEUE must be one of {', '.join(QUEUES)}, not {name!r}.")
    sqs, urls = client("sqs"), letters.queues(client, stack)
    source, target = (urls[logical] for logical in QUEUES[name])
    began, moved, kept, empty = time.time() * 1000, 0, [], 0
    with step(f"Redrive the dead letters of {name}"):
        while empty < EMPTY_ANSWERS:
            received = letters.receive(sqs, source, HIDDEN_SECONDS)
            empty = 0 if received else empty + 1
            for letter in received:
                if wanted(letter, reason, began):
                    send_back(sqs, letter, source, target, events=target == urls["EventsQueue"])
                    moved += 1
                else:
                    kept.append(letter)
        letters.give_back(sqs, source, kept)
    say(f"{moved} sent back, {len(kept)} kept.")
    return moved


def wanted(letter: dict, reason: str, began: float) -> bool:
    """A letter that was written while we worked may be one that we sent back: it waits for the next time."""
    if float(letter["Attributes"]["SentTimestamp"]) > began:
        return False
    return not reason or letters.reason(letter) == reason


def send_back(sqs, letter: dict, source: str, target: str, events: bool) -> None:
    message = {"QueueUrl": target, "MessageBody": letter["Body"], "MessageAttributes": attributes(letter, events)}
    if group := letter["Attributes"].get("MessageGroupId"):
        message["MessageGroupId"] = group
    sqs.send_message(**message)
    sqs.delete_message(QueueUrl=source, ReceiptHandle=letter["ReceiptHandle"])


def attributes(letter: dict, events: bool) -> dict:
    """What belongs to the event. Of an event that SQS itself moved it is what the message was: its id, which the
    event has if it has none of its own, and when it was sent."""
    has = letter.get("MessageAttributes", {})
    kept = {name: {key: has[name][key] for key in ("DataType", "StringValue") if key in has[name]} for name in ABOUT_THE_EVENT if name in has}
    if events and letters.reason(letter) == letters.TOO_OFTEN:
        kept = {"event_id": text("evt_" + letter["MessageId"]), "sent_at": text(letter["Attributes"]["SentTimestamp"])} | kept
    return kept


def text(value: str) -> dict:
    return {"DataType": "String", "StringValue": value}
