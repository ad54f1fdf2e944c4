"""The receivers of a soak: one that is steady, and others that fail, hang, or vanish and come back."""

import http.server
import random
import threading
import time
from collections import Counter

HANG_SECONDS = 6  # longer than an attempt may take
AWAY_SECONDS, THERE_SECONDS = (2, 12), (5, 15)
FAILURES = 2  # of each event at the failing one


class Receiver:
    """An HTTP server on loopback that remembers which events it answered 200."""

    def __init__(self, name: str, changed: threading.Event):
        self.name, self.changed, self.bad = name, changed, False
        self.lock, self.seen, self.answered = threading.Lock(), Counter(), Counter()
        self.port, self.server = 0, None
        self.open()

    def open(self) -> None:
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                receiver.answer(self, self.headers["webhook-id"])

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads, allow_reuse_address, request_queue_size = True, True, 128

            def handle_error(self, *_):
                pass  # an attempt that timed out has gone away

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request: http.server.BaseHTTPRequestHandler, event: str) -> None:
        with self.lock:
            self.seen[event] += 1
            times = self.seen[event]
        status = self.status(times)
        request.send_response(status)
        request.send_header("Content-Length", "0")
        request.end_headers()
        if status == 200:
            with self.lock:
                self.answered[event] += 1
            self.changed.set()

    def status(self, times: int) -> int:
        if self.bad and self.name == "failing" and times <= FAILURES:
            return random.choice((500, 503, 429, 404))
        if self.bad and self.name == "hanging" and random.random() < 0.2:
            time.sleep(HANG_SECONDS)
        return 200


class Receivers:
    """All of them. `changed` is set whenever an event was answered 200."""

    def __enter__(self) -> "Receivers":
        self.changed, self.over = threading.Event(), threading.Event()
        self.all = {name: Receiver(name, self.changed) for name in ("steady", "failing", "hanging", "vanishing")}
        self.vanishing = threading.Thread(target=self.vanish, daemon=True)
        return self

    def __exit__(self, *_):
        self.over.set()
        for receiver in self.all.values():
            receiver.close()

    def urls(self) -> dict[str, str]:
        return {name: f"http://127.0.0.1:{receiver.port}/webhook" for name, receiver in self.all.items()}

    def misbehave(self) -> None:
        for receiver in self.all.values():
            receiver.bad = True
        self.vanishing.start()

    def behave(self) -> None:
        for receiver in self.all.values():
            receiver.bad = False
        self.over.set()
        self.vanishing.join()

    def vanish(self) -> None:
        receiver = self.all["vanishing"]
        while not self.over.wait(random.uniform(*THERE_SECONDS)):
            receiver.close()
            self.over.wait(random.uniform(*AWAY_SECONDS))
            receiver.open()

    def missing(self, accepted: set[str]) -> dict[str, set[str]]:
        """What each receiver has not answered 200."""
        return {name: accepted - set(receiver.answered) for name, receiver in self.all.items()}

    def duplicates(self) -> int:
        """How many answers of 200 were one too many."""
        return sum(sum(receiver.answered.values()) - len(receiver.answered) for receiver in self.all.values())

    def requests(self) -> int:
        return sum(sum(receiver.seen.values()) for receiver in self.all.values())
