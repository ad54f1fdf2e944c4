"""Tests of .docs/procedures.md in the test cloud of `make test`, with stacks of their own.

The stacks have the template that `sam deploy` uploaded there, and change sets as `sam deploy` makes them.
"""

import io
import json
import secrets
import subprocess
import sys
import unittest
import zipfile
from dataclasses import replace
from typing import Any

import yaml
from botocore.exceptions import WaiterError
from standardwebhooks.webhooks import Webhook

from base import keys, samconfig
from base.api import Api
from base.paths import ROOT
from base.receivers import QueueReceiver
from cloud import corrections, local_stack
from cloud.build import BUILD
from operate import gradual, restore, retained
from testkit.stubs import printed

TENANT, TYPE = "acme", "training.completed"
SECONDS = 30  # for a delivery
HIDDEN = "****"  # what CloudFormation shows of a parameter with NoEcho; it keeps its default here
WAIT = {"Delay": 1, "MaxAttempts": 60}


class Installation:
    """A stack of the test cloud with the template of the test cloud's own stack."""

    def __init__(self, name: str) -> None:
        """Nothing is deployed yet."""
        tested = local_stack.running_test_cloud()
        self.cloud = replace(tested, stack_name=f"{name}-{secrets.token_hex(3)}")
        self.cloudformation = tested.client("cloudformation")
        body = self.cloudformation.get_template(StackName=tested.stack_name, TemplateStage="Original")["TemplateBody"]
        self.template: dict[str, Any] = body if isinstance(body, dict) else yaml.safe_load(body)
        variables_as_text(self.template)
        self.parameters = [
            {"ParameterKey": name, "ParameterValue": value}
            for name, value in tested.stack.parameters().items()
            if value != HIDDEN
        ]

    def deploy(self, kind: str) -> bool:
        """Executes a change set; kind is CREATE or UPDATE. Returns False when it has no changes."""
        which = {"StackName": self.cloud.stack_name, "ChangeSetName": f"deploy-{secrets.token_hex(3)}"}
        self.cloudformation.create_change_set(
            **which,
            ChangeSetType=kind,
            TemplateURL=self.upload("template.json", json.dumps(self.template).encode()),
            Parameters=self.parameters,
            Capabilities=["CAPABILITY_IAM"],
        )
        try:
            self.cloudformation.get_waiter("change_set_create_complete").wait(**which, WaiterConfig=WAIT)
        except WaiterError:
            reason = self.cloudformation.describe_change_set(**which)["StatusReason"]
            if "didn't contain changes" in reason or "No updates" in reason:
                return False
            raise
        self.cloudformation.execute_change_set(**which)
        waiter = self.cloudformation.get_waiter(f"stack_{kind.lower()}_complete")
        waiter.wait(StackName=self.cloud.stack_name, WaiterConfig=WAIT)
        corrections.apply(self.cloud)
        return True

    def delete(self) -> None:
        """Deletes the stack; its tables, queues and key stay."""
        self.cloudformation.delete_stack(StackName=self.cloud.stack_name)
        waiter = self.cloudformation.get_waiter("stack_delete_complete")
        waiter.wait(StackName=self.cloud.stack_name, WaiterConfig=WAIT)

    def api(self, key: str) -> Api:
        """The API of the stack."""
        return Api(local_stack.addresses(self.cloud)["api_url"], key)

    def events_queue(self) -> str:
        """The URL of the events queue."""
        return local_stack.addresses(self.cloud)["events_queue_url"]

    def send(self, queue: str) -> str:
        """Sends an event of the tenant to a queue; returns its id."""
        event = f"evt_{secrets.token_hex(8)}"
        body = {"id": event, "type": TYPE, "tenant_id": TENANT, "data": {}}
        self.cloud.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(body))
        return event

    def hashes(self) -> dict[str, str]:
        """The hash of the code of every function by its logical id."""
        client, functions = self.cloud.client("lambda"), self.cloud.stack.resources("AWS::Lambda::Function")
        return {n: client.get_function_configuration(FunctionName=f)["CodeSha256"] for n, f in functions.items()}

    def upload(self, key: str, content: bytes) -> str:
        """Uploads a file to the bucket of SAM; returns its URL."""
        bucket, key = samconfig.deployment("local").s3_bucket, f"{self.cloud.stack_name}/{key}"
        self.cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
        return f"{self.cloud.endpoint}/{bucket}/{key}"

    def release(self, release: str) -> None:
        """Makes the template one for a gradual deployment, without CodeDeploy, which ministack does not have."""
        self.template["Rules"].setdefault(gradual.RULE, {})
        gradual.make_gradual(self.template, "AllAtOnce", release)
        for resource in self.template["Resources"].values():
            resource.get("Properties", {}).pop("DeploymentPreference", None)

    def live(self) -> dict[str, tuple[str, str]]:
        """By the logical ids of the functions with an alias, the version that it points to and the hash of its code."""
        client, found = self.cloud.client("lambda"), {}
        functions = self.cloud.stack.resources("AWS::Lambda::Function")
        for name in self.cloud.stack.resources("AWS::Lambda::Alias"):
            function = functions[name.removesuffix("Aliaslive")]
            version = client.get_alias(FunctionName=function, Name=gradual.ALIAS)["FunctionVersion"]
            code = client.get_function_configuration(FunctionName=function, Qualifier=version)["CodeSha256"]
            found[name.removesuffix("Aliaslive")] = (version, code)
        return found

    def change_code(self, function: str) -> None:
        """Uploads other code for one function, and names it in the template."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            binary = (BUILD / function / "bootstrap").read_bytes()
            # The system ignores what follows the last section of a program.
            mode = zipfile.ZipInfo("bootstrap")
            mode.external_attr = 0o755 << 16
            archive.writestr(mode, binary + b"\n")
        url = self.upload("changed.zip", packed.getvalue())
        code = "s3:/" + url.removeprefix(self.cloud.endpoint)
        self.template["Resources"][function]["Properties"]["CodeUri"] = code


def variables_as_text(template: dict[str, Any]) -> None:
    """Writes the numbers of all environments as text.

    Until cloud/corrections.py does it, a function cannot start, and what it received stays hidden for minutes.
    """
    functions = [template["Globals"]["Function"], *(r.get("Properties", {}) for r in template["Resources"].values())]
    for properties in functions:
        variables = properties.get("Environment", {}).get("Variables", {})
        variables |= {name: str(value) for name, value in variables.items() if isinstance(value, int)}


class ProcedureTest(unittest.TestCase):
    def setUp(self) -> None:
        self.receiver = QueueReceiver()
        self.enterContext(self.receiver)

    def install(self, name: str, receiver: QueueReceiver) -> tuple[Installation, str, str]:
        """A deployed stack with a webhook; the key of its tenant and the secret of the webhook."""
        made = Installation(name)
        with printed():
            self.assertTrue(made.deploy("CREATE"))
        self.addCleanup(made.delete)
        key = keys.issue(made.cloud.stack, TENANT)
        webhook = {"name": name, "url": receiver.url, "events": [TYPE]}
        return made, key, made.api(key).must(201, "POST", "/api/v1/webhooks", webhook)["secret"]

    def assert_received(self, event: str, secret: str, receiver: QueueReceiver | None = None) -> None:
        """The next request is this event, signed with this secret."""
        request = (receiver or self.receiver).next(SECONDS)
        self.assertEqual(request.event if request else None, event)
        if request:
            Webhook(secret).verify(request.body, request.headers)

    def test_two_stacks_in_one_account_share_no_key_webhook_or_event(self) -> None:
        with QueueReceiver() as other_receiver:
            one, key, secret = self.install("one", self.receiver)
            other, other_key, other_secret = self.install("other", other_receiver)
            for _ in range(2):
                self.assert_received(one.send(one.events_queue()), secret)
                self.assert_received(other.send(other.events_queue()), other_secret, other_receiver)
        other.api(key).must(403, "GET", "/api/v1/webhooks")
        one.api(other_key).must(403, "GET", "/api/v1/webhooks")

    def test_a_deployment_changes_only_what_changed(self) -> None:
        made, _, secret = self.install("updated", self.receiver)
        resources, code = made.cloud.stack.resources(), made.hashes()
        made.deploy("UPDATE")
        self.assertEqual((made.cloud.stack.resources(), made.hashes()), (resources, code))

        made.change_code("FanoutFunction")
        self.assertTrue(made.deploy("UPDATE"))
        self.assertEqual(made.cloud.stack.resources(), resources, "a resource was replaced")
        self.assertEqual({name for name, now in made.hashes().items() if now != code[name]}, {"FanoutFunction"})
        self.assert_received(made.send(made.events_queue()), secret)

    def test_two_gradual_deployments_in_a_row_move_every_alias_with_and_without_new_code(self) -> None:
        made, _, secret = self.install("gradual", self.receiver)  # without aliases
        kinds = (*retained.KINDS, "AWS::Lambda::Function", "AWS::ApiGatewayV2::Api")
        resources = [made.cloud.stack.resources(kind) for kind in kinds]
        before: dict[str, tuple[str, str]] = {}
        for release, changed in (("1", set()), ("2", set()), ("3", {"DispatcherFunction"})):
            made.release(release)
            for function in changed:
                made.change_code(function)
            self.assertTrue(made.deploy("UPDATE"))
            now = made.live()
            self.assertGreater(len(now), 10)
            self.assertEqual({n for n in before if before[n][0] == now[n][0]}, set(), "an alias kept its version")
            self.assertEqual({n for n in before if before[n][1] != now[n][1]}, changed)
            self.assert_received(made.send(made.events_queue()), secret)
            before = now
        self.assertEqual([made.cloud.stack.resources(kind) for kind in kinds], resources, "a resource was replaced")

    def test_a_deleted_stack_is_restored_with_its_keys_secrets_and_messages(self) -> None:
        old, key, secret = self.install("old", self.receiver)
        kept = {n: p for kind in retained.KINDS for n, p in old.cloud.stack.resources(kind).items()}
        queue = old.events_queue()
        old.delete()
        meanwhile = old.send(queue)

        # Under the same name: ministack replaces an imported table whose name is not the one that it would generate.
        with printed():
            restore.restore(old.cloud.stack, old.cloud.stack_name, {}, WAIT)
        self.assertTrue(old.deploy("UPDATE"))

        now = old.cloud.stack.resources()
        self.assertEqual({name: now.get(name) for name in kept}, kept)
        self.assert_received(meanwhile, secret)
        self.assertEqual(len(old.api(key).must(200, "GET", "/api/v1/webhooks")["items"]), 1)
        self.assert_received(old.send(old.events_queue()), secret)
        with self.assertRaisesRegex(SystemExit, "exists \\(UPDATE_COMPLETE\\)"):
            restore.restore(old.cloud.stack, old.cloud.stack_name, {}, WAIT)

    def test_a_tenant_goes_back_to_its_items_of_a_backup(self) -> None:
        cloud = local_stack.running_test_cloud()
        dynamodb = cloud.client("dynamodb")
        described = retained.table(cloud.client, cloud.stack.resources()["WebhooksTable"])
        wanted = {name: described[name] for name in ("AttributeDefinitions", "KeySchema", "BillingMode")}
        backup, live = (f"{name}-{secrets.token_hex(3)}" for name in ("backup", "live"))
        for name in (backup, live):
            dynamodb.create_table(TableName=name, **wanted)
            self.addCleanup(dynamodb.delete_table, TableName=name)
        rows = {
            backup: [("acme", number, "old") for number in range(40)] + [("other", 0, "old")],
            live: [("acme", 0, "new"), ("acme", 99, "new"), ("other", 0, "new")],
        }
        for name, items in rows.items():
            for tenant, number, text in items:
                item = {"tenant_id": {"S": tenant}, "webhook_id": {"N": str(number)}, "text": {"S": text}}
                dynamodb.put_item(TableName=name, Item=item)

        program = str(ROOT / ".docs" / "examples" / "copy_tenant.py")
        for tenant, code in (("acme", 0), ("nobody", 1)):
            command = [sys.executable, program, backup, live, tenant]
            run = subprocess.run(command, env=cloud.aws_environment(), capture_output=True, text=True)
            self.assertEqual(run.returncode, code, run.stderr)

        found = [
            (item["tenant_id"]["S"], int(item["webhook_id"]["N"]), item["text"]["S"])
            for item in dynamodb.scan(TableName=live)["Items"]
        ]
        self.assertEqual(sorted(found), [("acme", number, "old") for number in range(40)] + [("other", 0, "new")])


if __name__ == "__main__":
    unittest.main()
