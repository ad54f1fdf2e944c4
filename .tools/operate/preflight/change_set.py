"""The change set of the template: made, read and deleted again, and with it whatever it brought along."""

import secrets
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from base.processes import undisturbed
from operate.preflight import changes, upload
from operate.preflight.asking import DENIED, code, message, read, unanswered
from operate.preflight.finding import Finding, count, listed, problem, skipped, warning
from operate.preflight.plan import UNREAD, Node, Plan

PAUSE_SECONDS, MAKE_SECONDS, CLEAN_SECONDS = 2.0, 300.0, 120.0
MAKING = ("CREATE_PENDING", "CREATE_IN_PROGRESS")
NO_BUCKET = (
    "This account has no bucket of SAM's in this region yet: sam deploy makes it, in the stack "
    f"{upload.SAM_STACK}. Without it a template may have {upload.BODY_BYTES:,} bytes."
)


def check(plan: Plan) -> list[Finding]:
    """Lets CloudFormation compare the template with the account, and lists what it would do."""
    if not plan.updatable:
        return [skipped("CloudFormation makes none for the stack as it is" if plan.read else UNREAD)]
    notes: list[Finding] = []
    try:
        with upload.template(plan, notes) as (source, left_out):
            if left_out:
                notes.append(
                    warning(
                        f"{NO_BUCKET} So {count(len(left_out), 'resource')} for monitoring cannot be tried "
                        f"now ({listed(left_out, 3)})."
                    )
                )
            notes += tried(plan, source)
    except upload.TooLargeError:
        notes.append(
            warning(f"not tried. {NO_BUCKET} To try it first, name a bucket of yours as s3_bucket in samconfig.toml.")
        )
    return notes


def tried(plan: Plan, source: dict[str, str]) -> list[Finding]:
    """What the change set says. It is deleted however this ends, also by Ctrl-C."""
    name, cloudformation = f"preflight-{secrets.token_hex(8)}", plan.client("cloudformation")
    found: list[Finding] = []
    try:
        try:
            made = cloudformation.create_change_set(ChangeSetName=name, **request(plan), **source)
        except ClientError as error:
            if code(error) in DENIED:
                raise
            return [problem(f"CloudFormation refuses the template: {message(error)}")]
        described = finished(cloudformation, made["Id"])
        validated = events(cloudformation, made["Id"], found)
        found += changes.read(plan, described, validated)
    finally:
        with undisturbed("Deleting the change set first"):
            found += remains(plan, name)
    return found


def request(plan: Plan) -> Node:
    """The request of `sam deploy` (samcli/lib/deploy/deployer.py), apart from the template."""
    settings, known = plan.settings, plan.deployed_parameters
    given = [{"ParameterKey": name, "ParameterValue": value} for name, value in settings.parameters.items()]
    kept = [name for name in plan.template["Parameters"] if name in known and name not in settings.parameters]
    wanted: Node = {
        "StackName": settings.stack_name,
        "ChangeSetType": "UPDATE" if plan.existing else "CREATE",
        "Parameters": given + [{"ParameterKey": name, "UsePreviousValue": True} for name in kept],
        "Capabilities": list(settings.capabilities),
        "Tags": [{"Key": key, "Value": value} for key, value in settings.tags.items()],
        "Description": "Made by make preflight, which deletes it.",
    }
    return wanted | ({"RoleARN": settings.role_arn} if settings.role_arn else {})


def finished(cloudformation: Any, change_set: str) -> Node:
    """The change set with all its changes, once CloudFormation has finished it."""
    deadline = time.monotonic() + MAKE_SECONDS
    while True:
        pages = cloudformation.get_paginator("describe_change_set").paginate(ChangeSetName=change_set)
        described: Node = {}
        for page in pages:
            described = page | {"Changes": described.get("Changes", []) + page.get("Changes", [])}
        if described["Status"] not in MAKING or time.monotonic() > deadline:
            return described
        time.sleep(PAUSE_SECONDS)


def events(cloudformation: Any, change_set: str, notes: list[Finding]) -> list[Node]:
    """What CloudFormation's validation before the deployment found. Without the permission, that is noted.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
    """
    try:
        pages = cloudformation.get_paginator("describe_events").paginate(ChangeSetName=change_set)
        found = [event for page in pages for event in page["OperationEvents"]]
    except ClientError as error:
        notes.append(unanswered(error, ("cloudformation:DescribeEvents",)))
        return []
    return [event for event in found if event.get("EventType") == "VALIDATION_ERROR"]


def remains(plan: Plan, name: str) -> list[Finding]:
    """Deletes the change set, and the empty stack that a first one makes. Says what could not be deleted."""
    cloudformation, stack = plan.client("cloudformation"), plan.settings.stack_name
    left = [f"aws cloudformation delete-change-set --stack-name {stack} --change-set-name {name}"]
    try:
        delete_change_set(cloudformation, stack, name)
        left = [] if plan.existing else [f"aws cloudformation delete-stack --stack-name {stack}"]
        if not plan.existing:
            delete_empty_stack(cloudformation, plan, name)
    except (BotoCoreError, ClientError) as error:
        return [warning(f"{message(error)}\nTo clean up: {' && '.join(left)} --region {plan.region}")]
    return []


def delete_change_set(cloudformation: Any, stack: str, name: str) -> None:
    """Deletes the change set, if it was made; one that is being made can only be deleted afterwards."""
    deadline = time.monotonic() + CLEAN_SECONDS
    while True:
        try:
            cloudformation.delete_change_set(StackName=stack, ChangeSetName=name)
        except ClientError as error:
            # ValidationError: the stack does not exist, because the change set was never made.
            if code(error) in ("ChangeSetNotFound", "ValidationError"):
                return
            if code(error) != "InvalidChangeSetStatus" or time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return


def delete_empty_stack(cloudformation: Any, plan: Plan, name: str) -> None:
    """Deletes the stack that only the change set brought about.

    It has the status REVIEW_IN_PROGRESS and no resources. One that was there before, or that someone else's change
    set is in, stays.
    """
    if plan.reviewed:
        return
    found = read(lambda: cloudformation.describe_stacks(StackName=plan.settings.stack_name), "ValidationError")
    if not found or found["Stacks"][0]["StackStatus"] != "REVIEW_IN_PROGRESS":
        return
    stack = found["Stacks"][0]["StackId"]
    pages = cloudformation.get_paginator("list_change_sets").paginate(StackName=plan.settings.stack_name)
    if any(other["ChangeSetName"] != name for page in pages for other in page["Summaries"]):
        return
    cloudformation.delete_stack(StackName=stack)
    waiter = cloudformation.get_waiter("stack_delete_complete")
    waiter.wait(StackName=stack, WaiterConfig={"Delay": PAUSE_SECONDS, "MaxAttempts": 60})
