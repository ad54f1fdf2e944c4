"""`make redrive`: sends dead letters back to the queue that they came from.

SQS's own StartMessageMoveTask would move every letter and keep its reason as an attribute. An event without an
id has one made of its message's id, which the task would change. The local cloud has no such task either.

Each letter is sent first and deleted afterwards: after a crash in between it is sent twice, and receivers
recognise the duplicate by webhook-id.
"""

import time
from typing import Any

from base.console import say, step, stop_with
from base.stacks import Stack
from operate import letters
from operate.letters import Letter

# By the name for the command line, the logical ids in template.yaml of the letters' queue and of the target.
QUEUES = {
    "events": ("EventsDeadLettersQueue", "EventsQueue"),
    "deliveries": ("DeliveriesDeadLettersQueue", "DeliveriesQueue"),
    "bus": ("BusDeadLettersQueue", "EventsQueue"),
}
ABOUT_THE_EVENT = ("event_id", "sent_at")  # all other attributes are about the letter
HIDDEN_SECONDS = 300  # from others, and from this run, which receives each letter once


def redrive(stack: Stack, queue: str, reason: str = "") -> int:
    """Sends back the letters that are in the queue now; with a reason, only those. Returns their number.

    The other letters stay in the queue. So do those that were written after the start: one of them may have been
    sent back by this run and have failed again. When a call of SQS fails, the letters that stay are made visible
    before the failure ends the program.
    """
    if queue not in QUEUES:
        stop_with(f"QUEUE must be one of {', '.join(QUEUES)}, not {queue!r}.")
    urls = stack.queues()
    source, target = (urls[logical] for logical in QUEUES[queue])
    others: list[Letter] = []
    younger: list[Letter] = []
    sqs, began, sent = stack.client("sqs"), time.time() * 1000, 0
    with step(f"Redrive the dead letters of {queue}"):
        try:
            for letter in letters.receive_all(sqs, source, HIDDEN_SECONDS):
                if float(letter["Attributes"]["SentTimestamp"]) > began:
                    younger.append(letter)
                elif reason and letters.reason(letter) != reason:
                    others.append(letter)
                else:
                    send_back(sqs, letter, source, target, events=target == urls["EventsQueue"])
                    sent += 1
        except BaseException:
            say(f"failed after {sent} were sent back.")
            raise
        finally:
            letters.give_back(sqs, source, others + younger)
    say(f"{sent} sent back, {len(others)} kept.")
    if younger:
        say(f"{len(younger)} arrived, or failed again, after the start; the next redrive takes them.")
    return sent


def send_back(sqs: Any, letter: Letter, source: str, target: str, events: bool) -> None:
    """Sends one letter to the target queue and deletes it from its own."""
    message = {
        "QueueUrl": target,
        "MessageBody": letter["Body"],
        "MessageAttributes": attributes(letter, events),
    }
    if group := letter["Attributes"].get("MessageGroupId"):
        message["MessageGroupId"] = group
    sqs.send_message(**message)
    sqs.delete_message(QueueUrl=source, ReceiptHandle=letter["ReceiptHandle"])


def attributes(letter: Letter, events: bool) -> dict[str, dict[str, str]]:
    """The attributes of the message that is sent back: those about the event.

    A letter that SQS moved from the events queue is the producer's own message: its id and its time of sending
    become attributes, unless it has them, because the message that is sent back has others.
    """
    has = letter.get("MessageAttributes", {})
    kept = {
        name: {"DataType": has[name]["DataType"], "StringValue": has[name]["StringValue"]}
        for name in ABOUT_THE_EVENT
        if name in has
    }
    if events and letters.reason(letter) == letters.TOO_OFTEN:
        original = {
            "event_id": text("evt_" + letter["MessageId"]),
            "sent_at": text(letter["Attributes"]["SentTimestamp"]),
        }
        return original | kept
    return kept


def text(value: str) -> dict[str, str]:
    """A message attribute with a text."""
    return {"DataType": "String", "StringValue": value}
