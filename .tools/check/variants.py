"""The template as CloudFormation gets it: processed by SAM, with the conditions and parameters of a deployment applied.

Each variant is one deployment. The rules about what AWS refuses (refused_test.go of the architecture tests) and the
linters of `make lint` read them. References to resources stay: {"Ref": …}, {"Fn::GetAtt": […]}, and ${…} of Fn::Sub.
"""

import copy
import json
import logging
import re
from collections.abc import Mapping
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from base import samconfig
from base.paths import ROOT
from operate import gradual

Template = dict[str, Any]

ACCOUNT, REGION = "123456789012", "ap-southeast-1"  # no region has a longer name
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/"
OPTIONS = {
    "DomainName": "hooks.example.com",
    "CertificateArn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/1",
    "HostedZoneId": "Z2FDTNDATAQYW2",
    "JwtIssuer": "https://id.example.com/",
    "JwtAudience": "webhooks",
    "JwtJwksUrl": "https://id.example.com/jwks",
    "JwtScopePrefix": "https://api.example.com/",
    "OriginSecret": "0123456789abcdef0123456789abcdef",
    "SecretsKeyArn": KEY + "new",
    "OldSecretsKeyArn": KEY + "old",
    "TestRate": "2",
    "AlarmTopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms",
}
# CloudFormation's limit: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
LONGEST_STACK_NAME = "s" * 128
UNBOUNDED = 10_000  # the length of a parameter without a limit, which no rule accepts


def variants() -> dict[str, Template]:
    """The processed template of every kind of deployment, by a name for it."""
    source = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    plain, shifted = (
        processed(source),
        processed(gradual.make_gradual(copy.deepcopy(source), "AllAtOnce", "1769421600")),
    )
    declared = source["Parameters"]
    found = {"defaults": resolved(plain, values(declared, {}))}
    for environment in ("local", "dev", "prod"):
        parameters = samconfig.deployment(environment).parameters
        found[environment] = resolved(plain, values(declared, parameters))
    found["every option"] = resolved(plain, values(declared, OPTIONS | switches(declared, "true")))
    found["no option"] = resolved(plain, values(declared, switches(declared, "false")))
    found["old key"] = resolved(plain, values(declared, {"EncryptSecrets": "false", "OldSecretsKeyArn": KEY + "old"}))
    found["gradual"] = resolved(shifted, values(declared, samconfig.deployment("prod").parameters))
    found["gradual without alarms"] = resolved(shifted, values(declared, {"EnableAlarms": "false"}))
    found["longest"] = resolved(shifted, longest(declared), LONGEST_STACK_NAME)
    return found


def processed(source: Template) -> Template:
    """The template as SAM processes it on AWS."""
    logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it warns that it sends no metrics
    source = copy.deepcopy(source)
    for resource in source["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"  # as after the upload
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=REGION))
    result: Template = json.loads(json.dumps(translator.translate(source, {})))
    return result


def values(declared: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """The value of every parameter: the given one, or its default."""
    return {name: str(given.get(name, parameter["Default"])) for name, parameter in declared.items()}


def switches(declared: Mapping[str, Any], position: str) -> dict[str, str]:
    """The parameters that are true or false, all in one position, except the one for the local cloud."""
    names = [name for name, parameter in declared.items() if parameter.get("AllowedValues") == ["true", "false"]]
    return {name: position for name in names if name != "LocalReceivers"}


def longest(declared: Mapping[str, Any]) -> dict[str, str]:
    """For every parameter a text of the greatest length that CloudFormation accepts; all switches are on."""

    def text(parameter: Mapping[str, Any]) -> str:
        if allowed := parameter.get("AllowedValues"):
            return max(map(str, allowed), key=len)
        if parameter["Type"] == "Number":
            return str(parameter["MaxValue"])
        width = pattern_width(parameter["AllowedPattern"]) if "AllowedPattern" in parameter else UNBOUNDED
        limit: int = parameter.get("MaxLength", UNBOUNDED)
        return "x" * min(width, limit, UNBOUNDED)

    return {name: text(parameter) for name, parameter in declared.items()} | switches(declared, "true")


def pattern_width(pattern: str) -> int:
    """The length of the longest text that a pattern matches."""
    width: int = re._parser.parse(pattern).getwidth()[1]  # type: ignore[attr-defined]
    return width


def resolved(template: Template, parameters: Mapping[str, str], stack_name: str = "webhooks") -> Template:
    """The template with its conditions and parameters applied."""
    return Deployment(template, parameters, stack_name).template()


class Deployment:
    """A template with the values of its parameters."""

    def __init__(self, body: Template, parameters: Mapping[str, str], stack_name: str) -> None:
        """`body` is the processed template."""
        self.body = body
        pseudo = {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::StackName": stack_name}
        partition = {"AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com"}
        self.known = dict(parameters) | pseudo | partition

    def template(self) -> Template:
        """The resources and outputs that exist, and the other sections as they are."""
        return self.body | {part: self.existing(self.body.get(part, {})) for part in ("Resources", "Outputs")}

    def existing(self, part: Template) -> Template:
        """The members of a section whose condition is true."""
        return {name: self.value(body) for name, body in part.items() if self.exists(body)}

    def exists(self, body: Template) -> bool:
        """Whether a resource or an output is created."""
        return "Condition" not in body or self.holds({"Condition": body["Condition"]})

    def value(self, node: Any) -> Any:
        """The node without intrinsic functions that need no resource. Members with AWS::NoValue are absent."""
        if isinstance(node, list):
            return [item for item in map(self.value, node) if item is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((key, argument),) = node.items()
            if key == "Ref":
                return NO_VALUE if argument == "AWS::NoValue" else self.known.get(argument, node)
            if key == "Fn::If":
                return self.value(argument[1] if self.holds({"Condition": argument[0]}) else argument[2])
            if key == "Fn::Sub":
                text, own = (argument, {}) if isinstance(argument, str) else argument
                return self.substitute(text, self.value(own))
            if key == "Fn::GetAtt":
                return {key: argument.split(".", 1) if isinstance(argument, str) else argument}
        members = {key: self.value(member) for key, member in node.items()}
        return {key: member for key, member in members.items() if member is not NO_VALUE}

    def substitute(self, text: str, own: Mapping[str, Any]) -> Any:
        """The text of Fn::Sub with its own variables; {"Fn::Sub": …} while it names a resource."""
        known = self.known | {name: value for name, value in own.items() if isinstance(value, str)}
        text = re.sub(r"\$\{([^!}]+)\}", lambda match: known.get(match[1], match[0]), text)
        left = {name: value for name, value in own.items() if not isinstance(value, str)}
        if not re.search(r"\$\{[^!}]+\}", text):
            return text
        return {"Fn::Sub": [text, left] if left else text}

    def holds(self, condition: Mapping[str, Any]) -> bool:
        """Whether a condition is true."""
        ((key, argument),) = condition.items()
        if key == "Condition":
            return self.holds(self.body["Conditions"][argument])
        if key == "Fn::Equals":
            return str(self.value(argument[0])) == str(self.value(argument[1]))
        parts = [self.holds(part) for part in argument]
        return {"Fn::Not": not parts[0], "Fn::And": all(parts), "Fn::Or": any(parts)}[key]


NO_VALUE = object()  # in place of {"Ref": "AWS::NoValue"}
