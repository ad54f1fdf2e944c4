"""Plans of a deployment for the tests of preflight."""

from pathlib import Path
from typing import Any

import yaml

from base.samconfig import Deployment
from base.stacks import ClientFactory
from cloud.build import BUILD
from operate.preflight.finding import Findings, Level
from operate.preflight.plan import Plan

ACCOUNT, REGION = "123456789012", "us-east-1"


def plan(client: ClientFactory, stack: str = "webhooks", /, **parameters: str) -> Plan:
    """The plan of a first deployment of the built template, with these parameters."""
    return plan_of(client, BUILD / "template.yaml", stack, **parameters)


def plan_of(client: ClientFactory, file: Path, stack: str = "webhooks", /, **parameters: str) -> Plan:
    """The same for another template."""
    settings = Deployment(stack, "", parameters, capabilities=("CAPABILITY_IAM",), tags={"service": "webhooks"})
    made = Plan("prod", settings, client, ACCOUNT, REGION, template_file=file)
    made.read = made.updatable = True
    return made


def template(folder: str, resources: dict[str, Any], **parts: Any) -> Path:
    """A file with a template of these resources and further parts."""
    file = Path(folder, "template.yaml")
    content = {"AWSTemplateFormatVersion": "2010-09-09", "Parameters": {}, "Resources": resources} | parts
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return file


def problems(findings: Findings) -> list[str]:
    """The texts of the problems."""
    return of(Level.PROBLEM, findings)


def of(level: Level, findings: Findings) -> list[str]:
    """The texts of the findings of a level."""
    return [finding.text for finding in findings if finding.level == level]
