"""Makes a built template one for a gradual deployment: `make deploy` with the parameter GradualDeployment.

Every HTTP function and the dispatcher gets an alias `live`, which CodeDeploy moves to the new version step by
step and back when the alarm on our own errors rings. It is not in template.yaml because of two properties of
SAM (seen with translator 1.115.0): an alias cannot depend on a parameter, and a new version is published only
when the code changes, so that an alias would go on serving the parameters of the last version. Here every
deployment publishes every one of these functions anew.

`python3 gradual.py TEMPLATE ENVIRONMENT` writes TEMPLATE beside itself with `.gradual` in its name when the
environment of samconfig.toml asks for it, and prints the name of the template to deploy.
"""

import sys
import time
import tomllib
from pathlib import Path

import yaml

from base.venvs import ROOT

PARAMETER = "GradualDeployment"
RULE = "GradualDeploymentNeedsMake"  # the template's guard against a deployment without this
ALIAS, ALARM = "live", "ErrorLinesAlarm"
OTHERS = {"DispatcherFunction"}


def main(template: str, environment: str) -> None:
    how = parameters(environment).get(PARAMETER, "none")
    if how == "none":
        print(template)
        return
    built = yaml.safe_load(Path(template).read_text(encoding="utf-8"))
    gradual = Path(template).with_suffix(".gradual.yaml")
    # In the same folder: the functions' CodeUri are relative to it.
    gradual.write_text(yaml.safe_dump(make_gradual(built, how, str(int(time.time()))), sort_keys=False), encoding="utf-8")
    print(gradual)


def parameters(environment: str) -> dict[str, str]:
    """The parameters that samconfig.toml sets, which is where a gradual deployment is asked for."""
    deploy = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))[environment]["deploy"]["parameters"]
    overrides = deploy.get("parameter_overrides", [])
    pairs = overrides.split() if isinstance(overrides, str) else overrides
    return {name: value.strip('"') for name, _, value in (pair.partition("=") for pair in pairs)}


def make_gradual(template: dict, how: str, release: str) -> dict:
    """The template with aliases and deployment preferences; `release` is what tells this deployment from others."""
    del template["Rules"][RULE]
    alarms = {"Fn::If": ["HasAlarms", [{"Ref": ALARM}], [{"Ref": "AWS::NoValue"}]]}
    for name, resource in template["Resources"].items():
        if not moves(name, resource):
            continue
        resource["Properties"] |= {
            "AutoPublishAlias": ALIAS,
            "AutoPublishCodeSha256": release,  # SAM makes the version's name of it
            "VersionDeletionPolicy": "Delete",  # after the alias has left it
            "DeploymentPreference": {"Enabled": True, "Type": how, "Alarms": alarms},
        }
    return template


def moves(name: str, resource: dict) -> bool:
    events = resource.get("Properties", {}).get("Events") or {}
    return resource["Type"] == "AWS::Serverless::Function" and (name in OTHERS or any(event["Type"] == "HttpApi" for event in events.values()))


if __name__ == "__main__":
    main(*sys.argv[1:])
