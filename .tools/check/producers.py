"""The producers of a soak publish by SQS, EventBridge and HTTP, and retry each event until it is accepted."""

import json
import threading
import time
import urllib.error
from collections import Counter
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from base.api import Api
from cloud.instance import Cloud

RETRY_SECONDS = 0.5
# Errors of a producer while the cloud restarts, or when a function behind the API is killed.
FAILURES = (BotoCoreError, ClientError, urllib.error.URLError, OSError, json.JSONDecodeError)

Publish = Callable[[str], str | None]  # sends an event once; returns its id when it was accepted


class Producers:
    """One thread for each way to publish. An event counts as accepted once its producer has the answer."""

    def __init__(self, cloud: Cloud, stack: dict[str, str], kind: str, rate: float) -> None:
        """They publish events of a type (`kind`), together at a rate (events per second)."""
        self.stack, self.kind = stack, kind
        self.stopped, self.lock = threading.Event(), threading.Lock()
        self.ids: set[str] = set()
        self.count_by_way: Counter[str] = Counter()
        self.sqs, self.bus = cloud.client("sqs"), cloud.client("events")
        self.api = Api(stack["api_url"], stack["api_key"])
        ways: dict[str, Publish] = {"SQS": self.by_sqs, "EventBridge": self.by_bus, "HTTP": self.by_http}
        arguments = [(name, publish, len(ways) / rate) for name, publish in ways.items()]
        self.threads = [threading.Thread(target=self.produce, args=args, daemon=True) for args in arguments]

    def start(self) -> None:
        """Begins to publish."""
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        """Ends publishing, and returns once every event that was sent is accepted."""
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def accepted(self) -> set[str]:
        """The ids of the accepted events."""
        with self.lock:
            return set(self.ids)

    def counts(self) -> str:
        """The number of accepted events by the way they were published."""
        with self.lock:
            return ", ".join(f"{name} {count}" for name, count in self.count_by_way.items())

    def produce(self, name: str, publish: Publish, pause: float) -> None:
        """Publishes an event every `pause` seconds. After a delay, at most two events follow at once."""
        due, number = time.monotonic(), 0
        while not self.stopped.wait(max(0.0, due - time.monotonic())):
            number += 1
            event = self.until_accepted(publish, f"soak-{name}-{number}")
            with self.lock:
                self.ids.add(event)
                self.count_by_way[name] += 1
            due = max(due + pause, time.monotonic() - pause)

    def until_accepted(self, publish: Publish, event: str) -> str:
        """Sends the event until it is accepted; returns its id."""
        while True:
            try:
                if accepted := publish(event):
                    return accepted
            except FAILURES:
                pass
            time.sleep(RETRY_SECONDS)

    def by_sqs(self, event: str) -> str:
        """Sends to the events queue."""
        tenant = self.stack["tenant_id"]
        body = {"id": event, "type": self.kind, "tenant_id": tenant, "data": {"event": event}}
        self.sqs.send_message(QueueUrl=self.stack["events_queue_url"], MessageBody=json.dumps(body))
        return event

    def by_bus(self, event: str) -> str | None:
        """Sends to the bus, which chooses the id: after a lost answer, the same event gets another id."""
        entry = {
            "EventBusName": self.stack["event_bus_name"],
            "Source": "soak",
            "DetailType": self.kind,
            "Detail": json.dumps({"tenant_id": self.stack["tenant_id"], "event": event}),
        }
        accepted: str | None = self.bus.put_events(Entries=[entry])["Entries"][0].get("EventId")
        return accepted

    def by_http(self, event: str) -> str | None:
        """Posts to the API."""
        body = {"id": event, "type": self.kind, "data": {"event": event}}
        status, _ = self.api.call("POST", "/api/v1/events", body)
        return event if status == 202 else None
