"""`make run`, `make stop` and `make reset`: the whole service on this machine."""

import json
import os
import shutil
import time

from base import proxies
from base.console import say
from cloud import demo, instance, local_stack
from cloud.build import build
from cloud.instance import KEY_ID, REGION, SECRET, Cloud


def run(port: int) -> None:
    """Starts and deploys the service, delivers one event, and prints what to try next."""
    begun = time.monotonic()
    cloud = instance.local(port)
    build()
    cloud.start()
    stack = local_stack.bring_up(cloud)
    demo.play(cloud, stack)
    say(next_steps(cloud, stack, time.monotonic() - begun))


def stop(port: int) -> None:
    """Stops the local cloud and keeps its data."""
    if instance.local(port).stop():
        say("Stopped the local cloud; its data is kept. `make run` starts it again.")
    else:
        say("The local cloud does not run.")


def reset(port: int) -> None:
    """Stops the local cloud and deletes its data."""
    instance.local(port).drop()
    say("The local cloud is stopped and its data deleted.")


def next_steps(cloud: Cloud, stack: dict[str, str], seconds: float) -> str:
    """The commands to try next, ready to be copied."""
    api, key = stack["api_url"], stack["api_key"]
    publish = "make publish TYPE=training.completed DATA='{\"job\":7}'"
    text = f"""
Ready after {seconds:.0f} s. The API, and a key of the tenant {stack["tenant_id"]} (also in .local/stack.json):

  {api}
  {key}

List its webhooks, and register one of your own:

  curl -H 'Authorization: Bearer {key}' '{api}/api/v1/webhooks'

  curl -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\
    -d '{{"name":"mine","url":"http://127.0.0.1:8000/","events":["training.completed"]}}' '{api}/api/v1/webhooks'

Publish an event, by SQS and by EventBridge:

  {publish}
  {publish} VIA=bus
"""
    if proxies.configured(os.environ):
        text += proxies.ADVICE
    if shutil.which("aws"):
        text += aws_commands(cloud, stack)
    return (
        text
        + """
make api-key TENANT=acme   print a key of another tenant   make logs    follow the functions' logs
make stop                  stop, keep the data             make reset   stop, delete the data
"""
    )


def aws_commands(cloud: Cloud, stack: dict[str, str]) -> str:
    """The same events with the AWS CLI."""
    credentials = f"AWS_ACCESS_KEY_ID={KEY_ID} AWS_SECRET_ACCESS_KEY={SECRET} AWS_DEFAULT_REGION={REGION}"
    aws = f"{credentials} aws --endpoint-url {cloud.endpoint}"
    message = '{"type":"training.completed","tenant_id":"demo","data":{"job":7}}'
    entry = {
        "EventBusName": stack["event_bus_name"],
        "Source": "platform",
        "DetailType": "training.completed",
        "Detail": '{"tenant_id":"demo","job":7}',
    }
    return f"""
The same with the AWS CLI:

  {aws} sqs send-message \\
    --queue-url '{stack["events_queue_url"]}' --message-body '{message}'

  {aws} events put-events \\
    --entries '{json.dumps([entry], separators=(",", ":"))}'
"""
