"""Tests of the resolved template and of what is read from an OpenAPI body; they need no cloud."""

import unittest

from cloud.corrections import authorization, integration, operations
from cloud.template import Template

ARN = "arn:aws:lambda:us-east-1:000000000000:function:stack-Hello-1"


def template(**conditions: object) -> Template:
    return Template(
        {"Resources": {"Hello": {"Type": "AWS::Lambda::Function"}}, "Conditions": conditions},
        physical={"Hello": "stack-Hello-1"},
        references={"Protect": "true", "AWS::Region": "us-east-1", "Hello": "stack-Hello-1"},
    )


class ResolveTest(unittest.TestCase):
    def test_intrinsic_functions(self) -> None:
        deployed = template(Protected={"Fn::Equals": [{"Ref": "Protect"}, "true"]})
        cases: list[tuple[object, object]] = [
            ({"Ref": "Protect"}, "true"),
            ({"a": [{"Ref": "Hello"}, 1]}, {"a": ["stack-Hello-1", 1]}),
            ({"Fn::GetAtt": ["Hello", "Arn"]}, ARN),
            ({"Fn::GetAtt": "Hello.Arn"}, ARN),
            ({"Fn::Sub": "${AWS::Region}/${Hello.Arn}/${!literal}"}, f"us-east-1/{ARN}/${{!literal}}"),
            ({"Fn::Sub": ["${x}-${Hello}", {"x": {"Ref": "Protect"}}]}, "true-stack-Hello-1"),
            ({"Fn::If": ["Protected", "yes", "no"]}, "yes"),
        ]
        for node, want in cases:
            with self.subTest(node=node):
                self.assertEqual(deployed.resolve(node), want)

    def test_conditions(self) -> None:
        deployed = template(Yes={"Fn::Equals": ["a", "a"]}, No={"Fn::Not": [{"Condition": "Yes"}]})
        self.assertTrue(deployed.holds({"Fn::Or": [{"Condition": "No"}, {"Condition": "Yes"}]}))
        self.assertFalse(deployed.holds({"Fn::And": [{"Condition": "No"}, {"Condition": "Yes"}]}))


class OpenApiTest(unittest.TestCase):
    def test_route_keys(self) -> None:
        node: dict[str, object] = {"x-amazon-apigateway-integration": {}}
        paths = {
            "/a/{id}": {"get": node, "x-amazon-apigateway-any-method": node},
            "/$default": {"x-amazon-apigateway-any-method": node},
            "/c": {"parameters": []},
        }
        keys = [key for key, _ in operations({"paths": paths})]
        self.assertEqual(keys, ["GET /a/{id}", "ANY /a/{id}", "$default"])

    def test_integration_names_the_function_itself(self) -> None:
        uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{ARN}/invocations"
        self.assertEqual(integration({"uri": uri})["IntegrationUri"], ARN)

    def test_route_without_a_known_authorizer_is_open(self) -> None:
        key = {"Key": "id1"}
        self.assertEqual(authorization({"security": [{"NONE": []}]}, key)["AuthorizationType"], "NONE")
        want = {"AuthorizationType": "CUSTOM", "AuthorizerId": "id1"}
        self.assertEqual(authorization({"security": [{"Key": []}]}, key), want)


if __name__ == "__main__":
    unittest.main()
