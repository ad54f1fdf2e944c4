"""The template as CloudFormation processes it, with plausible values in place of what does not exist yet."""

import copy
import logging
from collections.abc import Iterator
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from cloud.template import Template

NO_VALUE = object()  # AWS::NoValue: what has this value is left out
# How the ARN of a type ends, where it is not just the name. Other types have arn:…:service:region:account:name.
ARNS = {
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
    "AWS::Events::EventBus": "events:{region}:{account}:event-bus/{name}",
    "AWS::Events::Rule": "events:{region}:{account}:rule/{name}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}:*",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::IAM::ManagedPolicy": "iam::{account}:policy/{name}",
    "AWS::KMS::Key": "kms:{region}:{account}:key/00000000-0000-4000-8000-000000000000",
}
REF_IS_ARN = {"AWS::IAM::ManagedPolicy", "AWS::SNS::Topic"}


class Processed(Template):
    """The processed template; `references` has the parameters and pseudo parameters."""

    def __init__(self, body: dict[str, Any], references: dict[str, str]) -> None:
        """Each resource gets its logical id as its name, behind that of the stack."""
        super().__init__(body, {}, references)
        self.names = {name: f"{references['AWS::StackName']}-{name}" for name in body["Resources"]}
        ids = {name: self.ref(name) for name in self.names}
        self.physical = ids
        self.references: dict[str, Any] = references | ids | {"AWS::NoValue": NO_VALUE}

    def created(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """The logical id, the type and the resolved properties of every resource whose condition holds."""
        for name, resource in self.body["Resources"].items():
            if "Condition" not in resource or self.holds({"Condition": resource["Condition"]}):
                yield name, resource["Type"], self.resolve(resource.get("Properties", {}))

    def exports(self) -> Iterator[str]:
        """The names of the exports."""
        for output in self.body.get("Outputs", {}).values():
            if "Export" in output and ("Condition" not in output or self.holds({"Condition": output["Condition"]})):
                yield self.resolve(output["Export"]["Name"])

    def resolve(self, node: Any) -> Any:
        """Leaves out what has no value, and knows Fn::Join, besides what Template knows."""
        if isinstance(node, list):
            return [item for item in map(self.resolve, node) if item is not NO_VALUE]
        if isinstance(node, dict) and node.keys() == {"Fn::Join"}:
            separator, parts = node["Fn::Join"]
            return str(separator).join(map(str, self.resolve(parts)))
        resolved = super().resolve(node)
        if isinstance(resolved, dict):
            return {key: value for key, value in resolved.items() if value is not NO_VALUE}
        return resolved

    def attribute(self, name: str, *attribute: str) -> str:
        """A plausible value of Fn::GetAtt."""
        return self.arn(name) if attribute == ("Arn",) else self.names.get(name, name)

    def ref(self, name: str) -> str:
        """A plausible value of Ref to a resource."""
        return self.arn(name) if self.body["Resources"][name]["Type"] in REF_IS_ARN else self.names[name]

    def arn(self, name: str) -> str:
        """A plausible ARN of a resource."""
        kind = self.body["Resources"][name]["Type"]
        form = ARNS.get(kind, kind.split("::")[1].lower() + ":{region}:{account}:{name}")
        region, account = self.references["AWS::Region"], self.references["AWS::AccountId"]
        tail = form.format(region=region, account=account, name=self.names[name])
        return f"arn:{self.references['AWS::Partition']}:{tail}"


def translate(template: dict[str, Any], parameters: dict[str, str], region: str) -> dict[str, Any]:
    """The built template after SAM's transform, by the library that CloudFormation itself runs."""
    logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it warns that it sends no metrics
    translator = Translator(None, Parser(), boto_session=boto3.Session(region_name=region))
    template = with_code_in_s3(template)
    body: dict[str, Any] = translator.translate(template, dict(parameters), get_managed_policy_map=dict)
    return body


def with_code_in_s3(template: dict[str, Any], bucket: str = "bucket") -> dict[str, Any]:
    """A copy whose functions have their code in S3, as after the upload by `sam deploy`.

    Nothing need lie there: neither the transform nor a change set reads it.
    """
    template = copy.deepcopy(template)
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = f"s3://{bucket}/preflight/{name}"
    return template
