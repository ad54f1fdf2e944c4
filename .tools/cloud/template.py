"""The template of a deployed stack as CloudFormation processed it, with the values of its intrinsic functions."""

import json
import re
from collections.abc import Iterator
from typing import Any

from cloud.instance import REGION, Cloud

ACCOUNT = "000000000000"  # ministack's


class Template:
    """The processed template with the parameters and physical names of its stack."""

    def __init__(self, body: dict[str, Any], physical: dict[str, str], references: dict[str, str]) -> None:
        """`physical` holds the physical ids by logical ids, `references` the values of Ref."""
        self.body, self.physical, self.references = body, physical, references

    def resources(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The physical name and the resolved properties of every deployed resource of a kind."""
        for name, resource in self.body["Resources"].items():
            if resource["Type"] == kind and name in self.physical:
                yield self.physical[name], self.resolve(resource.get("Properties", {}))

    def functions(self) -> dict[str, str]:
        """The physical name of every function by its logical name."""
        resources = self.body["Resources"].items()
        names = [name for name, resource in resources if resource["Type"] == "AWS::Lambda::Function"]
        return {name: self.physical[name] for name in names if name in self.physical}

    def resolve(self, node: Any) -> Any:
        """The node with values in place of intrinsic functions: Ref, GetAtt (the Arn of functions), Sub and If."""
        if isinstance(node, list):
            return [self.resolve(item) for item in node]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((key, value),) = node.items()
            if key == "Ref":
                return self.references.get(value, "")
            if key == "Fn::GetAtt":
                return self.attribute(*(value.split(".") if isinstance(value, str) else value))
            if key == "Fn::Sub":
                return self.substitute(*([value] if isinstance(value, str) else value))
            if key == "Fn::If":
                return self.resolve(value[1] if self.holds({"Condition": value[0]}) else value[2])
        return {key: self.resolve(value) for key, value in node.items()}

    def attribute(self, name: str, *attribute: str) -> str:
        """The Arn of a function; for every other attribute, the physical id."""
        if attribute == ("Arn",) and name in self.functions():
            return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.physical[name]}"
        return self.physical.get(name, "")

    def substitute(self, text: str, variables: dict[str, Any] | None = None) -> str:
        """The text of Fn::Sub with its ${…} replaced; ${!…} stays."""
        own = self.resolve(variables or {})

        def value(match: re.Match[str]) -> str:
            name, _, attribute = match[1].partition(".")
            if name in own:
                return str(own[name])
            return self.attribute(name, attribute) if attribute else str(self.references.get(name, ""))

        return re.sub(r"\$\{([^!}]+)\}", value, text)

    def holds(self, condition: dict[str, Any]) -> bool:
        """Whether a condition is true."""
        ((key, value),) = condition.items()
        if key == "Condition":
            return self.holds(self.body["Conditions"][value])
        if key == "Fn::Equals":
            return str(self.resolve(value[0])) == str(self.resolve(value[1]))
        parts = [self.holds(part) for part in value]
        return {"Fn::Not": not parts[0], "Fn::And": all(parts), "Fn::Or": any(parts)}[key]


def deployed(cloud: Cloud) -> Template:
    """The template of the cloud's stack."""
    cloudformation = cloud.client("cloudformation")
    body = cloudformation.get_template(StackName=cloud.stack_name, TemplateStage="Processed")["TemplateBody"]
    physical = cloud.stack.resources()
    pseudo = {
        "AWS::Region": REGION,
        "AWS::Partition": "aws",
        "AWS::AccountId": ACCOUNT,
        "AWS::StackName": cloud.stack_name,
    }
    references = cloud.stack.parameters() | physical | pseudo
    return Template(json.loads(body) if isinstance(body, str) else body, physical, references)
