"""The receivers of a soak: a steady one, and others that fail, hang, or close and open again."""

import random
import threading
import time
from collections import Counter

from base.receivers import Request, Server

STEADY, FAILING, HANGING, CLOSING = "steady", "failing", "hanging", "vanishing"
# A hanging receiver answers just before the timeout of an attempt, or after it.
HANG_SECONDS, HANG_PROBABILITY = (14, 16), 0.2
CLOSED_SECONDS, OPEN_SECONDS = (2, 12), (5, 15)  # at least and at most
FAILURES = 2  # of each event at the failing receiver


class SoakReceiver(Server):
    """Remembers which events it answered with 200."""

    def __init__(self, name: str, changed: threading.Event) -> None:
        """The receiver opens at once, and sets `changed` after each 200."""
        super().__init__(self.choose_status, self.remember)
        self.name, self.changed, self.faulty = name, changed, False
        self.lock = threading.Lock()
        self.received: Counter[str] = Counter()
        self.succeeded: Counter[str] = Counter()
        self.open()

    def choose_status(self, request: Request) -> int:
        """The status for a request; a hanging receiver may wait first."""
        with self.lock:
            self.received[request.event] += 1
            attempt = self.received[request.event]
        if self.faulty and self.name == FAILING and attempt <= FAILURES:
            return random.choice((500, 503, 429, 404))
        if self.faulty and self.name == HANGING and random.random() < HANG_PROBABILITY:
            time.sleep(random.choice(HANG_SECONDS))
        return 200

    def remember(self, request: Request, status: int) -> None:
        """Counts an event that was answered with 200."""
        if status == 200:
            with self.lock:
                self.succeeded[request.event] += 1
            self.changed.set()


class SoakReceivers:
    """All receivers. `changed` is set whenever one has answered with 200."""

    def __enter__(self) -> "SoakReceivers":
        """Opens all of them."""
        self.changed, self.ended = threading.Event(), threading.Event()
        names = (STEADY, FAILING, HANGING, CLOSING)
        self.all = {name: SoakReceiver(name, self.changed) for name in names}
        self.closing = threading.Thread(target=self.close_and_open, daemon=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        for receiver in self.all.values():
            receiver.close()

    def urls(self) -> dict[str, str]:
        """The URLs by name."""
        return {name: receiver.url for name, receiver in self.all.items()}

    def begin_faults(self) -> None:
        """From now on all but the steady one have faults."""
        for receiver in self.all.values():
            receiver.faulty = True
        self.closing.start()

    def end_faults(self) -> None:
        """From now on all are open and answer 200."""
        for receiver in self.all.values():
            receiver.faulty = False
        self.ended.set()
        self.closing.join()

    def close_and_open(self) -> None:
        """Closes one receiver again and again, until the faults end."""
        receiver = self.all[CLOSING]
        while not self.ended.wait(random.uniform(*OPEN_SECONDS)):
            receiver.close()
            self.ended.wait(random.uniform(*CLOSED_SECONDS))
            receiver.open()

    def missing(self, accepted: set[str]) -> dict[str, set[str]]:
        """By receiver, the accepted events that it has not answered with 200."""
        return {name: accepted - set(receiver.succeeded) for name, receiver in self.all.items()}

    def duplicates(self) -> int:
        """The number of answers with 200 to an event that had one already."""
        return sum(receiver.succeeded.total() - len(receiver.succeeded) for receiver in self.all.values())

    def requests(self) -> int:
        """The number of all requests."""
        return sum(receiver.received.total() for receiver in self.all.values())
