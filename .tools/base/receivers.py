"""HTTP receivers of webhooks on loopback."""

import contextlib
import http.server
import threading
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, Queue
from typing import Any, Self

SLOW_SECONDS = 10  # of the receivers of `make smoke` at their slow URL


@dataclass(frozen=True)
class Request:
    """A received request. `at` is the time (Unix seconds) at the receiver; header names are in lower case."""

    headers: dict[str, str]
    body: str
    at: float
    query: dict[str, str] = field(default_factory=dict)

    @property
    def event(self) -> str:
        """The id of the event, which Standard Webhooks puts into webhook-id."""
        return self.headers.get("webhook-id", "")


class Server:
    """An HTTP server on 127.0.0.1 that can be closed and opened again on the same port.

    `answer` gets every request and returns the status of the response; it may wait first. `responded` gets
    the request and the status once the response is written.
    """

    def __init__(
        self, answer: Callable[[Request], int], responded: Callable[[Request, int], None] = lambda *_: None
    ) -> None:
        """The server is closed at first."""
        self.answer, self.responded, self.port = answer, responded, 0
        self.server: http.server.ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """The URL to register."""
        return f"http://127.0.0.1:{self.port}/webhook"

    def open(self) -> None:
        """Begins to answer, on a free port the first time."""
        self.server = _HttpServer(("127.0.0.1", self.port), _handler(self))
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        """Refuses connections from now on. The port is remembered."""
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def __enter__(self) -> Self:
        """Opens the server for the body."""
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Inbox:
    """Keeps requests in the order of their arrival."""

    def __init__(self) -> None:
        """The inbox is empty at first."""
        self.requests: Queue[Request] = Queue()

    def next(self, seconds: float) -> Request | None:
        """The next request, or None when none comes within the time."""
        with contextlib.suppress(Empty):
            return self.requests.get(timeout=max(0.0, seconds))
        return None


class QueueReceiver(Inbox, Server):
    """A receiver that keeps every request, and answers as the query of its URL says: ?status=500&wait=3 (seconds).

    Without a query it answers 200 at once.
    """

    def __init__(self) -> None:
        """The receiver is closed at first."""
        Inbox.__init__(self)
        Server.__init__(self, self.keep)

    @property
    def slow_url(self) -> str:
        """A URL that takes SLOW_SECONDS to answer 200."""
        return f"{self.url}?wait={SLOW_SECONDS}"

    def keep(self, request: Request) -> int:
        """Puts the request into the inbox."""
        self.requests.put(request)
        time.sleep(float(request.query.get("wait", 0)))
        return int(request.query.get("status", 200))


class _HttpServer(http.server.ThreadingHTTPServer):
    daemon_threads, allow_reuse_address, request_queue_size = True, True, 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Prints nothing: the sender has closed the connection, as after a timeout."""


def _handler(server: Server) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            at, query = time.time(), urllib.parse.urlparse(self.path).query
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(headers, body, at, dict(urllib.parse.parse_qsl(query)))
            status = server.answer(request)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            server.responded(request, status)

        def log_message(self, format: str, *args: Any) -> None:
            """Prints nothing."""

    return Handler
