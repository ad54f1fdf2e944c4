"""What is about to be deployed, and where to."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from base.samconfig import Deployment
from base.stacks import ClientFactory
from operate.preflight.finding import Finding, ok
from operate.preflight.processed import Processed, translate

UNREAD = "the stack could not be read"
Node = dict[str, Any]  # of the template, or of an answer


@dataclass
class Plan:
    """One environment of samconfig.toml with the account and region that the caller's credentials lead to."""

    environment: str
    settings: Deployment
    client: ClientFactory
    account: str
    region: str
    partition: str = "aws"
    local: bool = False  # whether it is the local cloud
    template_file: Path = field(default_factory=Path)  # the built template, with aliases when it is to have them
    existing: Node | None = None  # CloudFormation's description of the stack, if there is one
    read: bool = False  # whether it is known if there is a stack
    updatable: bool = False  # whether a change set can be made now
    reviewed: bool = False  # whether there is a stack without resources, which waits for its first change set
    owned: dict[str, str] = field(default_factory=dict)  # the physical ids in that stack by their logical ids

    @cached_property
    def template(self) -> Node:
        """The built template, before SAM's transform."""
        content: Node = yaml.safe_load(self.template_file.read_text(encoding="utf-8"))
        return content

    @property
    def deployed_parameters(self) -> dict[str, str]:
        """The parameters of the stack as it is."""
        found = (self.existing or {}).get("Parameters", [])
        return {p["ParameterKey"]: p["ParameterValue"] for p in found}

    def described(self) -> Finding:
        """Where the stack goes."""
        return ok(f"{self.account}, {self.region}")

    def wanted(self, parameter: str) -> str:
        """The value that `sam deploy` will set for a parameter; empty for the template's default."""
        return self.settings.parameters.get(parameter) or self.deployed_parameters.get(parameter, "")

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters as `sam deploy` sets them.

        A parameter that samconfig.toml does not set keeps the value of the deployed stack (UsePreviousValue).
        """
        declared = self.template["Parameters"]
        defaults = {name: str(parameter["Default"]) for name, parameter in declared.items() if "Default" in parameter}
        kept = {name: value for name, value in self.deployed_parameters.items() if name in declared}
        return defaults | kept | self.settings.parameters

    @cached_property
    def processed(self) -> Processed:
        """The template as CloudFormation processes it, with plausible values."""
        place = {
            "AWS::Region": self.region,
            "AWS::Partition": self.partition,
            "AWS::AccountId": self.account,
            "AWS::StackName": self.settings.stack_name,
            "AWS::URLSuffix": "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com",
        }
        return Processed(translate(self.template, self.parameters, self.region), self.parameters | place)

    def arn(self, parameter: str) -> str:
        """The value of a parameter, which is empty or an ARN."""
        return self.parameters.get(parameter, "")
