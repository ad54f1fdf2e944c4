import json
import os

import boto3

event = {
    "id": "env-43-created", "type": "environment.created", "tenant_id": "acme",
    "data": {"environment_id": 43},
}
sent = boto3.client("sqs").send_message(QueueUrl=os.environ["EVENTS_QUEUE_URL"], MessageBody=json.dumps(event))
print(sent["MessageId"])
