"""Names that something else in the account already has.

Most resources, the tables too, get their names from CloudFormation and cannot collide.
"""

from collections.abc import Iterator
from typing import Any

from operate.preflight.asking import read
from operate.preflight.finding import Finding, ok, problem, skipped
from operate.preflight.plan import UNREAD, Plan

OTHER_STACK = "Choose another stack_name in samconfig.toml"


def event_bus(plan: Plan) -> Iterator[Finding]:
    """Whether there is an event bus of the name."""

    def describe(name: str) -> Any:
        return read(lambda: plan.client("events").describe_event_bus(Name=name), "ResourceNotFoundException")

    for name in new_names(plan, "AWS::Events::EventBus", "Name"):
        yield taken(name, "event bus", OTHER_STACK) if describe(name) else ok(f"{name} is free")


def dashboard(plan: Plan) -> Iterator[Finding]:
    """Whether there is a dashboard of the name. The dashboards of all regions of an account share their names.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html
    """

    def get(name: str) -> Any:
        call = plan.client("cloudwatch").get_dashboard
        return read(lambda: call(DashboardName=name), "ResourceNotFound", "DashboardNotFoundError")

    for name in new_names(plan, "AWS::CloudWatch::Dashboard", "DashboardName"):
        remedy = f"{OTHER_STACK}, or set EnableDashboard=false"
        yield taken(name, "dashboard", remedy) if get(name) else ok(f"{name} is free")


def domain_name(plan: Plan) -> Iterator[Finding]:
    """Whether API Gateway serves the domain already in this account and region."""

    def get(name: str) -> Any:
        return read(lambda: plan.client("apigatewayv2").get_domain_name(DomainName=name), "NotFoundException")

    for name in new_names(plan, "AWS::ApiGatewayV2::DomainName", "DomainName"):
        yield taken(name, "domain name", "Set another DomainName") if get(name) else ok(f"{name} is free")


def exports(plan: Plan) -> Iterator[Finding]:
    """Whether another stack exports a name of ours."""
    if not plan.read:
        yield skipped(UNREAD)
        return
    wanted, own, faults = set(plan.processed.exports()), (plan.existing or {}).get("StackId", ""), 0
    for page in plan.client("cloudformation").get_paginator("list_exports").paginate():
        for export in page["Exports"]:
            if export["Name"] in wanted and export["ExportingStackId"] != own:
                faults += 1
                other = export["ExportingStackId"].split("/")[1]
                yield problem(f"The stack {other} exports {export['Name']} already. {OTHER_STACK}.")
    if not faults:
        yield ok("no other stack has their names")


def new_names(plan: Plan, kind: str, key: str) -> Iterator[str]:
    """The names of the resources of a type that the stack does not have yet."""
    if plan.read:
        for name, found, properties in plan.processed.created():
            if found == kind and plan.owned.get(name) != properties[key]:
                yield str(properties[key])


def taken(name: str, what: str, remedy: str) -> Finding:
    """That something else has the name."""
    return problem(
        f"There is already the {what} {name}, which is not of this stack. {remedy}, or delete it if nothing needs it."
    )
