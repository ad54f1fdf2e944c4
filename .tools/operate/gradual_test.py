"""Tests of what a gradual deployment makes of the built template, with SAM's own translator."""

import copy
import logging
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

import yaml
from samtranslator.translator.transform import transform

from base import samconfig
from cloud.build import BUILD
from operate import gradual

Resources = dict[str, dict[str, Any]]


def setUpModule() -> None:
    logging.disable(logging.WARNING)  # the translator warns that it sends no metrics


class NoPolicies:
    """Stands for the list of AWS's managed policies, which the template does not use by name."""

    def load(self) -> dict[str, str]:
        return {}


def built() -> dict[str, Any]:
    template: dict[str, Any] = yaml.safe_load((BUILD / "template.yaml").read_text(encoding="utf-8"))
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"  # as after the upload
    return template


def translated(template: dict[str, Any]) -> Resources:
    resources: Resources = transform(copy.deepcopy(template), {}, NoPolicies())["Resources"]
    return resources


def references(node: Any) -> set[str]:
    """The names of the resources that a resource depends on."""
    if isinstance(node, list):
        return set().union(*map(references, node))
    if not isinstance(node, dict):
        return set()
    found: set[str] = set()
    for key, value in node.items():
        if key == "Ref":
            found.add(value)
        elif key == "Fn::GetAtt":
            found.add((value.split(".") if isinstance(value, str) else value)[0])
        elif key == "Fn::Sub":
            text = value if isinstance(value, str) else value[0]
            found |= {part.split("}")[0].split(".")[0] for part in text.split("${")[1:]}
            found |= references(value)
        elif key == "DependsOn":
            found |= {value} if isinstance(value, str) else set(value)
        else:
            found |= references(value)
    return found


class MakeGradualTest(unittest.TestCase):
    def setUp(self) -> None:
        self.template = built()
        self.gradual = gradual.make_gradual(built(), "Canary10Percent5Minutes", "1769421600")
        self.resources = translated(self.gradual)

    def test_http_functions_and_the_dispatcher_get_an_alias(self) -> None:
        aliases = {n.removesuffix("Aliaslive") for n, r in self.resources.items() if r["Type"] == "AWS::Lambda::Alias"}
        functions = {n for n, r in self.template["Resources"].items() if r["Type"] == "AWS::Serverless::Function"}
        others = {"AuthorizerFunction", "FanoutFunction", "KeysFunction", "RetrierFunction"}
        self.assertEqual(functions - aliases, others)
        for name in aliases:
            self.assertIn("CodeDeployLambdaAliasUpdate", self.resources[name + "Aliaslive"]["UpdatePolicy"])
            group = self.resources[name + "DeploymentGroup"]["Properties"]
            self.assertEqual(group["AlarmConfiguration"]["Fn::If"][1]["Alarms"], [{"Name": {"Ref": gradual.ALARM}}])
            self.assertIn("DEPLOYMENT_STOP_ON_ALARM", group["AutoRollbackConfiguration"]["Events"])

    def test_queue_and_routes_use_the_alias(self) -> None:
        mapping = self.resources["DispatcherFunctionDeliveries"]["Properties"]["FunctionName"]
        self.assertEqual(mapping, {"Ref": "DispatcherFunctionAliaslive"})
        self.assertIn("GetWebhookFunctionAliaslive", references(self.resources["Api"]))

    def test_every_deployment_publishes_new_versions(self) -> None:
        def versions(release: str) -> set[str]:
            made = translated(gradual.make_gradual(built(), "AllAtOnce", release))
            return {n for n, r in made.items() if r["Type"] == "AWS::Lambda::Version"}

        self.assertTrue(versions("1769421600"))
        self.assertFalse(versions("1769421600") & versions("1769421601"))

    def test_every_version_differs_from_the_last_although_the_code_does_not(self) -> None:
        """Lambda compares code and configuration, and refuses a version that equals the last one."""

        def configurations(release: str) -> Resources:
            made = translated(gradual.make_gradual(built(), "AllAtOnce", release))
            published = [
                r["Properties"]["FunctionName"]["Ref"] for r in made.values() if r["Type"] == "AWS::Lambda::Version"
            ]
            return {name: made[name]["Properties"]["Environment"]["Variables"] for name in published}

        first, second = configurations("1769421600"), configurations("1769421601")
        self.assertTrue(first)
        for name, variables in first.items():
            self.assertNotEqual(variables, second[name], name)
            self.assertIn("GOMEMLIMIT", variables, f"{name} keeps the variables of Globals")

    def test_the_alarm_that_rolls_back_does_not_watch_the_authorizer(self) -> None:
        """The authorizer fails while the identity provider is down, and no function that is deployed is at fault."""
        groups = {
            r["Properties"]["LogGroupName"]["Ref"]
            for r in self.resources.values()
            if r["Type"] == "AWS::Logs::MetricFilter"
        }
        logs_to = {
            n: r["Properties"]["LoggingConfig"]
            for n, r in self.resources.items()
            if r["Type"] == "AWS::Lambda::Function"
        }
        self.assertNotIn(logs_to["AuthorizerFunction"]["LogGroup"]["Ref"], groups)
        for name, logging_config in logs_to.items():
            self.assertEqual(logging_config["LogFormat"], "JSON", name)
            if name != "AuthorizerFunction":
                self.assertIn(logging_config["LogGroup"]["Ref"], groups)

    def test_no_dependency_is_circular(self) -> None:
        graph = {n: references(r) & self.resources.keys() for n, r in self.resources.items()}
        while free := [n for n, needs in graph.items() if not needs]:
            for name in free:
                del graph[name]
            for needs in graph.values():
                needs -= set(free)
        self.assertEqual(graph, {}, "CloudFormation refuses circular dependencies")

    def test_the_rule_is_removed_and_tables_are_unchanged(self) -> None:
        self.assertNotIn(gradual.RULE, self.gradual["Rules"])
        self.assertIn(gradual.RULE, self.template["Rules"])
        before = translated(self.template)
        for name, resource in before.items():
            if resource["Type"] == "AWS::DynamoDB::Table":
                self.assertEqual(resource, self.resources[name])
        self.assertFalse([n for n in before if before[n]["Type"] in ("AWS::Lambda::Alias", "AWS::Lambda::Version")])


SAMCONFIG = """
[plain.deploy.parameters]
stack_name = "webhooks-plain"
parameter_overrides = "EnableAlarms=true"
[none.deploy.parameters]
stack_name = "webhooks-none"
parameter_overrides = "EnableAlarms=true GradualDeployment=none"
[canary.deploy.parameters]
stack_name = "webhooks-canary"
parameter_overrides = ["EnableAlarms=true", 'GradualDeployment="Canary10Percent5Minutes"']
"""


class PrepareTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        settings = Path(folder.name, "samconfig.toml")
        settings.write_text(SAMCONFIG)
        patch = mock.patch.object(samconfig, "FILE", settings)
        patch.start()
        self.addCleanup(patch.stop)
        self.template = Path(folder.name, "template.yaml")
        self.template.write_text(yaml.safe_dump(built()))

    def test_without_the_parameter_the_template_is_deployed_as_it_is(self) -> None:
        for environment in ("plain", "none"):
            self.assertEqual(gradual.prepare(str(self.template), environment), str(self.template))

    def test_with_the_parameter_a_copy_in_the_same_folder_is_deployed(self) -> None:
        before = self.template.read_text()
        deployed = Path(gradual.prepare(str(self.template), "canary"))
        self.assertEqual(deployed, self.template.with_name("template.gradual.yaml"))
        self.assertEqual(self.template.read_text(), before)
        properties = yaml.safe_load(deployed.read_text())["Resources"]["DispatcherFunction"]["Properties"]
        self.assertEqual(properties["DeploymentPreference"]["Type"], "Canary10Percent5Minutes")

    def test_an_unknown_environment_stops(self) -> None:
        with self.assertRaisesRegex(SystemExit, "no environment 'staging'"):
            gradual.prepare(str(self.template), "staging")


if __name__ == "__main__":
    unittest.main()
