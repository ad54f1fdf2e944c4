"""Tests of the states of a stack, with CloudFormation's documented answers."""

import unittest

from operate.preflight import stack
from operate.preflight.finding import Level
from operate.preflight.plan import Plan
from testkit.plans import plan
from testkit.stubs import Stubs

ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/webhooks/11111111-1111-4111-8111-111111111111"


class StackTest(unittest.TestCase):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html"""

    def setUp(self) -> None:
        self.stubs = Stubs()
        self.addCleanup(self.stubs.assert_all_called)

    def found(self, status: str, reason: str = "") -> tuple[Plan, Level, str]:
        described = {
            "StackName": "webhooks",
            "StackId": ID,
            "StackStatus": status,
            "CreationTime": "2026-01-26T09:30:00Z",
        }
        described |= {"StackStatusReason": reason} if reason else {}
        stub = self.stubs.stub("cloudformation")
        stub.add_response("describe_stacks", {"Stacks": [described]}, {"StackName": "webhooks"})
        if status != "REVIEW_IN_PROGRESS":
            pages = [("EventBus", "webhooks-events", {"NextToken": "2"}), ("EventsQueue", "https://queue", {})]
            for name, physical, token in pages:
                resource = {"LogicalResourceId": name, "PhysicalResourceId": physical, "ResourceType": "T"}
                resource |= {"LastUpdatedTimestamp": "2026-01-26T09:30:00Z", "ResourceStatus": "CREATE_COMPLETE"}
                stub.add_response("list_stack_resources", {"StackResourceSummaries": [resource], **token})
        made = plan(self.stubs.client)
        made.read = made.updatable = False
        [finding] = stack.check(made)
        self.assertTrue(made.read)
        return made, finding.level, finding.text

    def test_a_stack_that_does_not_exist_is_a_first_deployment(self) -> None:
        message = "Stack with id webhooks does not exist"
        self.stubs.stub("cloudformation").add_client_error("describe_stacks", "ValidationError", message)
        made = plan(self.stubs.client)
        made.updatable = False
        self.assertEqual([f.level for f in stack.check(made)], [Level.OK])
        self.assertEqual((made.existing, made.updatable), (None, True))

    def test_a_stack_that_waits_for_its_first_change_set_is_a_first_deployment(self) -> None:
        made, level, _ = self.found("REVIEW_IN_PROGRESS")
        self.assertEqual((level, made.existing, made.updatable, made.reviewed), (Level.OK, None, True, True))

    def test_a_complete_stack_is_updated(self) -> None:
        for status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"):
            made, level, text = self.found(status)
            self.assertEqual((level, made.updatable), (Level.OK, True), status)
            self.assertEqual(text, f"webhooks is {status}: this is an update")
            self.assertEqual(made.owned, {"EventBus": "webhooks-events", "EventsQueue": "https://queue"})

    def test_a_stack_that_can_only_be_deleted_is_a_problem_with_the_command(self) -> None:
        for status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"):
            made, level, text = self.found(status, "a queue was refused")
            self.assertEqual((level, made.updatable), (Level.PROBLEM, False), status)
            self.assertTrue(text.startswith(f"webhooks is {status} (a queue was refused). It can only be deleted:"))
            self.assertIn("\naws cloudformation delete-stack --stack-name webhooks --region us-east-1\n", text)

    def test_a_failed_roll_back_of_an_update_is_a_problem_with_the_command(self) -> None:
        made, level, text = self.found("UPDATE_ROLLBACK_FAILED")
        self.assertEqual((level, made.updatable), (Level.PROBLEM, False))
        self.assertIn("aws cloudformation continue-update-rollback --stack-name webhooks", text)

    def test_a_deployment_that_runs_is_a_problem(self) -> None:
        for status in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"):
            made, level, text = self.found(status)
            self.assertEqual((level, made.updatable), (Level.PROBLEM, False), status)
            self.assertIn("Another deployment is running", text)


if __name__ == "__main__":
    unittest.main()
