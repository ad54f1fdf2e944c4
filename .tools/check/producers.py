"""The producers of a soak: events through SQS, EventBridge and HTTP, each sent again until it is accepted."""

import json
import threading
import time
import urllib.error
from collections import Counter

from botocore.exceptions import BotoCoreError, ClientError

from cloud.instance import Cloud
from cloud.demo import Api

AGAIN_SECONDS = 0.5
# What a producer gets while the cloud restarts or a function behind the API is killed.
FAILURES = (BotoCoreError, ClientError, urllib.error.URLError, OSError, json.JSONDecodeError)


class Producers:
    """One thread a way. An event counts as accepted once its producer was told so."""

    def __init__(self, cloud: Cloud, stack: dict, kind: str, rate: float):
        self.stack, self.kind = stack, kind
        self.over, self.lock, self.ids, self.by = threading.Event(), threading.Lock(), set(), Counter()
        self.sqs, self.bus = cloud.client("sqs"), cloud.client("events")
        self.api = Api(stack["api_url"], stack["api_key"])
        ways = {"SQS": self.by_sqs, "EventBridge": self.by_bus, "HTTP": self.by_http}
        pause = len(ways) / rate
        self.threads = [threading.Thread(target=self.publish, args=(name, way, pause), daemon=True) for name, way in ways.items()]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        """Returns when what is under way is accepted."""
        self.over.set()
        for thread in self.threads:
            thread.join()

    def accepted(self) -> set[str]:
        with self.lock:
            return set(self.ids)

    def counts(self) -> str:
        with self.lock:
            return ", ".join(f"{name} {count}" for name, count in self.by.items())

    def publish(self, name: str, way, pause: float) -> None:
        due, number = time.monotonic(), 0
        while not self.over.wait(max(0.0, due - time.monotonic())):
            number += 1
            event = self.until_accepted(way, f"soak-{name}-{number}")
            with self.lock:
                self.ids.add(event)
                self.by[name] += 1
            due = max(due + pause, time.monotonic() - pause)

    def until_accepted(self, way, event: str) -> str:
        while True:
            try:
                if accepted := way(event):
                    return accepted
            except FAILURES:
                pass
            time.sleep(AGAIN_SECONDS)

    def by_sqs(self, event: str) -> str:
        body = {"id": event, "type": self.kind, "tenant_id": self.stack["tenant_id"], "data": {"event": event}}
        self.sqs.send_message(QueueUrl=self.stack["events_queue_url"], MessageBody=json.dumps(body))
        return event

    def by_bus(self, event: str) -> str | None:
        """The bus chooses the id itself: an answer that was lost makes it another event."""
        detail = json.dumps({"tenant_id": self.stack["tenant_id"], "event": event})
        entry = {"EventBusName": self.stack["event_bus_name"], "Source": "soak", "DetailType": self.kind, "Detail": detail}
        return self.bus.put_events(Entries=[entry])["Entries"][0].get("EventId")

    def by_http(self, event: str) -> str | None:
        status, _ = self.api.call("POST", "/api/v1/events", {"id": event, "type": self.kind, "data": {"event": event}})
        return event if status == 202 else None
