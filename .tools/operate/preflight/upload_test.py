"""Tests of how the template comes to CloudFormation, with S3's documented answers."""

import json
import re
import tempfile
import unittest
from typing import Any
from unittest import mock

from botocore.stub import ANY

from base import aws
from operate.preflight import change_set, upload
from operate.preflight.finding import Finding, Level
from operate.preflight.plan import Plan
from testkit.plans import of, plan, plan_of, problems, template
from testkit.stubs import Stubs

BUCKET = "aws-sam-cli-managed-default-samclisourcebucket-1"


class UploadTest(unittest.TestCase):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html"""

    def setUp(self) -> None:
        self.stubs = Stubs()
        self.addCleanup(self.stubs.assert_all_called)
        self.notes: list[Finding] = []

    def answer_bucket(self) -> None:
        stack = {
            "StackName": upload.SAM_STACK,
            "StackStatus": "CREATE_COMPLETE",
            "CreationTime": "2026-01-26T09:30:00Z",
        }
        stack["Outputs"] = [{"OutputKey": "SourceBucket", "OutputValue": BUCKET}]  # type: ignore[assignment]
        expected = {"StackName": "aws-sam-cli-managed-default"}
        self.stubs.stub("cloudformation").add_response("describe_stacks", {"Stacks": [stack]}, expected)

    def no_bucket(self) -> None:
        self.stubs.stub("cloudformation").add_client_error("describe_stacks", "ValidationError", "does not exist")

    def source(self, made: Plan) -> tuple[dict[str, str], list[str]]:
        with upload.template(made, self.notes) as (source, left_out):
            return source, left_out

    def test_a_small_template_is_in_the_request(self) -> None:
        self.no_bucket()
        with tempfile.TemporaryDirectory() as folder:
            source, _ = self.source(plan_of(self.stubs.client, template(folder, {"Q": {"Type": "AWS::SQS::Queue"}})))
        self.assertIn("AWS::SQS::Queue", source["TemplateBody"])

    def test_a_large_one_goes_to_sams_bucket_and_its_version_is_deleted(self) -> None:
        self.answer_bucket()
        s3 = self.stubs.stub("s3")
        s3.add_response("put_object", {"VersionId": "v1"}, {"Bucket": BUCKET, "Key": ANY, "Body": ANY})
        s3.add_response("delete_object", {}, {"Bucket": BUCKET, "Key": ANY, "VersionId": "v1"})
        source, left_out = self.source(plan(self.stubs.client))
        endpoint = re.escape(self.stubs.client("s3").meta.endpoint_url)  # of AWS: https://s3.REGION.amazonaws.com
        self.assertRegex(source["TemplateURL"], rf"^{endpoint}/{BUCKET}/preflight-[0-9a-f]+$")
        self.assertEqual((left_out, self.notes), ([], []))

    def test_it_is_deleted_after_ctrl_c_too(self) -> None:
        self.answer_bucket()
        self.stubs.stub("s3").add_response("put_object", {})
        self.stubs.stub("s3").add_response("delete_object", {}, {"Bucket": BUCKET, "Key": ANY})
        made = plan(self.stubs.client)
        with self.assertRaises(KeyboardInterrupt), upload.template(made, self.notes):
            raise KeyboardInterrupt

    def test_what_could_not_be_deleted_is_told(self) -> None:
        self.answer_bucket()
        self.stubs.stub("s3").add_response("put_object", {})
        self.stubs.stub("s3").add_client_error("delete_object", "AccessDenied", "not allowed")
        self.source(plan(self.stubs.client))
        self.assertRegex(self.notes[0].text, rf"^s3://{BUCKET}/preflight-\w+ could not be deleted: not allowed$")

    def test_without_a_bucket_what_nothing_depends_on_is_left_out_until_it_fits(self) -> None:
        self.no_bucket()
        made = plan(self.stubs.client)
        source, left_out = self.source(made)
        smaller: dict[str, Any] = json.loads(source["TemplateBody"])
        self.assertLessEqual(len(source["TemplateBody"].encode()), 51_200)
        whole = made.template["Resources"]
        created = {name for name, _, _ in made.processed.created()} & whole.keys()
        self.assertEqual(created - smaller["Resources"].keys(), set(left_out))
        self.assertIn("Dashboard", left_out)
        self.assertLessEqual({whole[name]["Type"] for name in left_out}, set(upload.OPTIONAL))

    def test_what_is_not_created_is_left_out_without_a_word(self) -> None:
        self.no_bucket()
        parameters = {"EnableAlarms": "false", "EnableDashboard": "false", "LocalReceivers": "true"}
        source, left_out = self.source(plan(self.stubs.client, **parameters))
        self.assertEqual(left_out, [])
        self.assertNotIn("EventsLateAlarm", json.loads(source["TemplateBody"])["Resources"])

    def test_the_findings_say_what_could_not_be_tried_and_why(self) -> None:
        real = aws.clients()
        made = plan(real, "preflight-upload-test")
        with mock.patch.object(upload, "bucket_of", return_value=""):
            found = change_set.check(made)
        self.assertEqual(problems(found), [])
        self.assertRegex(
            of(Level.WARNING, found)[0], r"no bucket of SAM's .* So \d+ resources for monitoring cannot be"
        )
        with mock.patch.object(upload, "bucket_of", return_value=""), mock.patch.object(upload, "BODY_BYTES", 1000):
            [finding] = change_set.check(made)
        self.assertEqual(finding.level, Level.WARNING)
        self.assertIn("name a bucket of yours as s3_bucket in samconfig.toml", finding.text)


class MentionsTest(unittest.TestCase):
    def test_every_way_to_refer_to_a_resource_counts(self) -> None:
        for node in (
            {"Ref": "A"},
            {"Fn::GetAtt": ["A", "Arn"]},
            {"Fn::GetAtt": "A.Arn"},
            {"Fn::Sub": "x ${A} y"},
            {"Fn::Sub": ["${A.Arn}", {}]},
            {"DependsOn": ["B", "A"]},
            {"Fn::If": ["C", {"Ref": "A"}, ""]},
        ):
            self.assertTrue(upload.mentions({"R": {"Properties": [node]}}, "A"), node)
        self.assertFalse(upload.mentions({"A": {"Ref": "B"}, "D": "An A"}, "A"))


if __name__ == "__main__":
    unittest.main()
