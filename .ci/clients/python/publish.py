"""Publishes an event with the client that openapi-python-client made."""

import os

from api import AuthenticatedClient
from api.api.events import publish_events
from api.models import EventType, NewEvent, PublishedEvent, PublishEventsResponse202

client = AuthenticatedClient(os.environ["API_URL"], token=os.environ["API_KEY"])
event = NewEvent(type_=EventType.TRAINING_COMPLETED, data={"job": 7})
response = publish_events.sync_detailed(client=client, body=event)
if not isinstance(response.parsed, PublishEventsResponse202) or not isinstance(response.parsed.data, PublishedEvent):
    raise SystemExit(f"{response.status_code}: {response.content.decode()}")
print(response.parsed.data.id)
