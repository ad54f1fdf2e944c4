"""Plays one delivery for real: register, publish, receive, verify, read the log. Then cleans up.

Nothing here knows how the service works inside: it uses the REST API, the events queue and an
independent implementation of the Standard Webhooks signature.
"""

import http.server
import json
import threading
import time
import urllib.error
import urllib.request
from queue import Empty, Queue

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from cloud.instance import Cloud
from base.console import say, step, stop_with

EVENT_TYPE = "environment.created"
# A first delivery starts four functions; a second attempt would come after 5 s.
DELIVERY_SECONDS, LOG_SECONDS = 30, 15


class Api:
    """The REST API as a customer calls it, with one key."""

    def __init__(self, url: str, key: str):
        self.url, self.key = url, key

    def call(self, method: str, path: str, body: dict | None = None) -> tuple[int, dict]:
        """The status and the envelope of the answer."""
        request = urllib.request.Request(
            self.url + path, method=method, data=json.dumps(body).encode() if body else None,
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        try:
            with direct().open(request, timeout=30) as answer:
                return answer.status, decode(answer.read())
        except urllib.error.HTTPError as refused:
            return refused.code, decode(refused.read())

    def must(self, status: int, method: str, path: str, body: dict | None = None) -> dict:
        got, answer = self.call(method, path, body)
        if got != status:
            stop_with(f"{method} {path} answered {got}, not {status}: {json.dumps(answer, ensure_ascii=False)}\n`make logs` shows the functions' logs.")
        return answer.get("data") or {}


class Receiver:
    """An HTTP server on loopback that keeps each request and answers 200."""

    def __enter__(self) -> "Receiver":
        requests: Queue = Queue()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                requests.put(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"OK")

            def log_message(self, *_):
                pass

        self.requests = requests
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def play(cloud: Cloud, stack: dict) -> None:
    api = Api(stack["api_url"], stack["api_key"])
    with Receiver() as receiver:
        with step(f"Register {receiver.url}"):
            webhook = api.must(201, "POST", "/api/v1/webhooks", {"name": "make run", "url": receiver.url, "events": [EVENT_TYPE]})
        path = f"/api/v1/webhooks/{webhook['webhook_id']}"
        try:
            event = publish(cloud, stack["events_queue_url"], stack["tenant_id"])
            body = verify(webhook["secret"], *wait_for(receiver, event), event)
            log = wait_for_log(api, path, event)
        finally:
            api.call("DELETE", path)
    say(f"\n  {body.decode()}")
    say(f"  was delivered to {receiver.url}, signed with {webhook['secret'][:10]}…; log {log['log_id']} says: {log['outcome']}, status {log['status_code']}.")


def publish(cloud: Cloud, queue: str, tenant: str) -> str:
    """Sends an event of the demo to the events queue and answers its id."""
    event = f"evt_demo_{time.time_ns()}"
    data = {"environment_id": "env_42", "name": "演示环境"}
    message = {"id": event, "type": EVENT_TYPE, "tenant_id": tenant, "data": data}
    with step(f"Publish {EVENT_TYPE} to the events queue"):
        cloud.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(message, ensure_ascii=False))
    return event


def wait_for(receiver: Receiver, event: str) -> tuple[dict, bytes]:
    """The request that delivers the event; others, of earlier events of the tenant, are let pass."""
    deadline = time.monotonic() + DELIVERY_SECONDS
    with step("Wait for the delivery"):
        while True:
            try:
                headers, body = receiver.requests.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                stop_with(f"nothing was delivered within {DELIVERY_SECONDS} s; `make logs` shows the functions' logs.")
            if headers.get("webhook-id") == event:
                return headers, body


def verify(secret: str, headers: dict, body: bytes, event: str) -> bytes:
    with step(f"Verify the signature of {event}"):
        try:
            Webhook(secret).verify(body, headers)
        except WebhookVerificationError as error:
            stop_with(f"the signature does not verify: {error}\n{headers}")
    return body


def wait_for_log(api: Api, path: str, event: str) -> dict:
    """The log of the attempt, which is written once the receiver has answered."""
    deadline = time.monotonic() + LOG_SECONDS
    with step("Read its log"):
        while True:
            items = api.must(200, "GET", f"{path}/logs?page=1&page_size=20")["items"]
            for log in items:
                if log.get("event_id") == event and log.get("outcome") == "delivered":
                    return log
            if time.monotonic() > deadline:
                stop_with(f"no log says `delivered` within {LOG_SECONDS} s; there are {items}")
            time.sleep(0.1)


def direct() -> urllib.request.OpenerDirector:
    """Without the environment's proxies: everything here is on this machine."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def decode(body: bytes) -> dict:
    try:
        return json.loads(body) if body else {}
    except json.JSONDecodeError:
        return {"body": body.decode(errors="replace")}
