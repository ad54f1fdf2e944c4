"""What a gradual deployment makes of the built template, through SAM's own translator."""

import copy
import logging
import unittest

import yaml
from samtranslator.translator.transform import transform

from operate import gradual
from cloud.deploy import BUILD


def setUpModule():
    logging.disable(logging.WARNING)  # the translator warns of what it does not measure


class NoPolicies:
    """Stands for the list of AWS's managed policies, which the template does not use by name."""

    def load(self):
        return {}


def built() -> dict:
    template = yaml.safe_load((BUILD / "template.yaml").read_text(encoding="utf-8"))
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"  # as after the upload
    return template


def resources(template: dict) -> dict:
    return transform(copy.deepcopy(template), {}, NoPolicies())["Resources"]


def references(node) -> set[str]:
    """The names that a resource needs, in whatever way."""
    if isinstance(node, list):
        return set().union(*map(references, node))
    if not isinstance(node, dict):
        return set()
    found = set()
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


class GradualTest(unittest.TestCase):
    def setUp(self):
        self.template = built()
        self.gradual = gradual.make_gradual(built(), "Canary10Percent5Minutes", "1769421600")
        self.resources = resources(self.gradual)

    def test_http_functions_and_the_dispatcher_move(self):
        aliases = {n.removesuffix("Aliaslive") for n, r in self.resources.items() if r["Type"] == "AWS::Lambda::Alias"}
        functions = {n for n, r in self.template["Resources"].items() if r["Type"] == "AWS::Serverless::Function"}
        self.assertEqual(functions - aliases, {"AuthorizerFunction", "FanoutFunction", "KeysFunction", "RetrierFunction"})
        for name in aliases:
            self.assertIn("CodeDeployLambdaAliasUpdate", self.resources[name + "Aliaslive"]["UpdatePolicy"])
            group = self.resources[name + "DeploymentGroup"]["Properties"]
            self.assertEqual(group["AlarmConfiguration"]["Fn::If"][1]["Alarms"], [{"Name": {"Ref": gradual.ALARM}}])
            self.assertIn("DEPLOYMENT_STOP_ON_ALARM", group["AutoRollbackConfiguration"]["Events"])

    def test_queue_and_routes_use_the_alias(self):
        mapping = self.resources["DispatcherFunctionDeliveries"]["Properties"]["FunctionName"]
        self.assertEqual(mapping, {"Ref": "DispatcherFunctionAliaslive"})
        self.assertIn("GetWebhookFunctionAliaslive", references(self.resources["Api"]))

    def test_every_deployment_publishes_anew(self):
        def versions(release):
            made = resources(gradual.make_gradual(built(), "AllAtOnce", release))
            return {n for n, r in made.items() if r["Type"] == "AWS::Lambda::Version"}

        self.assertFalse(versions("1769421600") & versions("1769421601"))

    def test_nothing_waits_for_itself(self):
        graph = {n: references(r) & self.resources.keys() for n, r in self.resources.items()}
        while free := [n for n, needs in graph.items() if not needs]:
            for name in free:
                del graph[name]
            for needs in graph.values():
                needs -= set(free)
        self.assertEqual(graph, {}, "CloudFormation refuses circular dependencies")

    def test_the_rest_stays(self):
        self.assertNotIn(gradual.RULE, self.gradual["Rules"])
        self.assertIn(gradual.RULE, self.template["Rules"])
        before = resources(self.template)
        for name, resource in before.items():
            if resource["Type"] == "AWS::DynamoDB::Table":
                self.assertEqual(resource, self.resources[name])
        self.assertFalse([n for n in before if before[n]["Type"] in ("AWS::Lambda::Alias", "AWS::Lambda::Version")])


if __name__ == "__main__":
    unittest.main()
