"""`make letters`: lists the dead letters of a stack by reason, with what to do about them."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from base.console import say
from base.paths import ROOT
from base.stacks import Stack
from operate.origin import Letter, attribute

HIDDEN_SECONDS = 30  # for others, unless the letter is given back first
EMPTY_ANSWERS = 3  # SQS may answer without messages although it has some
SHORT_POLL_SECONDS = 1
# The reasons of letters that SQS or EventBridge moved: neither writes the attribute `reason`.
TOO_OFTEN = "received_too_often"
NOT_SENT = "not_sent_by_the_bus"
REASONS = ROOT / "shared" / "deadletter" / "reasons.json"


@dataclass(frozen=True)
class Advice:
    """What a reason means, and what to do about letters with it."""

    happened: str
    do: str


UNKNOWN_REASON = Advice("This version of the code does not write this reason.", "Read the detail.")


def advice() -> dict[str, Advice]:
    """The advice by reason, from the list that the functions are tested against."""
    reasons = json.loads(REASONS.read_text(encoding="utf-8"))
    return {entry["reason"]: Advice(entry["happened"], entry["do"]) for entry in reasons}


def show(stack: Stack) -> int:
    """Prints the number of letters by queue and reason, with an example's detail. Returns the total."""
    total, sqs, known = 0, stack.client("sqs"), advice()
    for name, url in sorted(stack.queues().items()):
        if "DeadLetters" not in name:
            continue
        letters = peek(sqs, url)
        total += len(letters)
        for why, count in Counter(map(reason, letters)).most_common():
            example = next(detail(letter) for letter in letters if reason(letter) == why)
            say(f"  {name}: {count} × {why}" + (f" ({example})" if example else ""))
            about = known.get(why, UNKNOWN_REASON)
            say(f"      {about.happened}\n      {about.do}")
    if not total:
        say("  No dead letters.")
    return total


def reason(letter: Letter) -> str:
    """Why the message is a dead letter."""
    return attribute(letter, "reason") or (NOT_SENT if attribute(letter, "ERROR_CODE") else TOO_OFTEN)


def detail(letter: Letter) -> str:
    """What the function or EventBridge says about this letter; empty when neither says anything."""
    names = ("detail", "ERROR_MESSAGE", "ERROR_CODE")
    return next((text for text in (attribute(letter, name) for name in names) if text), "")


def peek(sqs: Any, url: str) -> list[Letter]:
    """All letters of a queue, which stay in it."""
    letters = list(receive_all(sqs, url, HIDDEN_SECONDS))
    give_back(sqs, url, letters)
    return letters


def receive_all(sqs: Any, url: str, hidden_seconds: int) -> Iterator[Letter]:
    """Every letter of a queue once. A received letter is hidden from others for that time."""
    seen, empty = set(), 0
    while empty < EMPTY_ANSWERS:
        answer = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=hidden_seconds,
            WaitTimeSeconds=SHORT_POLL_SECONDS,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        new = [letter for letter in answer.get("Messages", []) if letter["MessageId"] not in seen]
        seen |= {letter["MessageId"] for letter in new}
        empty = 0 if new else empty + 1
        yield from new


def give_back(sqs: Any, url: str, letters: Iterable[Letter]) -> None:
    """Makes received letters visible to others again."""
    for letter in letters:
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=letter["ReceiptHandle"], VisibilityTimeout=0)
