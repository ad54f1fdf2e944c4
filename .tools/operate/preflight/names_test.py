"""Tests of names that are taken, in the local cloud."""

import secrets
import unittest

from base import aws
from operate.preflight import names
from operate.preflight.finding import Level
from testkit.plans import plan, problems

CERTIFICATE = "arn:aws:acm:us-east-1:000000000000:certificate/c"
TEMPLATE = """{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
 "Outputs": {"Url": {"Value": "x", "Export": {"Name": "%s-ApiUrl"}}}}"""


class NamesTest(unittest.TestCase):
    def setUp(self) -> None:
        self.client = aws.clients()
        self.stack = f"names-{secrets.token_hex(4)}"
        self.plan = plan(self.client, self.stack)

    def test_free_names_are_right(self) -> None:
        for check in (names.event_bus, names.dashboard, names.exports):
            self.assertEqual([finding.level for finding in check(self.plan)], [Level.OK], check)
        self.assertEqual([f.text for f in names.event_bus(self.plan)], [f"{self.stack}-events is free"])
        domain = plan(self.client, self.stack, DomainName=f"{self.stack}.example.com", CertificateArn=CERTIFICATE)
        self.assertEqual([finding.level for finding in names.domain_name(domain)], [Level.OK])

    def test_an_event_bus_of_the_name_is_a_problem_unless_it_is_the_stacks(self) -> None:
        bus, events = f"{self.stack}-events", self.client("events")
        events.create_event_bus(Name=bus)
        self.addCleanup(events.delete_event_bus, Name=bus)
        [text] = problems(names.event_bus(self.plan))
        self.assertIn(f"There is already the event bus {bus}", text)
        self.plan.owned = {"EventBus": bus}
        self.assertEqual(list(names.event_bus(self.plan)), [])

    def test_a_dashboard_of_the_name_is_a_problem(self) -> None:
        found = {name: p["DashboardName"] for name, kind, p in self.plan.processed.created() if "Dashboard" in kind}
        name, cloudwatch = found["Dashboard"], self.client("cloudwatch")
        cloudwatch.put_dashboard(DashboardName=name, DashboardBody='{"widgets": []}')
        self.addCleanup(cloudwatch.delete_dashboards, DashboardNames=[name])
        [text] = problems(names.dashboard(self.plan))
        self.assertIn(f"There is already the dashboard {name}", text)

    def test_a_domain_name_that_api_gateway_serves_is_a_problem(self) -> None:
        domain, gateway = f"{self.stack}.example.com", self.client("apigatewayv2")
        gateway.create_domain_name(DomainName=domain, DomainNameConfigurations=[{"CertificateArn": CERTIFICATE}])
        self.addCleanup(gateway.delete_domain_name, DomainName=domain)
        wanted = plan(self.client, self.stack, DomainName=domain, CertificateArn=CERTIFICATE)
        [text] = problems(names.domain_name(wanted))
        self.assertIn(f"There is already the domain name {domain}", text)
        self.assertIn("Set another DomainName, or delete it if nothing needs it.", text)

    def test_an_export_of_another_stack_is_a_problem_unless_it_is_the_stacks(self) -> None:
        other, cloudformation = f"{self.stack}-other", self.client("cloudformation")
        made = cloudformation.create_stack(StackName=other, TemplateBody=TEMPLATE % self.stack)
        self.addCleanup(cloudformation.delete_stack, StackName=other)
        cloudformation.get_waiter("stack_create_complete").wait(StackName=other, WaiterConfig={"Delay": 1})
        [text] = problems(names.exports(self.plan))
        self.assertIn(f"The stack {other} exports {self.stack}-ApiUrl already", text)
        self.plan.existing = {"StackId": made["StackId"]}
        self.assertEqual(problems(names.exports(self.plan)), [])

    def test_without_the_stack_nothing_is_said(self) -> None:
        self.plan.read = False
        self.assertEqual([f.level for f in names.exports(self.plan)], [Level.SKIPPED])
        self.assertEqual([*names.event_bus(self.plan), *names.dashboard(self.plan)], [])


if __name__ == "__main__":
    unittest.main()
