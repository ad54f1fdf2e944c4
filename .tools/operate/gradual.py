"""Prepares the built template for a gradual deployment: `make deploy` with the parameter GradualDeployment.

Every HTTP function and the dispatcher gets an alias `live`. CodeDeploy moves the alias to the new version in
steps, and back when the alarm on our own errors fires. template.yaml itself has no aliases because of two
properties of SAM (translator 1.115.0): an alias cannot depend on a parameter, and a new version is published
only when the code changes, so that an alias would keep the parameters of the last version. Here every
deployment publishes a new version of each of these functions.

Lambda refuses a version that equals the last one ("A version for this Lambda function exists"), and builds are
reproducible. So the release goes into the configuration of each function, by a variable that no code reads:
https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
"""

import time
from pathlib import Path
from typing import Any

import yaml

from base import samconfig

PARAMETER = "GradualDeployment"
RULE = "GradualDeploymentNeedsMake"  # the rule by which the template refuses a deployment without this
ALIAS, ALARM, VARIABLE = "live", "ErrorLinesAlarm", "RELEASE"
OTHER_FUNCTIONS = {"DispatcherFunction"}  # besides those of the API


def prepare(template: str, environment: str) -> str:
    """The file name of the template to deploy in an environment of samconfig.toml.

    It is the given one, or with GradualDeployment a copy named ….gradual.yaml in the same folder, because the
    functions' CodeUri are relative to it.
    """
    how = samconfig.deployment(environment).parameters.get(PARAMETER, "none")
    if how == "none":
        return template
    built = yaml.safe_load(Path(template).read_text(encoding="utf-8"))
    gradual = Path(template).with_suffix(".gradual.yaml")
    content = make_gradual(built, how, release=str(int(time.time())))
    gradual.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return str(gradual)


def make_gradual(template: dict[str, Any], how: str, release: str) -> dict[str, Any]:
    """The template with aliases and deployment preferences (`how`); `release` identifies this deployment."""
    del template["Rules"][RULE]
    alarms = {"Fn::If": ["HasAlarms", [{"Ref": ALARM}], [{"Ref": "AWS::NoValue"}]]}
    for name, resource in template["Resources"].items():
        if not deployed_gradually(name, resource):
            continue
        resource["Properties"] |= {
            "Environment": {"Variables": variables(resource) | {VARIABLE: release}},
            "AutoPublishAlias": ALIAS,
            "AutoPublishCodeSha256": release,  # SAM derives the name of the version from it
            "VersionDeletionPolicy": "Delete",  # once the alias no longer points to the version
            "DeploymentPreference": {"Enabled": True, "Type": how, "Alarms": alarms},
        }
    return template


def variables(function: dict[str, Any]) -> dict[str, Any]:
    """The function's own environment, to which SAM adds that of Globals."""
    found: dict[str, Any] = function["Properties"].get("Environment", {}).get("Variables", {})
    return found


def deployed_gradually(name: str, resource: dict[str, Any]) -> bool:
    """Whether the resource is a function that gets an alias."""
    events = resource.get("Properties", {}).get("Events") or {}
    is_http = any(event["Type"] == "HttpApi" for event in events.values())
    return resource["Type"] == "AWS::Serverless::Function" and (name in OTHER_FUNCTIONS or is_http)
