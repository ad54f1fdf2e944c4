"""Every policy document of the template through IAM Access Analyzer."""

import json
from collections.abc import Iterator
from typing import Any

from operate.preflight.finding import Finding, count, listed, ok, problem, warning
from operate.preflight.plan import Node, Plan

# The resource policies that Access Analyzer knows more of. For others, such as those of queues and keys, it makes
# the checks that hold for all: https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ValidatePolicy.html
TRUST, TRUST_TYPE = "AssumeRolePolicyDocument", "AWS::IAM::AssumeRolePolicyDocument"
TYPES = {"AWS::S3::BucketPolicy": "AWS::S3::Bucket", "AWS::DynamoDB::Table": "AWS::DynamoDB::Table"}
WORST = {"ERROR": problem, "SECURITY_WARNING": warning, "WARNING": warning}  # suggestions are not shown


def check(plan: Plan) -> Iterator[Finding]:
    """Validates each document once, however many resources have it."""
    owners: dict[tuple[str, str, str], list[str]] = {}
    for name, kind, properties in plan.processed.created():
        for key, document in documents(properties):
            text = json.dumps(document, sort_keys=True)
            owners.setdefault((text, *sort(kind, key)), []).append(name)
    faults = 0
    for (text, policy_type, resource_type), names in owners.items():
        for finding in validate(plan, text, policy_type, resource_type):
            if level := WORST.get(finding["findingType"]):
                faults += 1
                where = " and ".join(map(place, finding.get("locations", [])))
                at = f" at {where}" if where else ""
                yield level(
                    f"{listed(names)}{at}: {finding['findingDetails']} ({finding['issueCode']})\n"
                    f"Correct the policy in template.yaml. {finding['learnMoreLink']}"
                )
    if not faults:
        yield ok(f"{count(len(owners), 'different policy document')}: Access Analyzer has no objection")


def documents(node: Any, key: str = "") -> Iterator[tuple[str, Node]]:
    """Every policy document in the properties of a resource, with the name of its property."""
    if isinstance(node, dict):
        if "Statement" in node:
            yield key, node
            return
        for name, value in node.items():
            yield from documents(value, name)
    elif isinstance(node, list):
        for item in node:
            yield from documents(item, key)


def sort(kind: str, key: str) -> tuple[str, str]:
    """The policy type and the resource type by which Access Analyzer checks a document."""
    if key == TRUST:
        return "RESOURCE_POLICY", TRUST_TYPE
    if kind.startswith("AWS::IAM::"):
        return "IDENTITY_POLICY", ""
    return "RESOURCE_POLICY", TYPES.get(kind, "")


def validate(plan: Plan, text: str, policy_type: str, resource_type: str) -> Iterator[Node]:
    """All findings of Access Analyzer about one document."""
    narrower = {"validatePolicyResourceType": resource_type} if resource_type else {}
    paginator = plan.client("accessanalyzer").get_paginator("validate_policy")
    for page in paginator.paginate(policyDocument=text, policyType=policy_type, locale="EN", **narrower):
        yield from page["findings"]


def place(location: Node) -> str:
    """A location of a finding, such as Statement[0].Action."""
    text = ""
    for part in location.get("path", []):
        if "index" in part:
            text += f"[{part['index']}]"
        else:
            text += f".{part.get('key') or part.get('value') or ''}"
    return text.strip(".")
