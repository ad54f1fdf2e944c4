"""Delivers one event: registers a webhook, publishes, receives, verifies the signature, reads the log, cleans up.

It uses only the REST API, the events queue, and an independent implementation of the Standard Webhooks
signature.
"""

import json
import time
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from base.api import Api
from base.console import say, step, stop_with
from base.receivers import QueueReceiver, Request
from cloud.instance import Cloud

EVENT_TYPE = "environment.created"
# The first delivery starts four functions; a second attempt would come after 5 s.
DELIVERY_SECONDS, LOG_SECONDS = 30, 15


def play(cloud: Cloud, stack: dict[str, str]) -> None:
    """Delivers the event and prints what was delivered."""
    api = Api(stack["api_url"], stack["api_key"])
    with QueueReceiver() as receiver:
        with step(f"Register a webhook for {receiver.url}"):
            settings = {"name": "make run", "url": receiver.url, "events": [EVENT_TYPE]}
            webhook = api.must(201, "POST", "/api/v1/webhooks", settings)
        path = f"/api/v1/webhooks/{webhook['webhook_id']}"
        try:
            event = publish(cloud, stack)
            request = wait_for(receiver, event)
            verify(webhook["secret"], request)
            log = wait_for_log(api, path, event)
        finally:
            api.call("DELETE", path)
    say(f"\n  {request.body}")
    say(f"  was delivered to {receiver.url}, signed with {webhook['secret'][:10]}….")
    say(f"  Log {log['log_id']} says: {log['outcome']}, status {log['status_code']}.")


def publish(cloud: Cloud, stack: dict[str, str]) -> str:
    """Sends an event to the events queue and returns its id."""
    event = f"evt_demo_{time.time_ns()}"
    data = {"environment_id": "env_42", "name": "演示环境"}
    message = {"id": event, "type": EVENT_TYPE, "tenant_id": stack["tenant_id"], "data": data}
    with step(f"Publish {EVENT_TYPE} to the events queue"):
        body = json.dumps(message, ensure_ascii=False)
        cloud.client("sqs").send_message(QueueUrl=stack["events_queue_url"], MessageBody=body)
    return event


def wait_for(receiver: QueueReceiver, event: str) -> Request:
    """The request that delivers the event. Requests for the tenant's earlier events are ignored."""
    deadline = time.monotonic() + DELIVERY_SECONDS
    with step("Wait for the delivery"):
        while request := receiver.next(deadline - time.monotonic()):
            if request.event == event:
                return request
        stop_with(f"nothing was delivered within {DELIVERY_SECONDS} s; `make logs` shows the functions' logs.")


def verify(secret: str, request: Request) -> None:
    """Stops when the signature is wrong."""
    with step(f"Verify the signature of {request.event}"):
        try:
            Webhook(secret).verify(request.body, request.headers)
        except WebhookVerificationError as error:
            stop_with(f"the signature does not verify: {error}\n{request.headers}")


def wait_for_log(api: Api, path: str, event: str) -> dict[str, Any]:
    """The log of the attempt. The dispatcher writes it after the receiver has answered."""
    deadline = time.monotonic() + LOG_SECONDS
    with step("Read the log of the attempt"):
        while True:
            logs: list[dict[str, Any]] = api.must(200, "GET", f"{path}/logs?page=1&page_size=20")["items"]
            for log in logs:
                if log.get("event_id") == event and log.get("outcome") == "delivered":
                    return log
            if time.monotonic() > deadline:
                stop_with(f"no log says `delivered` within {LOG_SECONDS} s; there are {logs}")
            time.sleep(0.1)
