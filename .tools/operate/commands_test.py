"""Tests that the commands on a stack reach the one that is named."""

import io
import json
import os
import unittest
from contextlib import redirect_stdout
from unittest import mock

from botocore.exceptions import NoRegionError
from botocore.response import StreamingBody

import cli
from base import aws
from testkit.stubs import Stubs, printed

FUNCTION = "webhooks-dev-KeysFunction-1"
OUTPUTS = [{"OutputKey": "KeysFunctionName", "OutputValue": FUNCTION}]


class NamedStackTest(unittest.TestCase):
    def ask(self, command: str, answer: dict[str, object], **variables: str) -> tuple[dict[str, object], str]:
        """What the keys function of the stack webhooks-dev is asked by a command, and what the command prints."""
        aws_calls, payload = Stubs(), json.dumps(answer).encode()
        stack = {"StackName": "webhooks-dev", "CreationTime": 0, "StackStatus": "CREATE_COMPLETE", "Outputs": OUTPUTS}
        aws_calls.stub("cloudformation").add_response(
            "describe_stacks", {"Stacks": [stack]}, {"StackName": "webhooks-dev"}
        )
        function = aws_calls.client("lambda")
        invoked = {"Payload": StreamingBody(io.BytesIO(payload), len(payload))}
        environment = {"STACK_NAME": "webhooks-dev", **variables}
        with (
            mock.patch.dict(os.environ, environment, clear=True),
            mock.patch.object(aws, "clients", return_value=aws_calls.client),
            mock.patch.object(function, "invoke", return_value=invoked) as invoke,
            redirect_stdout(io.StringIO()) as out,
        ):
            parsed = cli.parse([command])
            parsed.run(parsed)
        self.assertEqual(invoke.call_args.kwargs["FunctionName"], FUNCTION)
        return json.loads(invoke.call_args.kwargs["Payload"]), out.getvalue()

    def test_keys_of_the_named_stack_are_issued_listed_and_revoked(self) -> None:
        asked, out = self.ask("api-key", {"api_key": "whk_a_b"}, TENANT="acme", SCOPES="logs:read")
        self.assertEqual(asked, {"action": "issue", "tenant_id": "acme", "scopes": ["logs:read"]})
        self.assertEqual(out, "whk_a_b\n")
        asked, _ = self.ask("api-keys", {"keys": []}, TENANT="acme")
        self.assertEqual(asked, {"action": "list", "tenant_id": "acme"})
        asked, _ = self.ask("revoke-key", {"key_id": "a"}, KEY_ID="a")
        self.assertEqual(asked, {"action": "revoke", "key_id": "a"})


class RegionTest(unittest.TestCase):
    def test_a_missing_region_is_named_with_the_variable_to_set(self) -> None:
        with (
            mock.patch.dict(os.environ, {"STACK_NAME": "webhooks-dev"}, clear=True),
            mock.patch.object(aws, "clients", side_effect=NoRegionError()),
            printed(),
            self.assertRaises(SystemExit) as stopped,
        ):
            cli.run(cli.parse(["letters"]))
        self.assertIn("AWS_DEFAULT_REGION", str(stopped.exception))


if __name__ == "__main__":
    unittest.main()
