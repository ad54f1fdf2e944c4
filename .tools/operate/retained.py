"""Describes a table, queue or key as it is, as a resource of a template that imports it.

CloudFormation does not compare an imported resource with its template. The next deployment changes what differs
between the two templates, so the first one must say what is really there.
"""

import json
from collections.abc import Callable
from typing import Any

from base.stacks import ClientFactory

Properties = dict[str, Any]
QUEUE_NUMBERS = ("MessageRetentionPeriod", "VisibilityTimeout")


def resource(client: ClientFactory, kind: str, physical: str) -> dict[str, Any]:
    """The resource of a template. An import needs a DeletionPolicy."""
    _, describe = KINDS[kind]
    return {"Type": kind, "DeletionPolicy": "Retain", "Properties": describe(client, physical)}


def to_import(logical: str, kind: str, physical: str) -> dict[str, Any]:
    """The resource as CreateChangeSet names it."""
    identifier, _ = KINDS[kind]
    return {"ResourceType": kind, "LogicalResourceId": logical, "ResourceIdentifier": {identifier: physical}}


def table(client: ClientFactory, name: str) -> Properties:
    """The properties of a table."""
    dynamodb = client("dynamodb")
    found = dynamodb.describe_table(TableName=name)["Table"]
    properties = {
        "BillingMode": found.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        "AttributeDefinitions": found["AttributeDefinitions"],
        "KeySchema": found["KeySchema"],
        "DeletionProtectionEnabled": found.get("DeletionProtectionEnabled", False),
    }
    if indexes := found.get("GlobalSecondaryIndexes"):
        names = ("IndexName", "KeySchema", "Projection")
        properties["GlobalSecondaryIndexes"] = [{name: index[name] for name in names} for index in indexes]
    expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if expiry["TimeToLiveStatus"] in ("ENABLED", "ENABLING"):
        properties["TimeToLiveSpecification"] = {"AttributeName": expiry["AttributeName"], "Enabled": True}
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    if backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED":
        properties["PointInTimeRecoverySpecification"] = {"PointInTimeRecoveryEnabled": True}
    return properties


def queue(client: ClientFactory, url: str) -> Properties:
    """The properties of a queue."""
    found = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    properties: Properties = {name: int(found[name]) for name in QUEUE_NUMBERS}
    properties["SqsManagedSseEnabled"] = found.get("SqsManagedSseEnabled") == "true"
    if "RedrivePolicy" in found:
        properties["RedrivePolicy"] = json.loads(found["RedrivePolicy"])
    return properties


def key(client: ClientFactory, name: str) -> Properties:
    """The properties of a KMS key."""
    kms = client("kms")
    return {
        "Description": kms.describe_key(KeyId=name)["KeyMetadata"].get("Description", ""),
        "EnableKeyRotation": kms.get_key_rotation_status(KeyId=name)["KeyRotationEnabled"],
        "KeyPolicy": json.loads(kms.get_key_policy(KeyId=name, PolicyName="default")["Policy"]),
    }


# By type, the name of the identifier and what describes the resource.
KINDS: dict[str, tuple[str, Callable[[ClientFactory, str], Properties]]] = {
    "AWS::DynamoDB::Table": ("TableName", table),
    "AWS::SQS::Queue": ("QueueUrl", queue),
    "AWS::KMS::Key": ("KeyId", key),
}
