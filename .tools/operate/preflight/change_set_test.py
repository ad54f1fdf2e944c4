"""Tests in the local cloud that a change set tells what would happen, and that nothing of it stays."""

import os
import secrets
import signal
import tempfile
import unittest
from typing import Any
from unittest import mock

from botocore.exceptions import ClientError

from base import aws
from base.samconfig import Deployment
from operate.preflight import change_set, stack
from operate.preflight.finding import Level
from operate.preflight.plan import Plan
from testkit.plans import of, plan, plan_of, problems, template
from testkit.stubs import printed

TABLE: dict[str, Any] = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
    },
}
QUEUE = {"Type": "AWS::SQS::Queue"}
BUS = {"Type": "AWS::Events::EventBus", "Properties": {"Name": {"Fn::Sub": "${AWS::StackName}-bus"}}}


def changed(table: dict[str, Any], **properties: Any) -> dict[str, Any]:
    """The table with other properties."""
    return table | {"Properties": table["Properties"] | properties}


class LocalTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder, self.name = folder.name, f"preflight-test-{secrets.token_hex(4)}"
        self.cloudformation = aws.clients()("cloudformation")
        patch = mock.patch.object(change_set, "PAUSE_SECONDS", 0.1)
        patch.start()
        self.addCleanup(patch.stop)

    def plan(self, resources: dict[str, Any], parameters: dict[str, str] | None = None, **parts: Any) -> Plan:
        made = plan_of(aws.clients(), template(self.folder, resources, **parts), self.name, **parameters or {})
        list(stack.check(made))
        return made

    def status(self) -> str:
        try:
            return str(self.cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"])
        except ClientError:
            return "NONE"

    def change_sets(self) -> list[str]:
        return [c["ChangeSetName"] for c in self.cloudformation.list_change_sets(StackName=self.name)["Summaries"]]

    def create(self, resources: dict[str, Any]) -> None:
        body = template(self.folder, resources).read_text()
        self.cloudformation.create_stack(StackName=self.name, TemplateBody=body)
        self.addCleanup(self.cloudformation.delete_stack, StackName=self.name)
        waiter = self.cloudformation.get_waiter("stack_create_complete")
        waiter.wait(StackName=self.name, WaiterConfig={"Delay": 1})

    def test_the_real_template_is_tried_and_nothing_stays(self) -> None:
        real = plan(aws.clients(), self.name, LocalReceivers="true")
        list(stack.check(real))
        found = change_set.check(real)
        self.assertEqual(problems(found), [])
        self.assertRegex(of(Level.OK, found)[-1], r"^\d\d+ to add, 0 to change, 0 to replace, 0 to remove$")
        self.assertEqual(self.status(), "NONE")

    def test_what_cloudformation_refuses_is_a_problem_and_nothing_stays(self) -> None:
        broken = {
            "Rules": {"R": {"Assertions": [{"Assert": {"Fn::Equals": ["a", "b"]}, "AssertDescription": "A rule"}]}}
        }
        declared = {"P": {"Type": "String", "AllowedPattern": "[a-z]+"}}
        for resources, parts, parameters, reason in (
            ({"X": {"Type": "AWS::No::Such"}}, {}, {}, "AWS::No::Such"),
            ({"Q": QUEUE}, {"Parameters": declared}, {"P": "1"}, "P"),
            ({"Q": QUEUE}, {"Parameters": declared}, {}, "P"),
            ({"Q": QUEUE}, broken, {}, "A rule"),
        ):
            with self.subTest(reason, parts=parts):
                [text] = problems(change_set.check(self.plan(resources, parameters, **parts)))
                self.assertRegex(text, f"^CloudFormation refuses the (template|change set): .*{reason}")
                self.assertEqual(self.status(), "NONE")

    def test_after_ctrl_c_nothing_stays(self) -> None:
        for moment in ("finished", "events"):
            with self.subTest(moment), mock.patch.object(change_set, moment, side_effect=KeyboardInterrupt):
                with self.assertRaises(KeyboardInterrupt):
                    change_set.check(self.plan({"Q": QUEUE}))
                self.assertEqual(self.status(), "NONE")

    def test_a_second_ctrl_c_does_not_leave_the_change_set(self) -> None:
        delete = change_set.delete_change_set

        def interrupted(*arguments: Any) -> None:
            os.kill(os.getpid(), signal.SIGINT)
            delete(*arguments)

        with printed() as out, mock.patch.object(change_set, "delete_change_set", interrupted):
            change_set.check(self.plan({"Q": QUEUE}))
        self.assertEqual(self.status(), "NONE")
        self.assertIn("Deleting the change set first", out.getvalue())

    def test_a_stack_in_review_and_the_change_sets_of_others_stay(self) -> None:
        body = template(self.folder, {"Q": QUEUE}).read_text()
        given = {"StackName": self.name, "ChangeSetType": "CREATE", "TemplateBody": body}
        self.cloudformation.create_change_set(ChangeSetName="theirs", **given)
        self.addCleanup(self.cloudformation.delete_stack, StackName=self.name)
        self.assertEqual(problems(change_set.check(self.plan({"Q": QUEUE}))), [])
        self.assertEqual((self.status(), self.change_sets()), ("REVIEW_IN_PROGRESS", ["theirs"]))

    def test_a_stack_in_review_without_a_change_set_stays(self) -> None:
        body = template(self.folder, {"Q": QUEUE}).read_text()
        given = {"StackName": self.name, "ChangeSetType": "CREATE", "TemplateBody": body}
        self.cloudformation.create_change_set(ChangeSetName="theirs", **given)
        self.addCleanup(self.cloudformation.delete_stack, StackName=self.name)
        self.cloudformation.delete_change_set(StackName=self.name, ChangeSetName="theirs")
        self.assertEqual(problems(change_set.check(self.plan({"Q": QUEUE}))), [])
        self.assertEqual((self.status(), self.change_sets()), ("REVIEW_IN_PROGRESS", []))

    def test_a_change_set_that_someone_makes_meanwhile_keeps_its_stack(self) -> None:
        finished = change_set.finished

        def with_another(cloudformation: Any, made: str) -> Any:
            body = template(self.folder, {"Q": QUEUE}).read_text()
            given = {"StackName": self.name, "ChangeSetType": "CREATE", "TemplateBody": body}
            self.cloudformation.create_change_set(ChangeSetName="theirs", **given)
            return finished(cloudformation, made)

        self.addCleanup(self.cloudformation.delete_stack, StackName=self.name)
        with mock.patch.object(change_set, "finished", with_another):
            change_set.check(self.plan({"Q": QUEUE}))
        self.assertEqual((self.status(), self.change_sets()), ("REVIEW_IN_PROGRESS", ["theirs"]))

    def test_an_update_without_changes_is_right_and_the_stack_stays(self) -> None:
        self.create({"T": TABLE})
        update = self.plan({"T": TABLE})
        update.settings = Deployment(self.name, "", {})
        self.assertEqual([f.text for f in change_set.check(update)], ["nothing would change"])
        self.assertEqual((self.status(), self.change_sets()), ("CREATE_COMPLETE", []))

    def test_an_update_that_replaces_a_table_or_removes_a_queue_is_a_problem(self) -> None:
        self.create({"T": TABLE, "Q": QUEUE, "B": BUS})
        found = change_set.check(self.plan({"T": changed(TABLE, TableName=self.name), "N": QUEUE}))
        removed, replaced = sorted(problems(found))
        self.assertTrue(removed.startswith("The update would remove Q: "), removed)
        self.assertIn("The update would replace T because of TableName", replaced)
        self.assertEqual(of(Level.WARNING, found), ["The update would remove B (AWS::Events::EventBus)."])
        self.assertEqual((self.status(), self.change_sets()), ("CREATE_COMPLETE", []))

    def test_an_update_that_may_replace_a_table_is_a_warning(self) -> None:
        self.create({"T": TABLE})
        key = {"AttributeDefinitions": [{"AttributeName": "b", "AttributeType": "S"}]}
        key["KeySchema"] = [{"AttributeName": "b", "KeyType": "HASH"}]
        found = change_set.check(self.plan({"T": changed(TABLE, **key)}))
        self.assertEqual(problems(found), [])
        self.assertIn("The update may replace T because of KeySchema", of(Level.WARNING, found)[0])


if __name__ == "__main__":
    unittest.main()
