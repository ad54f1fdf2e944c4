"""Tests of the processed template with its plausible values."""

import json
import tempfile
import unittest
from typing import Any

from operate.preflight.processed import NO_VALUE
from testkit.plans import plan, plan_of, template
from testkit.stubs import Stubs

FUNCTIONS = {
    "Ref": {"Ref": "Queue"},
    "Arn": {"Fn::GetAtt": ["Queue", "Arn"]},
    "Sub": {"Fn::Sub": "${AWS::Partition} ${AWS::Region} ${AWS::AccountId} ${AWS::StackName} ${Queue.Arn} ${P}"},
    "Join": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":", {"Ref": "P"}]]},
    "If": {"Fn::If": ["Yes", "yes", {"Ref": "AWS::NoValue"}]},
    "Left": {"Fn::If": ["No", "no", {"Ref": "AWS::NoValue"}]},
    "List": [{"Ref": "AWS::NoValue"}, "kept"],
}


class ProcessedTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        conditions = {"Yes": {"Fn::Equals": [{"Ref": "P"}, "value"]}, "No": {"Fn::Not": [{"Condition": "Yes"}]}}
        queue = {"Type": "AWS::SQS::Queue", "Properties": {"Tags": FUNCTIONS}}
        resources = {"Queue": queue, "Other": queue | {"Condition": "No"}}
        outputs = {
            "A": {"Value": "a", "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-A"}}},
            "B": {"Value": "b", "Condition": "No", "Export": {"Name": "B"}},
        }
        parts: dict[str, Any] = {"Conditions": conditions, "Outputs": outputs, "Parameters": {"P": {"Type": "String"}}}
        self.processed = plan_of(Stubs().client, template(folder.name, resources, **parts), P="value").processed

    def test_functions_have_plausible_values_and_what_has_none_is_left_out(self) -> None:
        [(name, _, properties)] = self.processed.created()
        arn = "arn:aws:sqs:us-east-1:123456789012:webhooks-Queue"
        self.assertEqual(name, "Queue")
        self.assertEqual(
            properties["Tags"],
            {
                "Ref": "webhooks-Queue",
                "Arn": arn,
                "Sub": f"aws us-east-1 123456789012 webhooks {arn} value",
                "Join": "arn:aws:value",
                "If": "yes",
                "List": ["kept"],
            },
        )

    def test_exports_are_those_whose_condition_holds(self) -> None:
        self.assertEqual(list(self.processed.exports()), ["webhooks-A"])

    def test_the_template_is_resolved_to_json(self) -> None:
        for parameters in ({}, {"EnableAlarms": "false", "EnableDashboard": "false"}):
            for name, _, properties in plan(Stubs().client, **parameters).processed.created():
                self.assertNotIn('{"Ref": ', json.dumps(properties, default=str), name)
                self.assertNotIn(str(NO_VALUE), json.dumps(properties, default=str), name)


if __name__ == "__main__":
    unittest.main()
