"""Tests of the table of checks: missing permissions, the local cloud, and the policy in the operating page."""

import json
import re
import unittest

from botocore.exceptions import EndpointConnectionError

from base.paths import ROOT
from operate.preflight import table
from operate.preflight.finding import Finding, Level, ok
from operate.preflight.plan import Plan
from operate.preflight.table import Check
from testkit.plans import plan
from testkit.stubs import Stubs

TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"
KEY = "arn:aws:kms:us-east-1:123456789012:key/k"
USED = {
    "AlarmTopicArn": TOPIC,
    "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/c",
    "DomainName": "hooks.example.com",
    "HostedZoneId": "Z1",
    "SecretsKeyArn": KEY,
    "Architecture": "arm64",
}
# The first call of each check.
FIRST = {
    "stack": ("cloudformation", "describe_stacks"),
    "region": ("cloudformation", "describe_type"),
    "arm64": ("pricing", "get_products"),
    "concurrency": ("lambda", "get_account_settings"),
    "event bus": ("events", "describe_event_bus"),
    "dashboard": ("cloudwatch", "get_dashboard"),
    "domain name": ("apigatewayv2", "get_domain_name"),
    "exports": ("cloudformation", "list_exports"),
    "alarm topic": ("sns", "get_topic_attributes"),
    "certificate": ("acm", "describe_certificate"),
    "hosted zone": ("route53", "get_hosted_zone"),
    "KMS keys": ("kms", "describe_key"),
    "policies": ("accessanalyzer", "validate_policy"),
    "change set": ("cloudformation", "describe_stacks"),
}


def only(found: list[Finding]) -> Finding:
    [finding] = found
    return finding


class DeniedTest(unittest.TestCase):
    def test_a_missing_permission_is_a_warning_that_names_it(self) -> None:
        checks = {check.name: check for check in (table.STACK, *table.CHECKS)}
        self.assertEqual(set(FIRST), set(checks) - {"binaries"})
        for name, (service, operation) in FIRST.items():
            action = f"{service}:{operation.title().replace('_', '')}"
            for message, wanted in (
                (f"User: u is not authorized to perform: {action} on resource: *", action),
                ("Access denied", " and ".join(checks[name].needs)),
            ):
                with self.subTest(name, message=message):
                    stubs = Stubs()
                    stubs.stub(service).add_client_error(operation, "AccessDeniedException", message)
                    made = plan(stubs.client, **USED)
                    finding = only([f for f in table.findings(checks[name], made) if f.level != Level.OK])
                    self.assertEqual(finding.level, Level.WARNING)
                    self.assertIn(f"lack the permission {wanted}. Add it, or check by hand.", finding.text)

    def test_a_stack_that_may_not_be_read_leaves_its_checks_out(self) -> None:
        stubs = Stubs()
        stubs.stub("cloudformation").add_client_error("describe_stacks", "AccessDenied", "denied")
        made = plan(stubs.client)
        made.read = made.updatable = False
        self.assertEqual(only(list(table.findings(table.STACK, made))).level, Level.WARNING)
        for check in table.CHECKS:
            if check.name in ("exports", "change set"):
                self.assertEqual(only(list(table.findings(check, made))).level, Level.SKIPPED)

    def test_other_errors_are_warnings_with_their_reason(self) -> None:
        stubs = Stubs()
        stubs.stub("lambda").add_client_error("get_account_settings", "ThrottlingException", "Rate exceeded")
        check = next(check for check in table.CHECKS if check.name == "concurrency")
        finding = only(list(table.findings(check, plan(stubs.client))))
        self.assertEqual(finding.level, Level.WARNING)
        self.assertIn("Rate exceeded", finding.text)

    def test_a_service_that_cannot_be_reached_is_a_warning(self) -> None:
        def fails(_: Plan) -> list[Finding]:
            raise EndpointConnectionError(endpoint_url="https://api.pricing.us-east-1.amazonaws.com")

        finding = only(list(table.findings(Check("x", fails), plan(Stubs().client))))
        self.assertEqual(finding.level, Level.WARNING)
        self.assertIn("missing in this region, or your network blocks it", finding.text)

    def test_what_the_local_cloud_lacks_is_not_run_there(self) -> None:
        made = plan(Stubs().client)
        made.local = True
        found = list(table.findings(Check("x", lambda _: [ok("asked")], lacks="price list"), made))
        self.assertEqual(only(found), Finding(Level.SKIPPED, "the local cloud has no price list"))


class PolicyTest(unittest.TestCase):
    def test_the_operating_page_has_a_policy_with_exactly_the_permissions_of_the_checks(self) -> None:
        page = (ROOT / ".docs" / "operating.md").read_text(encoding="utf-8")
        [policy] = [
            json.loads(text) for text in re.findall(r"```json\n(.*?)```", page, re.DOTALL) if "ValidatePolicy" in text
        ]
        granted = {action for statement in policy["Statement"] for action in statement["Action"]}
        needed = {need for check in (table.STACK, *table.CHECKS) for need in check.needs}
        self.assertEqual(granted, needed | set(table.OF_CREDENTIALS))


if __name__ == "__main__":
    unittest.main()
