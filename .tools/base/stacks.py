"""Reads a deployed CloudFormation stack, on AWS or in the local cloud."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# Makes the client of an AWS service from its name: base.aws.clients(), or Cloud.client for the local cloud.
# boto3 creates its clients at run time, so they have no static type.
ClientFactory = Callable[[str], Any]


@dataclass(frozen=True)
class Stack:
    """A deployed stack and the clients that reach it."""

    name: str
    client: ClientFactory

    def outputs(self) -> dict[str, str]:
        """The values of the outputs by their names."""
        return {o["OutputKey"]: o["OutputValue"] for o in self.describe().get("Outputs", [])}

    def parameters(self) -> dict[str, str]:
        """The values of the parameters by their names."""
        return {p["ParameterKey"]: p["ParameterValue"] for p in self.describe().get("Parameters", [])}

    def describe(self) -> dict[str, Any]:
        """CloudFormation's description of the stack."""
        description: dict[str, Any] = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"][0]
        return description

    def resources(self, kind: str = "") -> dict[str, str]:
        """The physical ids of the resources by their logical ids; with a kind (AWS::SQS::Queue), of those only."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.name)
        found = [resource for page in pages for resource in page["StackResourceSummaries"]]
        # A resource whose creation failed at once has no physical id.
        made = (resource for resource in found if resource.get("PhysicalResourceId"))
        return {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in made if not kind or r["ResourceType"] == kind}

    def queues(self) -> dict[str, str]:
        """The URLs of the queues by their logical ids: a queue's physical id is its URL."""
        return self.resources("AWS::SQS::Queue")
