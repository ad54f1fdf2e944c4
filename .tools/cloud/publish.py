"""`make publish`: one event to the running local stack."""

import json
from typing import Any

from base.console import stop_with
from cloud.instance import Cloud


def publish(cloud: Cloud, stack: dict[str, str], via: str, kind: str, tenant: str, data: Any) -> str:
    """Publishes an event of a type (`kind`) by "sqs" or by the "bus", and returns its id."""
    if via == "sqs":
        body = json.dumps({"type": kind, "tenant_id": tenant, "data": data}, ensure_ascii=False)
        answer = cloud.client("sqs").send_message(QueueUrl=stack["events_queue_url"], MessageBody=body)
        return f"evt_{answer['MessageId']}"
    if not isinstance(data, dict):
        stop_with("DATA must be a JSON object for EventBridge: it becomes the event's detail, beside tenant_id.")
    detail = json.dumps({"tenant_id": tenant, **data})
    entry = {"EventBusName": stack["event_bus_name"], "Source": "platform", "DetailType": kind, "Detail": detail}
    answer = cloud.client("events").put_events(Entries=[entry])["Entries"][0]
    if "EventId" not in answer:
        stop_with(f"EventBridge refused the event: {answer}")
    return str(answer["EventId"])
