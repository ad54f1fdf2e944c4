"""Reads every letter of a dead-letter queue once.

A letter that was received is hidden from others, so that SQS does not answer it again, until it leaves the queue or
is given back. Letters are hidden for a short time, which is extended while the reading goes on: what a run that was
killed has hidden is visible again after that time.
"""

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from base.console import say
from operate import batches
from operate.origin import Letter

HIDDEN_SECONDS = 120
THREADS = 8
LETTERS_OF_A_THREAD = 100  # a small queue is read by one thread
EMPTY_ANSWERS = 3  # after so many in a row the queue is empty; SQS may answer without messages although it has some
ANSWERS_WITHOUT_NEW = 50  # after so many in a row the reading ends, although letters go on to arrive
POLL_SECONDS = 1  # a long poll, which asks all servers of SQS
PROGRESS_SECONDS = 10
# SQS hides at most 120,000 messages of a queue, and then answers long polls without any:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MOST_HELD = 100_000


@dataclass(frozen=True)
class Depth:
    """What SQS says about a queue. The numbers are approximate and up to a minute old."""

    visible: int
    hidden: int
    retention: int  # seconds until a message expires
    at: float  # the time of AWS, which may differ from that of this machine

    @classmethod
    def of(cls, sqs: Any, url: str) -> "Depth":
        """Asks SQS."""
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        values = answer["Attributes"]
        visible, hidden = (int(values.get(f"ApproximateNumberOfMessages{kind}", 0)) for kind in ("", "NotVisible"))
        at, date = time.time(), answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        with contextlib.suppress(ValueError, TypeError):
            at = parsedate_to_datetime(date).timestamp() + 1  # the end of that second
        return cls(visible, hidden, int(values.get("MessageRetentionPeriod", 0)), at)


class Reading:
    """One reading of a queue: of the letters that were in it at the start."""

    def __init__(self, sqs: Any, url: str, wait: batches.Wait = time.sleep) -> None:
        """Asks how many letters the queue has; run reads them. wait waits between two tries."""
        self.sqs, self.url, self.wait = sqs, url, wait
        self.depth = Depth.of(sqs, url)
        self.threads = min(THREADS, 1 + self.depth.visible // LETTERS_OF_A_THREAD)
        self.handles: dict[str, str] = {}  # the newest of each letter that was received, by its message id
        self.held: OrderedDict[str, float] = OrderedDict()  # until when each letter is hidden, the earliest first
        self.old = self.younger = 0
        self.empty = self.without_new = 0  # answers in a row
        self.lock, self.stop = threading.Lock(), threading.Event()
        self.failure: BaseException | None = None
        self.complete = False  # whether run came to its end

    def run(self, take: Callable[[list[Letter]], None], progress: Callable[[], str]) -> None:
        """Gives the letters to take, several at a time and from several threads, each letter once.

        Letters that were written after the start are not given: one of them may have been sent back by this run and
        have failed again. When the program is interrupted, each thread first finishes what it does.
        """
        try:
            self.in_threads(lambda: self.work(take), progress)
        finally:
            self.stop.set()
        if self.failure:
            raise self.failure
        self.complete = True

    def in_threads(self, work: Callable[[], None], progress: Callable[[], str]) -> None:
        """Runs work in every thread and waits; says the progress from time to time."""
        # An interrupted Thread.join takes the thread for ended: https://github.com/python/cpython/issues/90882
        ended = [threading.Event() for _ in range(self.threads)]
        for end in ended:
            threading.Thread(target=self.guard, args=(work, end), daemon=True).start()
        try:
            for end in ended:
                while not end.wait(PROGRESS_SECONDS):
                    say(f"  ... {progress()}")
        except BaseException:
            self.stop.set()
            for end in ended:
                end.wait()
            raise

    def guard(self, work: Callable[[], None], end: threading.Event) -> None:
        """Runs work; a failure ends all threads."""
        try:
            work()
        except BaseException as failure:
            self.failure = self.failure or failure
            self.stop.set()
        finally:
            end.set()

    def work(self, take: Callable[[list[Letter]], None]) -> None:
        """Reads in one thread."""
        while self.goes_on():
            self.extend(time.time())
            if letters := self.old_ones(self.receive()):
                take(letters)

    def goes_on(self) -> bool:
        """Whether there may be letters that were not read."""
        return (
            not self.stop.is_set()
            and self.empty < EMPTY_ANSWERS
            and self.without_new < ANSWERS_WITHOUT_NEW
            and not self.full
        )

    @property
    def full(self) -> bool:
        """Whether the run hides as many letters as it may."""
        return len(self.held) >= MOST_HELD

    def receive(self) -> list[Letter]:
        """Receives letters, and returns those that were not received before."""
        answer = self.sqs.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=batches.MOST,
            VisibilityTimeout=HIDDEN_SECONDS,
            WaitTimeSeconds=POLL_SECONDS,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        until, new = time.time() + HIDDEN_SECONDS, []
        with self.lock:
            for letter in answer:
                name = letter["MessageId"]
                if name not in self.handles:
                    new.append(letter)
                self.handles[name] = letter["ReceiptHandle"]
                self.held[name] = until
                self.held.move_to_end(name)
            self.empty = 0 if answer else self.empty + 1
        return new

    def old_ones(self, letters: list[Letter]) -> list[Letter]:
        """The letters that were written before the start."""
        old = [letter for letter in letters if int(letter["Attributes"]["SentTimestamp"]) <= self.depth.at * 1000]
        with self.lock:
            self.old += len(old)
            self.younger += len(letters) - len(old)
            self.without_new = 0 if old else self.without_new + 1
        return old

    def left(self, letters: Iterable[str]) -> None:
        """Notes that letters have left the queue."""
        with self.lock:
            for name in letters:
                self.held.pop(name, None)

    def entry(self, name: str) -> batches.Entry:
        """The entry of a letter in a request: SQS wants the handle of the last receive."""
        return {"Id": name, "ReceiptHandle": self.handles[name]}

    def extend(self, now: float) -> None:
        """Hides letters for longer that would be visible soon."""
        while due := self.next_held(now + HIDDEN_SECONDS / 2):
            try:
                self.change(due, HIDDEN_SECONDS)
            finally:
                with self.lock:
                    self.held |= {entry["Id"]: now + HIDDEN_SECONDS for entry in due}

    def next_held(self, before: float) -> list[batches.Entry]:
        """Up to ten letters that will be visible before that time; they no longer count as held."""
        with self.lock:
            names: list[str] = []
            while self.held and len(names) < batches.MOST and next(iter(self.held.values())) <= before:
                names.append(self.held.popitem(last=False)[0])
            return [self.entry(name) for name in names]

    def change(self, entries: list[batches.Entry], seconds: int) -> int:
        """Makes letters visible after that time. Returns how many stay as they are.

        SQS refuses letters that are visible already, or no longer there (MessageNotInflight, ReceiptHandleIsInvalid):
        nothing is to be done about them.
        """

        def call(part: list[batches.Entry]) -> dict[str, Any]:
            timed = [{**entry, "VisibilityTimeout": seconds} for entry in part]
            answer: dict[str, Any] = self.sqs.change_message_visibility_batch(QueueUrl=self.url, Entries=timed)
            return answer

        failures = batches.request(call, entries, self.wait)
        return sum(not batches.final(failure) for failure in failures.values())

    def give_back(self) -> bool:
        """Makes the letters visible that this run hides. Returns whether that succeeded; else it says so."""
        latest, still = max(self.held.values(), default=0.0), 0
        self.stop.clear()
        self.failure = None

        def work() -> None:
            nonlocal still
            while not self.stop.is_set() and (part := self.next_held(float("inf"))):
                try:
                    stay = self.change(part, 0)
                except BaseException:
                    stay = len(part)
                    raise
                finally:
                    with self.lock:
                        still += stay

        try:
            self.in_threads(work, lambda: f"{len(self.held):,} letters are still to be made visible again")
            if self.failure and not isinstance(self.failure, (BotoCoreError, ClientError)):
                raise self.failure
        finally:
            if count := still + len(self.held):
                because = f" ({self.failure})" if self.failure else ""
                say(f"{letters(count)} could not be made visible again{because}. SQS does it by {clock(latest)}.")
        return not count

    def hidden_by_others(self) -> int:
        """About how many letters this run could not see, because another one hides them."""
        unseen = self.depth.visible + self.depth.hidden - self.old
        return max(0, min(self.depth.hidden, unseen))

    def explain(self, command: str) -> int:
        """Says which letters this reading left out, and what to do. Returns about how many others hide."""
        hidden = self.hidden_by_others() if self.complete else 0
        if self.younger:
            say(f"{letters(self.younger)} arrived, or failed again, after the start: run `{command}` again.")
        if hidden:
            say(
                f"About {letters(hidden)} could not be read: another `make letters` or `make redrive` hides them, "
                f"or one that was killed. If none runs, they are visible again by "
                f"{clock(time.time() + HIDDEN_SECONDS)}: run `{command}` again then."
            )
        if self.full:
            say(f"It stopped at {letters(MOST_HELD)}, of about {self.depth.visible:,}: SQS hides no more at once.")
        return hidden


def letters(count: int) -> str:
    """A number of letters in words."""
    return f"{count:,} letter{'' if count == 1 else 's'}"


def clock(at: float) -> str:
    """The time of day."""
    return time.strftime("%H:%M:%S UTC", time.gmtime(at))
