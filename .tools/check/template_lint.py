"""Checks the template as AWS will take it: cfn-lint in every region of the operating page, parliament for its policies.

Both read the template of a plain and of a gradual deployment. parliament knows the actions, resources and conditions
of every service: https://github.com/duo-labs/parliament
"""

import copy
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from samtranslator.yaml_helper import yaml_parse

from base import venvs
from base.console import say
from base.paths import LOCAL, ROOT, TOOLS
from check.variants import ACCOUNT, REGION, Template, variants
from operate import gradual

FOLDER = LOCAL / "lint"
SETTINGS = ROOT / ".ci" / "cfn-lint.yaml"
# The end of the ARN of a resource, by its type; parliament compares it with the resources of an action.
ARNS = {
    "AWS::DynamoDB::Table": "dynamodb:{place}:table/{name}",
    "AWS::SQS::Queue": "sqs:{place}:{name}",
    "AWS::Logs::LogGroup": "logs:{place}:log-group:{name}:*",
    "AWS::KMS::Key": "kms:{place}:key/{name}",
    "AWS::Events::EventBus": "events:{place}:event-bus/{name}",
    "AWS::Events::Rule": "events:{place}:rule/{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
}


def lint() -> int:
    """Runs both linters; returns the first bad exit status."""
    programs = venvs.make("template")
    shutil.rmtree(FOLDER, ignore_errors=True)
    policies = FOLDER / "policies"
    policies.mkdir(parents=True)
    number = write_policies(policies)
    say(f"  {number} policies for parliament")
    receiver = TOOLS / "operate" / "smoke_receiver.yaml"
    templates = [str(ROOT / "template.yaml"), str(write_gradual(FOLDER / "gradual.yaml")), str(receiver)]
    commands = [
        [str(programs / "cfn-lint"), "--config-file", str(SETTINGS), "--template", *templates],
        [str(programs / "parliament"), "--directory", str(policies), "--include_policy_extension", "json"],
    ]
    environment = os.environ | {"PYTHONWARNINGS": "ignore:pkg_resources"}  # parliament's import of it
    runs = (subprocess.run(command, cwd=ROOT, env=environment).returncode for command in commands)
    return next((code for code in runs if code), 0)


def write_gradual(file: Path) -> Path:
    """Writes the template of a gradual deployment, before SAM processes it."""
    source = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    file.write_text(yaml.safe_dump(gradual.make_gradual(copy.deepcopy(source), "AllAtOnce", "1"), sort_keys=False))
    return file


def write_policies(folder: Path) -> int:
    """Writes every distinct policy document of every deployment into a file; returns their number."""
    texts: dict[str, str] = {}
    deployments = [template for name, template in variants().items() if name != "longest"]  # its ARNs are none
    for template in deployments:
        for name, document in policies_of(template):
            texts.setdefault(json.dumps(document, indent=1), name)
    for number, (text, name) in enumerate(texts.items()):
        (folder / f"{name}-{number}.json").write_text(text, encoding="utf-8")
    return len(texts)


def policies_of(template: Template) -> Iterator[tuple[str, Any]]:
    """The policy documents of a template with ARNs in place of references.

    The trust policies of roles are left out: they have no resource, which parliament demands.
    """
    for name, resource in template["Resources"].items():
        for document in documents(resource.get("Properties", {})):
            policy = with_arns(template, document)
            if resource["Type"] == "AWS::KMS::Key":
                limit_to(attribute(template, name, "Arn"), policy)
            yield name, policy


def limit_to(key: str, policy: Template) -> None:
    """Writes the ARN of the key into its policy, in which "*" is the key.

    The actions on aliases go: they need the key's permission too, and parliament knows only that of the alias.
    https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html
    """
    for statement in policy["Statement"]:
        statement["Resource"] = key
        if isinstance(statement["Action"], list):
            statement["Action"] = [action for action in statement["Action"] if not action.endswith("Alias")]


def documents(node: Any) -> Iterator[Template]:
    """The policy documents in a value."""
    if isinstance(node, list):
        for item in node:
            yield from documents(item)
    elif isinstance(node, dict):
        for key, member in node.items():
            if key != "AssumeRolePolicyDocument":
                yield from [member] if isinstance(member, dict) and "Statement" in member else documents(member)


def with_arns(template: Template, node: Any) -> Any:
    """The value with names and ARNs in place of references to resources."""
    if isinstance(node, list):
        return [with_arns(template, item) for item in node]
    if not isinstance(node, dict):
        return node
    if "Fn::GetAtt" in node:
        return attribute(template, *node["Fn::GetAtt"])
    if "Fn::Sub" in node:
        text: str = node["Fn::Sub"]
        return re.sub(r"\$\{(\w+)\.(\w+)\}", lambda match: attribute(template, match[1], match[2]), text)
    return {key: with_arns(template, member) for key, member in node.items()}


def attribute(template: Template, name: str, wanted: str) -> str:
    """An attribute of a resource."""
    if wanted != "Arn":
        return name
    form = ARNS[template["Resources"][name]["Type"]]
    return "arn:aws:" + form.format(place=f"{REGION}:{ACCOUNT}", account=ACCOUNT, name=name.lower())
