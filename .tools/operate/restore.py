"""`make restore CONFIG=prod`: puts the tables, queues and key that a deleted stack left into a new stack.

CloudFormation imports them with a change set of type IMPORT, which may do nothing else. `make deploy` then adds
everything that has no data. No item and no message is copied, and the key still decrypts every secret.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-manually.html
"""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from base.console import say, step, stop_with
from base.stacks import ClientFactory, Stack
from operate import retained

CHANGE_SET = "restore"
WAIT = {"Delay": 5, "MaxAttempts": 120}


def restore(stack: Stack, deleted: str, instead: Mapping[str, str], wait: Mapping[str, int] = WAIT) -> None:
    """Imports what a deleted stack (its name, or the ARN of one of several) left into the new stack.

    `instead` has other physical ids by logical ids, such as a table that was restored from a backup.
    """
    check_new(stack)
    arn = find_deleted(stack.client, deleted)
    found = left_by(stack.client, arn, instead)
    template = {"Description": f"Restored from {arn}", "Resources": {}}
    imports = []
    for logical, (kind, physical) in sorted(found.items()):
        template["Resources"][logical] = retained.resource(stack.client, kind, physical)  # type: ignore[index]
        imports.append(retained.to_import(logical, kind, physical))
        say(f"  {logical}: {physical}")
    with step(f"Import {len(imports)} resources into the stack {stack.name}"):
        import_all(stack, template, imports, wait)


def check_new(stack: Stack) -> None:
    """Stops when the stack exists: an import changes nothing in a stack, so that the deployed tables would stay."""
    try:
        status = stack.describe()["StackStatus"]
    except ClientError as error:
        if "does not exist" in str(error):  # CloudFormation has no code of its own for it
            return
        raise
    if status != "REVIEW_IN_PROGRESS":  # what an import leaves that was interrupted before its change set ran
        stop_with(
            f"the stack {stack.name} exists ({status}), and an import changes nothing that a stack has.\n"
            "Give the environment another stack_name in samconfig.toml. .docs/procedures.md has the steps."
        )


def find_deleted(client: ClientFactory, name: str) -> str:
    """The ARN of the newest deleted stack with this name; CloudFormation lists them for 90 days."""
    if name.startswith("arn:"):
        return name
    pages = client("cloudformation").get_paginator("list_stacks").paginate(StackStatusFilter=["DELETE_COMPLETE"])
    found = [s for page in pages for s in page["StackSummaries"] if s["StackName"] == name]
    if not found:
        stop_with(f"CloudFormation lists no deleted stack {name}: it lists them for 90 days.")
    return str(max(found, key=lambda summary: summary["CreationTime"])["StackId"])


def left_by(client: ClientFactory, arn: str, instead: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """The type and the physical id, by logical id, of what the deleted stack left."""
    found: dict[str, tuple[str, str]] = {}
    for event in deletion(client, arn):
        if event["ResourceStatus"] == "DELETE_SKIPPED" and event["ResourceType"] in retained.KINDS:
            found.setdefault(event["LogicalResourceId"], (event["ResourceType"], event["PhysicalResourceId"]))
    if not found:
        stop_with(f"the deleted stack {arn} left no table, queue or key.")
    if unknown := sorted(instead.keys() - found.keys()):
        stop_with(f"the deleted stack has no {', '.join(unknown)}: it left {', '.join(sorted(found))}.")
    return found | {logical: (found[logical][0], physical) for logical, physical in instead.items()}


def deletion(client: ClientFactory, arn: str) -> Iterator[dict[str, Any]]:
    """The events of a stack's deletion, the newest first. An earlier update may have left resources too.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html
    """
    pages = client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=arn)
    for event in (event for page in pages for event in page["StackEvents"]):
        if event["ResourceType"] == "AWS::CloudFormation::Stack" and not event["ResourceStatus"].startswith("DELETE_"):
            return
        yield event


def import_all(
    stack: Stack, template: Mapping[str, Any], imports: list[dict[str, Any]], wait: Mapping[str, int]
) -> None:
    """Makes the change set and executes it; stops with CloudFormation's reason when it refuses."""
    cloudformation = stack.client("cloudformation")
    name = f"{CHANGE_SET}-{int(time.time())}"
    cloudformation.create_change_set(
        StackName=stack.name,
        ChangeSetName=name,
        ChangeSetType="IMPORT",
        ResourcesToImport=imports,
        TemplateBody=json.dumps(template),
    )
    which = {"StackName": stack.name, "ChangeSetName": name}
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(**which, WaiterConfig=dict(wait))
    except WaiterError as error:
        stop_with(f"CloudFormation refuses the import: {error.last_response.get('StatusReason') or error}")
    cloudformation.execute_change_set(**which)
    try:
        cloudformation.get_waiter("stack_import_complete").wait(StackName=stack.name, WaiterConfig=dict(wait))
    except WaiterError as error:
        stop_with(f"the import failed: {stack.describe().get('StackStatusReason') or error}")
