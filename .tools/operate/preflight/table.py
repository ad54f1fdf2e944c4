"""The table of checks. A further check is a line here, and a test that provokes its findings."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from operate.preflight import binaries, change_set, concurrency, names, policies, references, region, stack
from operate.preflight.asking import unanswered
from operate.preflight.finding import Finding, Findings, skipped
from operate.preflight.plan import Plan


@dataclass(frozen=True)
class Check:
    """One check: it returns findings, and none when it does not concern the plan."""

    name: str
    run: Callable[[Plan], Findings]
    needs: tuple[str, ...] = ()  # the permissions; .docs/operating.md has all of them in a policy
    lacks: str = ""  # what the local cloud does not have of AWS


STACK = Check("stack", stack.check, ("cloudformation:DescribeStacks", "cloudformation:ListStackResources"))
CHECKS = (
    Check("binaries", binaries.check),
    Check("region", region.types, ("cloudformation:DescribeType",), "registry of CloudFormation"),
    Check("arm64", region.arm64, ("pricing:GetProducts",), "price list of AWS"),
    Check("concurrency", concurrency.check, ("lambda:GetAccountSettings",)),
    Check("event bus", names.event_bus, ("events:DescribeEventBus",)),
    Check("dashboard", names.dashboard, ("cloudwatch:GetDashboard",)),
    Check("domain name", names.domain_name, ("apigateway:GET",)),
    Check("exports", names.exports, ("cloudformation:ListExports",)),
    Check("alarm topic", references.topic, ("sns:GetTopicAttributes",)),
    Check("certificate", references.certificate, ("acm:DescribeCertificate",)),
    Check("hosted zone", references.hosted_zone, ("route53:GetHostedZone", "route53:ListResourceRecordSets")),
    Check("KMS keys", references.keys, ("kms:DescribeKey",)),
    Check("policies", policies.check, ("access-analyzer:ValidatePolicy",), "IAM Access Analyzer"),
    Check(
        "change set",
        change_set.check,
        (
            "cloudformation:CreateChangeSet",
            "cloudformation:DescribeChangeSet",
            "cloudformation:DescribeEvents",
            "cloudformation:DeleteChangeSet",
            "cloudformation:ListChangeSets",
            "cloudformation:DeleteStack",
            "s3:PutObject",
            "s3:GetObject",
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
        ),
    ),
)
OF_CREDENTIALS = ("sts:GetCallerIdentity",)


def findings(check: Check, plan: Plan) -> Iterator[Finding]:
    """The findings of a check; that it could not be made is one too."""
    if plan.local and check.lacks:
        yield skipped(f"the local cloud has no {check.lacks}")
        return
    try:
        yield from check.run(plan)
    except (BotoCoreError, ClientError) as error:
        yield unanswered(error, check.needs)
