"""The state of the stack that is there already."""

from collections.abc import Iterator

from operate.preflight.asking import read
from operate.preflight.finding import Finding, ok, problem
from operate.preflight.plan import Plan

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
CAN_BE_UPDATED = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
}
CAN_ONLY_BE_DELETED = {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"}


def check(plan: Plan) -> Iterator[Finding]:
    """Reads the stack into the plan, and says whether it can be updated."""
    cloudformation, name = plan.client("cloudformation"), plan.settings.stack_name
    found = read(lambda: cloudformation.describe_stacks(StackName=name), "ValidationError")
    plan.read = True
    plan.updatable = not found or found["Stacks"][0]["StackStatus"] in CAN_BE_UPDATED | {"REVIEW_IN_PROGRESS"}
    if not found:
        yield ok(f"{name} does not exist yet: this is the first deployment")
        return
    stack = found["Stacks"][0]
    status = stack["StackStatus"]
    if status == "REVIEW_IN_PROGRESS":
        plan.reviewed = True
        yield ok(f"{name} has no resources yet: this is the first deployment")
        return
    plan.existing = stack
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
    plan.owned = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources if "PhysicalResourceId" in r}
    if plan.updatable:
        yield ok(f"{name} is {status}: this is an update")
    else:
        why = stack.get("StackStatusReason", "")
        yield problem(f"{name} is {status}{f' ({why})' if why else ''}. {remedy(name, status, plan.region)}")


def remedy(name: str, status: str, region: str) -> str:
    """How a stack gets out of a state in which it cannot be updated."""
    command = f"aws cloudformation {{}} --stack-name {name} --region {region}"
    if status in CAN_ONLY_BE_DELETED:
        return (
            f"It can only be deleted:\n{command.format('delete-stack')}\n"
            "Read the events first for the cause. Tables that it kept are in no stack then."
        )
    if status == "UPDATE_ROLLBACK_FAILED":
        return f"Remove the cause that its events name, then:\n{command.format('continue-update-rollback')}"
    return f"Another deployment is running. Wait for its end:\n{command.format('describe-stacks')}"
