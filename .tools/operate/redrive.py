"""`make redrive`: sends dead letters back to the queue that they came from.

SQS's own StartMessageMoveTask would move every letter. An event without an id has one made of its message's id,
which the task would change. The local cloud has no such task either.

Each letter is sent first and deleted afterwards: after a crash in between it is sent twice, and receivers
recognise the duplicate by webhook-id.
"""

import threading
from collections import Counter
from typing import Any

from base.console import say, stop_with
from base.stacks import Stack
from operate import batches, letters, reading
from operate.letters import QUEUES
from operate.origin import CannotBeSentBackError, Letter, message, subject
from operate.quoting import quoted
from operate.reading import Reading

# The start of a reading is the end of a second, because AWS tells its time in seconds. A letter that fails again at
# once must be younger, or the run would send it again.
SETTLE_SECONDS = 1
EXAMPLES = 5  # of the letters that stay because they cannot be sent back


def redrive(stack: Stack, queue: str, reason: str = "") -> int:
    """Sends back the letters that are in the queue now; with a reason, only those. Returns an exit status.

    It is 1 when something failed that should have worked. A letter that can never be sent back is reported and stays.
    """
    if queue not in QUEUES:
        stop_with(f"QUEUE must be one of {', '.join(QUEUES)}, not {queue!r}.")
    if reason and reason not in letters.advice():
        stop_with(f"REASON must be one of {', '.join(letters.advice())}, not {reason!r}.")
    urls = letters.queues(stack, *QUEUES[queue])
    source, target = (urls[logical] for logical in QUEUES[queue])
    read = Reading(stack.client("sqs"), source)
    say(f"Redrive the dead letters of {queue}: about {reading.letters(read.depth.visible)} in the queue.")
    read.wait(SETTLE_SECONDS)
    return Redrive(read, target, QUEUES[queue][1], reason).run()


class Redrive:
    """One run: what it sends, and what it did."""

    def __init__(self, read: Reading, target: str, name: str, reason: str) -> None:
        """The target is a queue's URL, and name its logical id. An empty reason means all."""
        self.read, self.target, self.name, self.reason = read, target, name, reason
        self.known = letters.advice()
        self.sent = self.other = self.unsendable = self.failed = self.undeleted = 0
        self.examples: list[str] = []  # of letters that cannot be sent back
        self.failures: Counter[str] = Counter()  # of SQS, for single letters
        self.lock = threading.Lock()

    def run(self) -> int:
        """Sends the letters back and says what was done, also after an interruption. Returns the exit status."""
        try:
            self.read.run(self.take, lambda: f"{reading.letters(self.sent)} sent back so far")
        finally:
            try:
                self.summarize()
            finally:
                given_back = self.read.give_back()
        return 1 if self.failed or self.undeleted or not given_back else 0

    def take(self, received: list[Letter]) -> None:
        """Sends back those of the letters that this run is for."""
        outgoing = []
        for letter in received:
            why = letters.reason(letter)
            if self.reason and why != self.reason:
                self.note(other=1)
                continue
            try:
                if why not in self.known:
                    raise CannotBeSentBackError(f"this version does not know its reason {quoted(why, letters.MOST_ID)}")
                outgoing.append(self.outgoing(letter))
            except CannotBeSentBackError as cause:
                self.note(unsendable=1, example=f"{letters.named(letter, subject(letter))}: {cause}")
        for batch in batches.of_ten(outgoing):
            self.send(batch)

    def outgoing(self, letter: Letter) -> batches.Entry:
        """The message that sends a letter back."""
        body = message(letter, events=self.name == "EventsQueue")
        entry = {"Id": letter["MessageId"], "MessageBody": body}
        if group := letter["Attributes"].get("MessageGroupId"):
            entry["MessageGroupId"] = group
        return entry

    def send(self, batch: list[batches.Entry]) -> None:
        """Sends letters, and deletes those that were sent."""
        sqs = self.read.sqs

        def send(entries: list[batches.Entry]) -> dict[str, Any]:
            answer: dict[str, Any] = sqs.send_message_batch(QueueUrl=self.target, Entries=entries)
            return answer

        def delete(entries: list[batches.Entry]) -> dict[str, Any]:
            answer: dict[str, Any] = sqs.delete_message_batch(QueueUrl=self.read.url, Entries=entries)
            return answer

        unsent = batches.request(send, batch, self.read.wait)
        sent = [entry["Id"] for entry in batch if entry["Id"] not in unsent]
        self.note(sent=len(sent), failed=len(unsent), undeleted=len(sent))
        self.note_failures("sent", unsent)
        if not sent:
            return
        with self.read.lock:
            entries = [self.read.entry(name) for name in sent]
        undeleted = batches.request(delete, entries, self.read.wait)
        deleted = [name for name in sent if name not in undeleted]
        self.note(undeleted=-len(deleted))
        self.note_failures("deleted", undeleted)
        self.read.left(deleted)

    def note(self, example: str = "", **counts: int) -> None:
        """Adds to the counts."""
        with self.lock:
            for name, count in counts.items():
                setattr(self, name, getattr(self, name) + count)
            if example and len(self.examples) < EXAMPLES:
                self.examples.append(example)

    def note_failures(self, what: str, failures: dict[str, batches.Entry]) -> None:
        """Counts what SQS says about single letters."""
        with self.lock:
            self.failures.update(f"not {what}: {batches.describe(failure)}" for failure in failures.values())

    def summarize(self) -> None:
        """Says what was done."""
        if not self.read.complete:
            say("Not finished: it failed or was interrupted. Run it again.")
        of_reason = f" with the reason {self.reason}" if self.reason else ""
        say(f"{reading.letters(self.sent)}{of_reason} {one(self.sent, 'was', 'were')} sent back to {self.name}.")
        if self.other:
            say(f"{reading.letters(self.other)} with other reasons {one(self.other, 'stays', 'stay')}.")
        if self.unsendable:
            stay = one(self.unsendable, "stays", "stay")
            say(f"{reading.letters(self.unsendable)} cannot be sent back and {stay}:")
            for example in self.examples:
                say(f"  - {example}")
            if more := self.unsendable - len(self.examples):
                say(f"  and {more:,} more, which `make letters` counts.")
        if self.failed:
            stay = one(self.failed, "stays", "stay")
            say(f"{reading.letters(self.failed)} could not be sent and {stay}; the next run tries again.")
        if self.undeleted:
            say(
                f"{reading.letters(self.undeleted)} of these could not be deleted and may still be in the queue. "
                "The next run sends what is there again, which is harmless: the event has the same id."
            )
        for failure, count in self.failures.most_common(EXAMPLES):
            say(f"  {count:,} × {quoted(failure, letters.MOST_DETAIL)}")
        self.read.explain("make redrive")


def one(count: int, singular: str, plural: str) -> str:
    """The form of a word for a number."""
    return singular if count == 1 else plural
