"""Tests of what is restored, against stubbed clients; procedures_test.py restores a whole stack."""

import json
import unittest
from datetime import UTC, datetime
from typing import Any

from operate import restore, retained
from testkit.stubs import Stubs, printed, url

ARN = "arn:aws:cloudformation:us-east-1:000000000000:stack/webhooks/new"
AT = datetime(2026, 1, 26, tzinfo=UTC)
TABLE, QUEUE, STACK = "AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::CloudFormation::Stack"
WAIT = {"Delay": 0, "MaxAttempts": 1}


def event(logical: str, kind: str, status: str, physical: str = "") -> dict[str, Any]:
    return {
        "StackId": ARN,
        "EventId": "1",
        "StackName": "webhooks",
        "Timestamp": AT,
        "LogicalResourceId": logical,
        "PhysicalResourceId": physical or logical.lower(),
        "ResourceType": kind,
        "ResourceStatus": status,
    }


class FindDeletedTest(unittest.TestCase):
    def setUp(self) -> None:
        self.stubs = Stubs()
        self.addCleanup(self.stubs.assert_all_called)

    def expect_deleted(self, *pages: list[tuple[str, str, int]]) -> None:
        for number, page in enumerate(pages):
            answer: dict[str, Any] = {
                "StackSummaries": [
                    {
                        "StackName": name,
                        "StackId": arn,
                        "CreationTime": AT.replace(day=day),
                        "StackStatus": "DELETE_COMPLETE",
                    }
                    for name, arn, day in page
                ]
            }
            if number < len(pages) - 1:
                answer["NextToken"] = f"page-{number}"
            self.stubs.stub("cloudformation").add_response("list_stacks", answer)

    def test_the_newest_of_all_pages_is_found(self) -> None:
        self.expect_deleted([("webhooks", "old", 1), ("other", "other", 9)], [("webhooks", ARN, 5)])
        self.assertEqual(restore.find_deleted(self.stubs.client, "webhooks"), ARN)

    def test_an_arn_is_taken_as_it_is(self) -> None:
        self.assertEqual(restore.find_deleted(self.stubs.client, ARN), ARN)

    def test_a_stack_that_was_not_deleted_is_no_source(self) -> None:
        self.expect_deleted([("other", "other", 9)])
        with self.assertRaisesRegex(SystemExit, "lists no deleted stack webhooks"):
            restore.find_deleted(self.stubs.client, "webhooks")


class LeftByTest(unittest.TestCase):
    def setUp(self) -> None:
        self.stubs = Stubs()
        self.addCleanup(self.stubs.assert_all_called)

    def left_by(self, events: list[dict[str, Any]], **instead: str) -> dict[str, tuple[str, str]]:
        pages = [events[:2], events[2:]]
        first = {"StackEvents": pages[0], "NextToken": "2"}
        self.stubs.stub("cloudformation").add_response("describe_stack_events", first)
        self.stubs.stub("cloudformation").add_response("describe_stack_events", {"StackEvents": pages[1]})
        return restore.left_by(self.stubs.client, ARN, instead)

    def events(self) -> list[dict[str, Any]]:
        return [
            event("webhooks", STACK, "DELETE_COMPLETE"),
            event("EventsQueue", QUEUE, "DELETE_SKIPPED"),
            event("Topic", "AWS::SNS::Topic", "DELETE_SKIPPED"),
            event("webhooks", STACK, "DELETE_IN_PROGRESS"),
            event("webhooks", STACK, "DELETE_FAILED"),  # a first try to delete
            event("KeysTable", TABLE, "DELETE_SKIPPED"),
            event("webhooks", STACK, "DELETE_IN_PROGRESS"),
            event("webhooks", STACK, "UPDATE_COMPLETE"),
            event("LogsTable", TABLE, "DELETE_SKIPPED", "replaced-long-ago"),
        ]

    def test_what_the_deletion_left_counts_and_not_what_an_update_left(self) -> None:
        want = {"EventsQueue": (QUEUE, "eventsqueue"), "KeysTable": (TABLE, "keystable")}
        self.assertEqual(self.left_by(self.events()), want)

    def test_a_table_from_a_backup_takes_the_place_of_the_one_that_was_left(self) -> None:
        found = self.left_by(self.events(), KeysTable="from-backup")
        self.assertEqual(found["KeysTable"], (TABLE, "from-backup"))

    def test_an_unknown_name_is_refused(self) -> None:
        with self.assertRaisesRegex(SystemExit, r"has no KeyTable: it left EventsQueue, KeysTable\."):
            self.left_by(self.events(), KeyTable="from-backup")

    def test_a_deletion_that_left_nothing_is_no_source(self) -> None:
        with self.assertRaisesRegex(SystemExit, "left no table, queue or key"):
            self.left_by([event("webhooks", STACK, "DELETE_COMPLETE")])


class ExistingTest(unittest.TestCase):
    def setUp(self) -> None:
        self.stubs = Stubs()

    def expect_status(self, status: str) -> None:
        description = {"StackName": "webhooks-dev", "CreationTime": AT, "StackStatus": status}
        self.stubs.stub("cloudformation").add_response("describe_stacks", {"Stacks": [description]})

    def test_an_existing_stack_is_left_alone(self) -> None:
        for status in ("CREATE_COMPLETE", "ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"):
            self.expect_status(status)
            with self.assertRaisesRegex(SystemExit, rf"exists \({status}\)[^$]*another stack_name"):
                restore.check_new(self.stubs.stack())

    def test_an_interrupted_import_can_be_repeated(self) -> None:
        self.expect_status("REVIEW_IN_PROGRESS")
        restore.check_new(self.stubs.stack())

    def test_a_refused_import_says_why(self) -> None:
        cloudformation = self.stubs.stub("cloudformation")
        cloudformation.add_response("create_change_set", {})
        failed = {"Status": "FAILED", "StatusReason": "KeysTable already exists in stack other"}
        cloudformation.add_response("describe_change_set", failed)
        with self.assertRaisesRegex(SystemExit, "refuses the import: KeysTable already exists in stack other"):
            restore.import_all(self.stubs.stack(), {}, [retained.to_import("KeysTable", TABLE, "keys")], WAIT)


class RetainedTest(unittest.TestCase):
    def setUp(self) -> None:
        self.stubs = Stubs()
        self.addCleanup(self.stubs.assert_all_called)

    def test_a_table_is_described_as_it_is(self) -> None:
        keys = [{"AttributeName": "due", "KeyType": "HASH"}]
        attributes = [{"AttributeName": "due", "AttributeType": "S"}]
        described = {"KeySchema": keys, "AttributeDefinitions": attributes, "DeletionProtectionEnabled": True}
        for expiry, backups, more in (
            ("ENABLED", "DISABLED", {"TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True}}),
            ("DISABLED", "ENABLED", {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}),
        ):
            dynamodb = self.stubs.stub("dynamodb")
            billing = {"BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"}}
            dynamodb.add_response("describe_table", {"Table": described | billing})
            ttl = {"TimeToLiveStatus": expiry} | ({"AttributeName": "ttl"} if expiry == "ENABLED" else {})
            dynamodb.add_response("describe_time_to_live", {"TimeToLiveDescription": ttl})
            recovery = {"PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": backups}}
            continuous = {"ContinuousBackupsDescription": {"ContinuousBackupsStatus": "ENABLED"} | recovery}
            dynamodb.add_response("describe_continuous_backups", continuous)
            want = described | {"BillingMode": "PAY_PER_REQUEST"} | more
            self.assertEqual(retained.resource(self.stubs.client, TABLE, "t")["Properties"], want)

    def test_a_queue_keeps_its_numbers_and_its_dead_letter_queue(self) -> None:
        redrive = {"deadLetterTargetArn": "arn", "maxReceiveCount": 50}
        attributes = {
            "MessageRetentionPeriod": "1209600",
            "VisibilityTimeout": "180",
            "SqsManagedSseEnabled": "true",
            "RedrivePolicy": json.dumps(redrive),
        }
        self.stubs.stub("sqs").add_response("get_queue_attributes", {"Attributes": attributes})
        want = {"MessageRetentionPeriod": 1209600, "VisibilityTimeout": 180, "SqsManagedSseEnabled": True}
        described = retained.resource(self.stubs.client, QUEUE, url("EventsQueue"))
        self.assertEqual(described["Properties"], want | {"RedrivePolicy": redrive})
        self.assertEqual(described["DeletionPolicy"], "Retain")

    def test_a_key_keeps_its_policy(self) -> None:
        policy, kms = {"Version": "2012-10-17", "Statement": []}, self.stubs.stub("kms")
        kms.add_response("describe_key", {"KeyMetadata": {"KeyId": "k", "Description": "of the stack"}})
        kms.add_response("get_key_rotation_status", {"KeyRotationEnabled": True})
        kms.add_response("get_key_policy", {"Policy": json.dumps(policy)})
        want = {"Description": "of the stack", "EnableKeyRotation": True, "KeyPolicy": policy}
        with printed():
            self.assertEqual(retained.resource(self.stubs.client, "AWS::KMS::Key", "k")["Properties"], want)


if __name__ == "__main__":
    unittest.main()
