"""Tests of what needs no cloud: intrinsic functions and the reading of an OpenAPI body."""

import unittest

from cloud.corrections import Template, authorization, integration, operations

ARN = "arn:aws:lambda:us-east-1:000000000000:function:stack-Hello-1"


def template(**conditions) -> Template:
    it = Template.__new__(Template)  # without a cloud to read it from
    it.physical = {"Hello": "stack-Hello-1"}
    it.refs = {"Protect": "true", "AWS::Region": "us-east-1", "Hello": "stack-Hello-1"}
    it.body = {"Resources": {"Hello": {"Type": "AWS::Lambda::Function"}}, "Conditions": conditions}
    return it


class Resolve(unittest.TestCase):
    def test_intrinsic_functions(self):
        it = template(Protected={"Fn::Equals": [{"Ref": "Protect"}, "true"]})
        for node, want in [
            ({"Ref": "Protect"}, "true"),
            ({"a": [{"Ref": "Hello"}, 1]}, {"a": ["stack-Hello-1", 1]}),
            ({"Fn::GetAtt": ["Hello", "Arn"]}, ARN),
            ({"Fn::GetAtt": "Hello.Arn"}, ARN),
            ({"Fn::Sub": "${AWS::Region}/${Hello.Arn}/${!literal}"}, f"us-east-1/{ARN}/${{!literal}}"),
            ({"Fn::Sub": ["${x}-${Hello}", {"x": {"Ref": "Protect"}}]}, "true-stack-Hello-1"),
            ({"Fn::If": ["Protected", "yes", "no"]}, "yes"),
        ]:
            with self.subTest(node=node):
                self.assertEqual(it.resolve(node), want)

    def test_conditions(self):
        it = template(Yes={"Fn::Equals": ["a", "a"]}, No={"Fn::Not": [{"Condition": "Yes"}]})
        self.assertTrue(it.holds({"Fn::Or": [{"Condition": "No"}, {"Condition": "Yes"}]}))
        self.assertFalse(it.holds({"Fn::And": [{"Condition": "No"}, {"Condition": "Yes"}]}))


class OpenApi(unittest.TestCase):
    def test_route_keys(self):
        node = {"x-amazon-apigateway-integration": {}}
        body = {"paths": {"/a/{id}": {"get": node, "x-amazon-apigateway-any-method": node}, "/$default": {"x-amazon-apigateway-any-method": node}, "/c": {"parameters": []}}}
        self.assertEqual([key for key, _ in operations(body)], ["GET /a/{id}", "ANY /a/{id}", "$default"])

    def test_integration_names_the_function_itself(self):
        uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{ARN}/invocations"
        self.assertEqual(integration({"uri": uri})["IntegrationUri"], ARN)

    def test_a_route_without_a_known_authorizer_is_open(self):
        self.assertEqual(authorization({"security": [{"NONE": []}]}, {"Key": "id1"})["AuthorizationType"], "NONE")
        self.assertEqual(authorization({"security": [{"Key": []}]}, {"Key": "id1"}), {"AuthorizationType": "CUSTOM", "AuthorizerId": "id1"})


if __name__ == "__main__":
    unittest.main()
