"""Tests of what the region has, with answers as AWS documents them."""

import json
import tempfile
import unittest
from typing import Any

from operate.preflight import region
from operate.preflight.finding import Level
from testkit.plans import plan, plan_of, problems, template
from testkit.stubs import Stubs

FUNCTION = {
    "Type": "AWS::Lambda::Function",
    "Properties": {"Runtime": "provided.al2023", "RecursiveLoop": "Allow", "Tags": {"any": "key"}},
}
TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}},
}
# The form of the schemas: https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
FUNCTION_SCHEMA = {"properties": {"Runtime": {}, "RecursiveLoop": {}, "Tags": {"type": "object"}}}
RECOVERY = {"type": "object", "properties": {"PointInTimeRecoveryEnabled": {"type": "boolean"}}}
TABLE_SCHEMA = {
    "properties": {"PointInTimeRecoverySpecification": {"$ref": "#/definitions/Recovery"}},
    "definitions": {"Recovery": RECOVERY},
}


class TypesTest(unittest.TestCase):
    def setUp(self) -> None:
        self.stubs = Stubs()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.addCleanup(self.stubs.assert_all_called)

    def answer(self, kind: str, schema: dict[str, Any], provisioning: str = "FULLY_MUTABLE") -> None:
        """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeType.html"""
        described = {"Type": "RESOURCE", "TypeName": kind, "Schema": json.dumps(schema)}
        expected = {"Type": "RESOURCE", "TypeName": kind}
        self.stubs.stub("cloudformation").add_response(
            "describe_type", described | {"ProvisioningType": provisioning}, expected
        )

    def found(self, **resources: dict[str, Any]) -> list[tuple[Level, str]]:
        made = plan_of(self.stubs.client, template(self.folder, resources))
        return [(finding.level, finding.text) for finding in region.types(made)]

    def test_a_region_with_all_types_and_properties_is_right(self) -> None:
        self.answer("AWS::DynamoDB::Table", TABLE_SCHEMA)
        self.answer("AWS::Lambda::Function", FUNCTION_SCHEMA)
        text = "us-east-1 has the 2 resource types of the template with their properties"
        self.assertEqual(self.found(F=FUNCTION, G=FUNCTION, T=TABLE), [(Level.OK, text)])

    def test_a_feature_that_the_region_lacks_is_a_problem(self) -> None:
        for resource, schema, missing in (
            (FUNCTION, {"properties": {"Runtime": {}, "Tags": {}}}, "RecursiveLoop"),
            (TABLE, {"properties": {}}, "PointInTimeRecoverySpecification"),
            (
                TABLE,
                TABLE_SCHEMA | {"definitions": {"Recovery": {"properties": {}}}},
                "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled",
            ),
        ):
            with self.subTest(missing):
                self.answer(str(resource["Type"]), schema)
                [(level, text)] = self.found(R=resource)
                self.assertEqual(level, Level.PROBLEM)
                self.assertIn(f"{resource['Type']} has no {missing} in us-east-1. Choose another region", text)

    def test_a_type_that_the_region_does_not_list_is_a_warning(self) -> None:
        self.stubs.stub("cloudformation").add_client_error("describe_type", "TypeNotFoundException", "not found")
        [(level, text)] = self.found(F=FUNCTION)
        self.assertEqual(level, Level.WARNING)
        self.assertIn("does not list AWS::Lambda::Function in us-east-1", text)

    def test_types_without_a_complete_schema_are_not_judged(self) -> None:
        self.answer("AWS::Lambda::Function", {"properties": {}}, "NON_PROVISIONABLE")
        self.assertEqual([level for level, _ in self.found(F=FUNCTION)], [Level.OK])

    def test_resources_that_are_not_created_are_not_asked_for(self) -> None:
        unused = FUNCTION | {"Condition": "Never"}
        file = template(self.folder, {"F": unused}, Conditions={"Never": {"Fn::Equals": ["a", "b"]}})
        self.assertEqual(problems(region.types(plan_of(self.stubs.client, file))), [])


class Arm64Test(unittest.TestCase):
    def found(self, prices: list[str], **parameters: str) -> list[tuple[Level, str]]:
        """https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html"""
        stubs = Stubs()
        self.addCleanup(stubs.assert_all_called)
        if parameters["Architecture"] == "arm64":
            group = {"Type": "TERM_MATCH", "Field": "group", "Value": "AWS-Lambda-Duration-ARM"}
            place = {"Type": "TERM_MATCH", "Field": "regionCode", "Value": "us-east-1"}
            expected = {"ServiceCode": "AWSLambda", "Filters": [place, group], "MaxResults": 1}
            answer = {"FormatVersion": "aws_v1", "PriceList": prices}
            stubs.stub("pricing").add_response("get_products", answer, expected)
        return [(finding.level, finding.text) for finding in region.arm64(plan(stubs.client, **parameters))]

    def test_a_region_with_prices_for_arm64_has_it(self) -> None:
        self.assertEqual(self.found(["{}"], Architecture="arm64"), [(Level.OK, "Lambda has arm64 in us-east-1")])

    def test_a_region_without_prices_for_arm64_is_a_warning(self) -> None:
        [(level, text)] = self.found([], Architecture="arm64")
        self.assertEqual(level, Level.WARNING)
        self.assertIn("set Architecture=x86_64 in samconfig.toml", text)

    def test_x86_64_is_everywhere(self) -> None:
        self.assertEqual(self.found([], Architecture="x86_64"), [])


if __name__ == "__main__":
    unittest.main()
