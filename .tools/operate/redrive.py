"""`make redrive`: sends dead letters back to the queue that they came from.

SQS's own StartMessageMoveTask would move every letter. An event without an id has one made of its message's id,
which the task would change. The local cloud has no such task either.

Each letter is sent first and deleted afterwards: after a crash in between it is sent twice, and receivers
recognise the duplicate by webhook-id.
"""

import time
from typing import Any

from base.console import say, step, stop_with
from base.stacks import Stack
from operate import letters
from operate.origin import CannotBeSentBackError, Letter, message

# By the name for the command line, the logical ids in template.yaml of the letters' queue and of the target.
QUEUES = {
    "events": ("EventsDeadLettersQueue", "EventsQueue"),
    "deliveries": ("DeliveriesDeadLettersQueue", "DeliveriesQueue"),
    "bus": ("BusDeadLettersQueue", "EventsQueue"),
}
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
    unsent: list[Letter] = []
    why: set[str] = set()
    sqs, began, sent = stack.client("sqs"), time.time() * 1000, 0
    with step(f"Redrive the dead letters of {queue}"):
        try:
            for letter in letters.receive_all(sqs, source, HIDDEN_SECONDS):
                if float(letter["Attributes"]["SentTimestamp"]) > began:
                    younger.append(letter)
                elif reason and letters.reason(letter) != reason:
                    others.append(letter)
                else:
                    try:
                        body = message(letter, events=target == urls["EventsQueue"])
                    except CannotBeSentBackError as cause:
                        unsent.append(letter)
                        why.add(str(cause))
                        continue
                    send_back(sqs, letter, body, source, target)
                    sent += 1
        except BaseException:
            say(f"failed after {sent} were sent back.")
            raise
        finally:
            letters.give_back(sqs, source, others + younger + unsent)
    say(f"{sent} sent back, {len(others)} kept.")
    if unsent:
        say(f"{len(unsent)} cannot be sent back and stay: {'; '.join(sorted(why))}.")
    if younger:
        say(f"{len(younger)} arrived, or failed again, after the start; the next redrive takes them.")
    return sent


def send_back(sqs: Any, letter: Letter, body: str, source: str, target: str) -> None:
    """Sends one letter as body to the target queue and deletes it from its own."""
    sent = {"QueueUrl": target, "MessageBody": body}
    if group := letter["Attributes"].get("MessageGroupId"):
        sent["MessageGroupId"] = group
    sqs.send_message(**sent)
    sqs.delete_message(QueueUrl=source, ReceiptHandle=letter["ReceiptHandle"])
