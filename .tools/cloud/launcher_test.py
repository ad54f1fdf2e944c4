"""Tests of the changes to ministack that decide what a role may do."""

import json
import unittest
from unittest import mock

from ministack.core import iam_actions, iam_evaluator

from cloud import launcher

KEY = "arn:aws:kms:us-east-1:000000000000:key/1"
ROLE = "arn:aws:iam::000000000000:role/webhooks-DispatcherFunctionRole-1"
SESSION = "arn:aws:sts::000000000000:assumed-role/webhooks-DispatcherFunctionRole-1/function"
# As in template.yaml.
CONDITION = {
    "StringEquals": {"kms:EncryptionContext:purpose": "webhook-secrets"},
    "StringLike": {"kms:EncryptionContext:tenant_id": "?*"},
    "ArnEquals": {"aws:PrincipalArn": [ROLE]},
}


class ConditionKeysTest(unittest.TestCase):
    def setUp(self) -> None:
        for module, name in ((iam_actions, "request_tag_context"), (iam_evaluator, "_resolve_condition_key")):
            self.enterContext(mock.patch.object(module, name, getattr(module, name)))
        launcher.fill_in_condition_keys()

    def decision(self, context: dict[str, str], principal: str = SESSION) -> str:
        """Whether a role may decrypt with an encryption context."""
        body = json.dumps({"CiphertextBlob": "", "EncryptionContext": context}).encode()
        found = iam_actions.request_tag_context("kms", "kms:Decrypt", body, {})
        ctx = iam_evaluator.EvalContext(
            principal_arn=principal,
            principal_type="AssumedRole",
            principal_account="000000000000",
            action="kms:Decrypt",
            resource_arn=KEY,
            region="us-east-1",
            service_context={name.lower(): value for name, value in found.items()},
        )
        statement = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": KEY, "Condition": CONDITION}
        policy = iam_evaluator.parse_policy_document({"Version": "2012-10-17", "Statement": [statement]})
        return str(iam_evaluator.evaluate(ctx, [policy]).decision)

    def test_a_role_decrypts_the_secrets_of_webhooks(self) -> None:
        self.assertEqual(self.decision({"purpose": "webhook-secrets", "tenant_id": "acme"}), "Allow")

    def test_it_decrypts_nothing_else_under_the_key(self) -> None:
        for context in (
            {},
            {"purpose": "webhook-secrets"},
            {"tenant_id": "acme"},
            {"purpose": "x", "tenant_id": "acme"},
        ):
            self.assertEqual(self.decision(context), "ImplicitDeny", context)

    def test_another_role_decrypts_nothing(self) -> None:
        other = SESSION.replace("Dispatcher", "Fanout")
        self.assertEqual(self.decision({"purpose": "webhook-secrets", "tenant_id": "acme"}, other), "ImplicitDeny")


class StatementsTest(unittest.TestCase):
    def setUp(self) -> None:
        for name in ("extract_iam_action", "dynamodb_resource_arns"):
            self.enterContext(mock.patch.object(iam_actions, name, getattr(iam_actions, name)))
        launcher.check_statements_by_their_kind()

    def asked(self, *statements: str) -> tuple[str, list[str]]:
        """The action and the tables for which a role must have a permission to execute a batch of statements."""
        body = json.dumps({"Statements": [{"Statement": statement} for statement in statements]}).encode()
        headers = {"x-amz-target": "DynamoDB_20120810.BatchExecuteStatement"}
        action = iam_actions.extract_iam_action("dynamodb", "POST", "/", headers, body, {})
        arns = iam_actions.dynamodb_resource_arns(body, "us-east-1", "000000000000")
        return str(action), [arn.partition("table/")[2] for arn in arns]

    def test_a_batch_needs_the_permission_of_its_statements(self) -> None:
        for statement, action in (
            ("INSERT INTO \"logs\" VALUE {'pk': ?}", "Insert"),
            ('UPDATE "logs" SET last_id = last_id + ? WHERE pk = ? RETURNING MODIFIED NEW *', "Update"),
            ('update  "logs"\nSET a = ? WHERE pk = ?', "Update"),
            ('DELETE FROM "logs" WHERE pk = ?', "Delete"),
            ('SELECT pk, "a" FROM "logs" WHERE pk = ?', "Select"),
        ):
            with self.subTest(statement=statement):
                self.assertEqual(self.asked(statement, statement), (f"dynamodb:PartiQL{action}", ["logs"]))

    def test_a_batch_of_several_tables_needs_all_of_them(self) -> None:
        tables = self.asked('UPDATE "a" SET x = ? WHERE pk = ?', 'UPDATE "b" SET x = ? WHERE pk = ?')[1]
        self.assertEqual(tables, ["a", "b"])

    def test_no_permission_allows_statements_of_several_kinds(self) -> None:
        action = self.asked('UPDATE "a" SET x = ? WHERE pk = ?', 'DELETE FROM "a" WHERE pk = ?')[0]
        self.assertEqual(action, "dynamodb:BatchExecuteStatement")


if __name__ == "__main__":
    unittest.main()
