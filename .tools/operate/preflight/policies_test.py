"""Tests of the policies' validation, with Access Analyzer's documented answers."""

import json
import tempfile
import unittest
from typing import Any

from operate.preflight import policies
from operate.preflight.finding import Level
from testkit.plans import plan, plan_of, template
from testkit.stubs import Stubs

STATEMENT = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["Queue", "Arn"]}}
DOCUMENT = {"Version": "2012-10-17", "Statement": [STATEMENT]}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {"AssumeRolePolicyDocument": TRUST, "Policies": [{"PolicyName": "p", "PolicyDocument": DOCUMENT}]},
}
QUEUE = {"Type": "AWS::SQS::Queue"}
QUEUE_POLICY = {
    "Type": "AWS::SQS::QueuePolicy",
    "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": DOCUMENT},
}
KEY = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": DOCUMENT}}


def finding(kind: str, code: str = "MISSING_RESOURCE") -> dict[str, Any]:
    """https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ValidatePolicyFinding.html"""
    span = {"start": {"line": 1, "column": 0, "offset": 0}, "end": {"line": 1, "column": 1, "offset": 1}}
    path = [{"value": "Statement"}, {"index": 0}, {"value": "Action"}]
    return {
        "findingType": kind,
        "issueCode": code,
        "findingDetails": "Add a resource.",
        "learnMoreLink": "https://docs.aws.amazon.com/IAM/latest/UserGuide/x.html",
        "locations": [{"path": path, "span": span}],
    }


class PoliciesTest(unittest.TestCase):
    def setUp(self) -> None:
        self.stubs = Stubs()
        self.addCleanup(self.stubs.assert_all_called)
        self.asked: list[dict[str, str]] = []
        client = self.stubs.client("accessanalyzer")
        client.meta.events.register("provide-client-params", lambda params, **_: self.note(params))

    def note(self, params: dict[str, str]) -> None:
        self.asked.append(dict(params))

    def answer(self, *findings: dict[str, Any], more: str = "") -> None:
        answer = {"findings": list(findings)} | ({"nextToken": more} if more else {})
        self.stubs.stub("accessanalyzer").add_response("validate_policy", answer)

    def found(self, **resources: dict[str, Any]) -> list[tuple[Level, str]]:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        made = plan_of(self.stubs.client, template(folder.name, resources))
        return [(found.level, found.text) for found in policies.check(made)]

    def test_every_document_is_validated_once_by_its_kind(self) -> None:
        for _ in range(3):
            self.answer()
        resources: dict[str, dict[str, Any]] = {"Queue": QUEUE, "A": ROLE, "B": ROLE, "P": QUEUE_POLICY, "K": KEY}
        text = "3 different policy documents: Access Analyzer has no objection"
        self.assertEqual(self.found(**resources), [(Level.OK, text)])
        sorts = [(call["policyType"], call.get("validatePolicyResourceType")) for call in self.asked]
        trust = ("RESOURCE_POLICY", "AWS::IAM::AssumeRolePolicyDocument")
        self.assertEqual(sorts, [trust, ("IDENTITY_POLICY", None), ("RESOURCE_POLICY", None)])
        statement = json.loads(self.asked[1]["policyDocument"])["Statement"][0]
        self.assertEqual(statement["Resource"], "arn:aws:sqs:us-east-1:123456789012:webhooks-Queue")

    def test_an_error_is_a_problem_and_names_the_place(self) -> None:
        self.answer(finding("ERROR"))
        [(level, text)] = self.found(Queue=QUEUE, P=QUEUE_POLICY)
        self.assertEqual(level, Level.PROBLEM)
        self.assertTrue(text.startswith("P at Statement[0].Action: Add a resource. (MISSING_RESOURCE)\n"), text)
        self.assertIn("Correct the policy in template.yaml.", text)

    def test_warnings_are_warnings_and_suggestions_are_not_shown(self) -> None:
        self.answer(finding("SECURITY_WARNING"), finding("WARNING"), finding("SUGGESTION"))
        self.assertEqual([level for level, _ in self.found(Queue=QUEUE, K=KEY)], [Level.WARNING, Level.WARNING])

    def test_all_pages_of_an_answer_are_read(self) -> None:
        self.answer(more="second")
        self.answer(finding("ERROR"))
        self.assertEqual([level for level, _ in self.found(Queue=QUEUE, K=KEY)], [Level.PROBLEM])


class TemplateTest(unittest.TestCase):
    def test_no_document_of_the_template_holds_an_unresolved_function(self) -> None:
        key = "arn:aws:kms:us-east-1:123456789012:key/k"
        for parameters in ({}, {"LocalReceivers": "true"}, {"SecretsKeyArn": key}, {"JwtJwksUrl": "https://a.b/c"}):
            made = plan(Stubs().client, **parameters)
            documents = [
                json.dumps(document)
                for _, _, properties in made.processed.created()
                for _, document in policies.documents(properties)
            ]
            self.assertGreater(len(documents), 30)
            for text in documents:
                self.assertNotRegex(text, r'"Fn::|"Ref"|\$\{|""', text)


if __name__ == "__main__":
    unittest.main()
