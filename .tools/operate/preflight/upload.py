"""Hands the template to CloudFormation: in the request while it is small enough, otherwise by S3."""

import contextlib
import copy
import json
import secrets
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from base.processes import undisturbed
from operate.preflight.asking import message, read
from operate.preflight.finding import Finding, warning
from operate.preflight.plan import Node, Plan
from operate.preflight.processed import with_code_in_s3

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
BODY_BYTES = 51_200
# The stack by which the SAM CLI makes its bucket (resolve_s3), when it deploys for the first time in a region.
SAM_STACK, SAM_BUCKET = "aws-sam-cli-managed-default", "SourceBucket"
# What nothing depends on, so that a template without them is complete. The first are left out first.
OPTIONAL = ("AWS::CloudWatch::Dashboard", "AWS::Logs::QueryDefinition", "AWS::CloudWatch::Alarm")


class TooLargeError(Exception):
    """The template fits into no request, and there is no bucket."""


@contextlib.contextmanager
def template(plan: Plan, notes: list[Finding]) -> Iterator[tuple[dict[str, str], list[str]]]:
    """How a request names the template, and the resources that had to be left out.

    An upload is deleted after the body; what could not be deleted is added to the notes.
    """
    bucket = bucket_of(plan)
    whole = with_code_in_s3(plan.template, bucket or "bucket")
    if fits(body := compact(whole)):
        yield {"TemplateBody": body}, []
        return
    if bucket:
        with uploaded(plan, bucket, body, notes) as url:
            yield {"TemplateURL": url}, []
        return
    smaller, left_out = reduced(whole, {name for name, _, _ in plan.processed.created()})
    if not fits(body := compact(smaller)):
        raise TooLargeError
    yield {"TemplateBody": body}, left_out


def compact(node: Node) -> str:
    """The template as JSON without spaces."""
    return json.dumps(node, separators=(",", ":"), ensure_ascii=False)


def fits(body: str) -> bool:
    """Whether a request may hold the template itself."""
    return len(body.encode()) <= BODY_BYTES


def bucket_of(plan: Plan) -> str:
    """The bucket that `sam deploy` will use; empty when SAM has yet to make it."""
    if plan.settings.s3_bucket:
        return plan.settings.s3_bucket
    cloudformation = plan.client("cloudformation")
    found = read(lambda: cloudformation.describe_stacks(StackName=SAM_STACK), "ValidationError")
    outputs = found["Stacks"][0].get("Outputs", []) if found else []
    return next((o["OutputValue"] for o in outputs if o["OutputKey"] == SAM_BUCKET), "")


@contextlib.contextmanager
def uploaded(plan: Plan, bucket: str, body: str, notes: list[Finding]) -> Iterator[str]:
    """The URL of the template in S3 during the body.

    SAM's bucket keeps versions, so the version is deleted: a plain deletion would keep it.
    """
    client, key = plan.client("s3"), f"{plan.settings.s3_prefix}/preflight-{secrets.token_hex(8)}".lstrip("/")
    with undisturbed("Uploading the template, then deleting it"):
        answer = client.put_object(Bucket=bucket, Key=key, Body=body.encode())
    version = {"VersionId": answer["VersionId"]} if "VersionId" in answer else {}
    try:
        yield f"{client.meta.endpoint_url}/{bucket}/{key}"
    finally:
        with undisturbed("Deleting the uploaded template first"):
            try:
                client.delete_object(Bucket=bucket, Key=key, **version)
            except (BotoCoreError, ClientError) as error:
                notes.append(warning(f"s3://{bucket}/{key} could not be deleted: {message(error)}"))


def reduced(whole: Node, created: set[str]) -> tuple[Node, list[str]]:
    """The template without its descriptions, and as far as necessary without optional resources; and those.

    What this environment does not create is left out before, and not among them.
    """
    smaller = copy.deepcopy(whole)
    smaller.pop("Metadata", None)
    for part in (*smaller["Parameters"].values(), *smaller.get("Outputs", {}).values()):
        part.pop("Description", None)
    for resource in smaller["Resources"].values():
        resource.pop("Metadata", None)
    resources, left_out = smaller["Resources"], []
    unused = [name for name, resource in resources.items() if "Condition" in resource and name not in created]
    optional = [name for kind in OPTIONAL for name, resource in resources.items() if resource["Type"] == kind]
    for name in (*unused, *(name for name in optional if name not in unused)):
        if fits(compact(smaller)):
            break
        removed = resources.pop(name)
        if mentions([resources, smaller.get("Outputs", {})], name):
            resources[name] = removed
        elif name in created:
            left_out.append(name)
    return smaller, left_out


def mentions(node: Any, name: str) -> bool:
    """Whether a node refers to a resource, by whichever function."""
    if isinstance(node, dict):
        return any(mentions(part, name) for part in node.values())
    if isinstance(node, list):
        return any(mentions(part, name) for part in node)
    return isinstance(node, str) and (node == name or node.startswith(f"{name}.") or f"${{{name}" in node)
