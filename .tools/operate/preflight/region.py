"""Whether the region has what the template uses."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from operate.preflight.asking import read
from operate.preflight.finding import Finding, count, listed, ok, problem, warning
from operate.preflight.plan import Node, Plan

ARM = "AWS-Lambda-Duration-ARM"  # the group of Lambda's arm64 prices in the price list


def types(plan: Plan) -> Iterator[Finding]:
    """Compares the resources with the types and properties that CloudFormation has in this region.

    The schemas differ between regions, so that they also tell of features such as RecursiveLoop:
    https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schemas.html
    """
    used: dict[str, list[Node]] = {}
    for _, kind, properties in plan.processed.created():
        used.setdefault(kind, []).append(properties)
    client, faults = plan.client("cloudformation"), 0
    for kind in sorted(used):
        described = read(partial(client.describe_type, Type="RESOURCE", TypeName=kind), "TypeNotFoundException")
        if not described:
            faults += 1
            yield warning(f"CloudFormation does not list {kind} in {plan.region}. The change set tells more.")
            continue
        # Types of the time before the registry have no complete schema.
        if described.get("ProvisioningType") == "NON_PROVISIONABLE":
            continue
        schema = json.loads(described["Schema"])
        if missing := {path for properties in used[kind] for path in unknown(schema, schema, properties)}:
            faults += 1
            yield problem(
                f"{kind} has no {listed(missing)} in {plan.region}. Choose another region, or remove it from the "
                "template if you can do without it."
            )
    if not faults:
        yield ok(f"{plan.region} has the {count(len(used), 'resource type')} of the template with their properties")


def unknown(schema: Node, node: Node, value: Any, path: str = "") -> Iterator[str]:
    """The paths of the properties that a schema does not have; it says nothing about free maps."""
    if "$ref" in node:
        node = schema["definitions"][node["$ref"].rsplit("/", 1)[1]]
    if isinstance(value, list):
        for item in value:
            yield from unknown(schema, node.get("items", {}), item, path)
    elif isinstance(value, dict) and "properties" in node:
        for name, inner in value.items():
            if name in node["properties"]:
                yield from unknown(schema, node["properties"][name], inner, f"{path}{name}.")
            elif not node.get("patternProperties"):
                yield f"{path}{name}"


def arm64(plan: Plan) -> Iterator[Finding]:
    """Whether Lambda sells arm64 in this region; only the price list tells that.

    https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-list-query-api.html
    """
    if plan.parameters.get("Architecture") != "arm64" or plan.partition != "aws":
        return
    filters = [
        {"Type": "TERM_MATCH", "Field": "regionCode", "Value": plan.region},
        {"Type": "TERM_MATCH", "Field": "group", "Value": ARM},
    ]
    answer = plan.client("pricing").get_products(ServiceCode="AWSLambda", Filters=filters, MaxResults=1)
    if answer["PriceList"]:
        yield ok(f"Lambda has arm64 in {plan.region}")
    else:
        yield warning(
            f"AWS's price list has no arm64 for Lambda in {plan.region}. If the region has none, set "
            "Architecture=x86_64 in samconfig.toml."
        )
