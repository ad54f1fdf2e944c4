import sys

import boto3
from boto3.dynamodb.conditions import Key

source, target, tenant = sys.argv[1:]
dynamodb = boto3.resource("dynamodb")


def items(name):
    pages = dynamodb.meta.client.get_paginator("query").paginate(
        TableName=name, ConsistentRead=True, KeyConditionExpression=Key("tenant_id").eq(tenant)
    )
    return {item["webhook_id"]: item for page in pages for item in page["Items"]}


old, now = items(source), items(target)
if not old:
    sys.exit(f"{source} has no items of {tenant}; {target} is unchanged")
with dynamodb.Table(target).batch_writer() as batch:
    for number in now.keys() - old.keys():
        batch.delete_item(Key={"tenant_id": tenant, "webhook_id": number})
    for item in old.values():
        batch.put_item(Item=item)
print(f"{len(old)} items restored, {len(now.keys() - old.keys())} newer ones deleted")
