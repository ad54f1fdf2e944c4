"""Tests of what a change set says, with CloudFormation's documented answers."""

import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

from botocore.exceptions import ClientError, WaiterError
from botocore.stub import ANY

from operate.preflight import change_set
from operate.preflight.finding import Finding, Level
from testkit.plans import plan_of, template
from testkit.stubs import Stubs

ID = "arn:aws:cloudformation:us-east-1:123456789012:changeSet/preflight-1/11111111-1111-4111-8111-111111111111"
STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/webhooks/11111111-1111-4111-8111-111111111111"
QUEUE = {"Type": "AWS::SQS::Queue"}


class ChangesTest(unittest.TestCase):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html, …_DescribeEvents"""

    def setUp(self) -> None:
        self.stubs = Stubs()
        self.stub = self.stubs.stub("cloudformation")
        self.addCleanup(self.stubs.assert_all_called)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = template(folder.name, {"Q": QUEUE})
        patch = mock.patch.object(change_set, "PAUSE_SECONDS", 0)
        patch.start()
        self.addCleanup(patch.stop)

    def found(self, **parameters: str) -> list[Finding]:
        update = plan_of(self.stubs.client, self.file, **parameters)
        update.existing = {"StackId": STACK}
        return change_set.check(update)

    def begin(self) -> None:
        self.stub.add_client_error("describe_stacks", "ValidationError", "Stack with id … does not exist")
        self.stub.add_response("create_change_set", {"Id": ID, "StackId": STACK})

    def end(self, *events: dict[str, Any]) -> None:
        self.stub.add_response("describe_events", {"OperationEvents": list(events)}, {"ChangeSetName": ID})
        self.stub.add_response("delete_change_set", {}, {"StackName": "webhooks", "ChangeSetName": ANY})

    def describe(self, status: str, *changes: dict[str, Any], reason: str = "", **more: str) -> None:
        changed = [{"Type": "Resource", "ResourceChange": change} for change in changes]
        answer = {"ChangeSetId": ID, "Status": status, "Changes": changed} | more
        self.stub.add_response("describe_change_set", answer | ({"StatusReason": reason} if reason else {}))

    def test_a_change_set_is_awaited_and_all_its_pages_are_read(self) -> None:
        self.begin()
        for status in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            self.describe(status)
        self.describe(
            "CREATE_COMPLETE", {"Action": "Add", "ResourceType": "A", "LogicalResourceId": "A"}, NextToken="2"
        )
        self.describe("CREATE_COMPLETE", {"Action": "Add", "ResourceType": "B", "LogicalResourceId": "B"})
        self.end()
        self.assertEqual([f.text for f in self.found()], ["2 to add, 0 to change, 0 to replace, 0 to remove"])

    def test_what_the_validation_before_the_deployment_finds_is_told_with_its_place(self) -> None:
        event = {"EventType": "VALIDATION_ERROR", "ValidationName": "PROPERTY_VALIDATION", "ValidationStatus": "FAILED"}
        event |= {"ValidationPath": "/Resources/T/Properties/X", "ValidationStatusReason": "extraneous key [X]"}
        self.begin()
        self.describe("FAILED", reason="The following validation failed")
        self.end(event | {"ValidationFailureMode": "FAIL"}, {"EventType": "STACK_EVENT"})
        [finding] = self.found()
        self.assertEqual(finding.level, Level.PROBLEM)
        self.assertEqual(finding.text, "/Resources/T/Properties/X: extraneous key [X] (PROPERTY_VALIDATION)")

    def test_warnings_of_the_validation_and_what_it_could_not_check_are_warnings(self) -> None:
        event = {"EventType": "VALIDATION_ERROR", "LogicalResourceId": "T", "ValidationStatusReason": "quota"}
        self.begin()
        self.describe("CREATE_COMPLETE")
        failed = {"ValidationStatus": "FAILED", "ValidationFailureMode": "WARN"}
        self.end(event | failed, event | {"ValidationStatus": "SKIPPED", "ValidationFailureMode": "FAIL"})
        self.assertEqual([f.level for f in self.found()], [Level.WARNING, Level.WARNING, Level.OK])

    def test_a_failed_change_set_is_a_problem_with_its_reason(self) -> None:
        self.begin()
        reason = (
            "Transform AWS::Serverless-2016-10-31 failed with: Invalid Serverless Application Specification document"
        )
        self.describe("FAILED", reason=reason)
        self.end()
        self.assertEqual([f.text for f in self.found()], [f"CloudFormation refuses the change set: {reason}"])

    def test_one_that_takes_too_long_is_a_warning(self) -> None:
        self.begin()
        self.describe("CREATE_IN_PROGRESS")
        self.end()
        with mock.patch.object(change_set, "MAKE_SECONDS", -1):
            [finding] = self.found()
        self.assertEqual(finding.level, Level.WARNING)
        self.assertIn("did not finish the change set in time (CREATE_IN_PROGRESS)", finding.text)

    def test_a_replacement_names_the_property_and_what_is_lost(self) -> None:
        target = {"Attribute": "Properties", "Name": "KeySchema", "RequiresRecreation": "Always"}
        details = {"Details": [{"Target": target}, {"Target": {"Attribute": "Tags", "RequiresRecreation": "Never"}}]}
        for kind, replacement, level, meaning in (
            ("AWS::DynamoDB::Table", "True", Level.PROBLEM, "The new table is empty"),
            ("AWS::SQS::Queue", "True", Level.PROBLEM, "messages in it are lost"),
            ("AWS::KMS::Key", "True", Level.PROBLEM, "cannot decrypt the secrets"),
            ("AWS::DynamoDB::Table", "Conditional", Level.WARNING, "CloudFormation decides while it deploys"),
            ("AWS::IAM::Role", "True", Level.WARNING, "The update would replace R (AWS::IAM::Role)."),
        ):
            with self.subTest(kind, replacement=replacement):
                self.begin()
                change = {
                    "Action": "Modify",
                    "ResourceType": kind,
                    "LogicalResourceId": "R",
                    "Replacement": replacement,
                }
                self.describe("CREATE_COMPLETE", change | details)
                self.end()
                [counts, finding] = self.found()
                self.assertEqual((counts.level, finding.level), (Level.OK, level))
                self.assertIn(meaning, finding.text)
                if kind != "AWS::IAM::Role":
                    self.assertIn("replace R because of KeySchema", finding.text)

    def test_versions_of_functions_come_and_go_without_a_word(self) -> None:
        self.begin()
        change = {"Action": "Remove", "ResourceType": "AWS::Lambda::Version", "LogicalResourceId": "V"}
        self.describe("CREATE_COMPLETE", change)
        self.end()
        self.assertEqual([f.level for f in self.found()], [Level.OK])

    def test_a_key_may_leave_the_stack_when_it_is_named_as_the_old_one(self) -> None:
        change = {"Action": "Remove", "ResourceType": "AWS::KMS::Key", "LogicalResourceId": "SecretsKey"}
        change |= {"PhysicalResourceId": "1234", "PolicyAction": "Retain"}
        old = {"OldSecretsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1234"}
        for parameters, level in ((old, Level.OK), ({}, Level.PROBLEM)):
            self.begin()
            self.describe("CREATE_COMPLETE", change)
            self.end()
            [_, finding] = self.found(**parameters)
            self.assertEqual(finding.level, level)
        self.assertIn("1234 would be kept, outside of the stack", finding.text)
        self.assertIn("Set OldSecretsKeyArn to its ARN", finding.text)

    def test_a_change_set_that_is_being_made_is_deleted_afterwards(self) -> None:
        self.begin()
        self.describe("CREATE_COMPLETE")
        self.stub.add_response("describe_events", {"OperationEvents": []})
        self.stub.add_client_error("delete_change_set", "InvalidChangeSetStatus", "CREATE_IN_PROGRESS")
        self.stub.add_response("delete_change_set", {})
        self.assertEqual([f.level for f in self.found()], [Level.OK])

    def test_what_could_not_be_deleted_is_told_with_the_command(self) -> None:
        self.begin()
        self.describe("CREATE_COMPLETE")
        self.stub.add_response("describe_events", {"OperationEvents": []})
        self.stub.add_client_error("delete_change_set", "AccessDenied", "not authorized")
        finding = self.found()[-1]
        self.assertEqual(finding.level, Level.WARNING)
        self.assertRegex(
            finding.text, r"(?s)not authorized\nTo clean up: aws cloudformation delete-change-set .*--region"
        )

    def test_an_empty_stack_that_could_not_be_deleted_is_told_with_the_command(self) -> None:
        for failure in (ClientError({"Error": {"Code": "AccessDenied"}}, "DeleteStack"), WaiterError("w", "late", {})):
            self.begin()
            self.describe("CREATE_COMPLETE")
            self.end()
            with mock.patch.object(change_set, "delete_empty_stack", side_effect=failure):
                finding = change_set.check(plan_of(self.stubs.client, self.file))[-1]
            self.assertEqual(finding.level, Level.WARNING)
            self.assertIn("\nTo clean up: aws cloudformation delete-stack --stack-name webhooks --region", finding.text)

    def test_the_request_keeps_the_parameters_of_the_stack_as_sam_does(self) -> None:
        parameters = {name: {"Type": "String", "Default": "d"} for name in ("Given", "Kept", "New")}
        file = template(str(Path(self.file).parent), {"Q": QUEUE}, Parameters=parameters)
        update = plan_of(self.stubs.client, file, Given="g")
        deployed = [{"ParameterKey": name, "ParameterValue": "old"} for name in ("Given", "Kept", "Gone")]
        update.existing = {"Parameters": deployed}
        self.assertEqual(update.parameters, {"Given": "g", "Kept": "old", "New": "d"})
        request = change_set.request(update)
        given = {"ParameterKey": "Given", "ParameterValue": "g"}
        self.assertEqual(request["Parameters"], [given, {"ParameterKey": "Kept", "UsePreviousValue": True}])
        self.assertEqual((request["ChangeSetType"], request["Capabilities"]), ("UPDATE", ["CAPABILITY_IAM"]))

    def test_none_is_made_for_a_stack_that_cannot_be_updated(self) -> None:
        stuck = plan_of(self.stubs.client, self.file)
        stuck.updatable = False
        self.assertEqual([f.level for f in change_set.check(stuck)], [Level.SKIPPED])


if __name__ == "__main__":
    unittest.main()
