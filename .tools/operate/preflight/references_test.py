"""Tests of what the parameters name, with AWS's documented answers."""

import unittest
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from operate.preflight import references
from operate.preflight.finding import Findings, Level
from operate.preflight.plan import Plan
from testkit.plans import plan
from testkit.stubs import Stubs

TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ZONE, DOMAIN = "Z0123456789", "hooks.example.com"


class Case(unittest.TestCase):
    check: Callable[[Plan], Findings]

    def setUp(self) -> None:
        self.stubs = Stubs()
        self.addCleanup(self.stubs.assert_all_called)

    def found(self, **parameters: str) -> tuple[Level, str]:
        [finding] = type(self).check(plan(self.stubs.client, **parameters))
        return finding.level, finding.text

    def assert_found(self, level: Level, text: str, **parameters: str) -> None:
        found = self.found(**parameters)
        self.assertEqual(found[0], level, found)
        self.assertIn(text, found[1])


class TopicTest(Case):
    """https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html"""

    check = staticmethod(references.topic)

    def answer(self, **attributes: str) -> None:
        expected = {"TopicArn": TOPIC}
        self.stubs.stub("sns").add_response("get_topic_attributes", {"Attributes": attributes}, expected)

    def test_without_the_parameter_nothing_is_asked(self) -> None:
        self.assertEqual(list(references.topic(plan(self.stubs.client))), [])

    def test_a_topic_with_a_subscription_is_right(self) -> None:
        self.answer(SubscriptionsConfirmed="1", KmsMasterKeyId="alias/mine")
        self.assert_found(Level.OK, "exists", AlarmTopicArn=TOPIC)

    def test_a_missing_topic_is_a_problem(self) -> None:
        self.stubs.stub("sns").add_client_error("get_topic_attributes", "NotFound", "Topic does not exist")
        self.assert_found(Level.PROBLEM, f"no SNS topic {TOPIC}. Create it", AlarmTopicArn=TOPIC)

    def test_a_topic_of_another_region_is_a_problem(self) -> None:
        arn = TOPIC.replace("us-east-1", "eu-west-1")
        self.assert_found(Level.PROBLEM, "is in eu-west-1, and the stack in us-east-1", AlarmTopicArn=arn)

    def test_a_topic_that_reaches_nobody_is_a_warning(self) -> None:
        self.answer(SubscriptionsConfirmed="0")
        self.assert_found(Level.WARNING, "no confirmed subscription", AlarmTopicArn=TOPIC)

    def test_a_topic_to_which_cloudwatch_cannot_send_is_a_warning(self) -> None:
        self.answer(SubscriptionsConfirmed="1", KmsMasterKeyId="alias/aws/sns")
        self.assert_found(Level.WARNING, "CloudWatch cannot send", AlarmTopicArn=TOPIC)


class CertificateTest(Case):
    """https://docs.aws.amazon.com/acm/latest/APIReference/API_CertificateDetail.html"""

    check = staticmethod(references.certificate)
    parameters = {"CertificateArn": CERTIFICATE, "DomainName": DOMAIN}  # noqa: RUF012

    def answer(self, *names: str, status: str = "ISSUED", **more: Any) -> None:
        detail = {"DomainName": names[0], "SubjectAlternativeNames": list(names), "Status": status} | more
        expected = {"CertificateArn": CERTIFICATE}
        self.stubs.stub("acm").add_response("describe_certificate", {"Certificate": detail}, expected)

    def test_an_issued_certificate_of_the_domain_is_right(self) -> None:
        for names in ((DOMAIN,), ("*.example.com",), ("example.com", "*.example.com")):
            self.answer(*names)
            self.assert_found(Level.OK, f"issued for {DOMAIN}", **self.parameters)

    def test_a_certificate_of_other_names_is_a_problem(self) -> None:
        for name in ("example.com", "*.hooks.example.com", "*.com", "other.example.com", "*.other.com"):
            self.answer(name)
            self.assert_found(Level.PROBLEM, f"is for {name}, not for DomainName={DOMAIN}", **self.parameters)

    def test_a_certificate_that_is_not_issued_is_a_problem(self) -> None:
        for status in ("PENDING_VALIDATION", "EXPIRED", "REVOKED"):
            self.answer(DOMAIN, status=status)
            self.assert_found(Level.PROBLEM, f"is {status}, not ISSUED", **self.parameters)

    def test_a_missing_certificate_is_a_problem(self) -> None:
        self.stubs.stub("acm").add_client_error("describe_certificate", "ResourceNotFoundException", "none")
        self.assert_found(Level.PROBLEM, "There is no certificate", **self.parameters)

    def test_a_certificate_of_another_region_is_a_problem(self) -> None:
        arn = CERTIFICATE.replace("us-east-1", "eu-west-1")
        self.assert_found(Level.PROBLEM, "is in eu-west-1", CertificateArn=arn, DomainName=DOMAIN)

    def test_an_imported_certificate_that_expires_soon_is_a_warning(self) -> None:
        now = datetime.now(UTC)
        for days, level in ((10, Level.WARNING), (200, Level.OK)):
            self.answer(DOMAIN, RenewalEligibility="INELIGIBLE", NotAfter=now + timedelta(days=days))
            self.assertEqual(self.found(**self.parameters)[0], level)


class HostedZoneTest(Case):
    """https://docs.aws.amazon.com/Route53/latest/APIReference/API_GetHostedZone.html and …_ListResourceRecordSets"""

    check = staticmethod(references.hosted_zone)
    parameters = {"HostedZoneId": ZONE, "DomainName": DOMAIN}  # noqa: RUF012

    def zone(self, name: str, private: bool = False) -> None:
        zone = {"Id": f"/hostedzone/{ZONE}", "Name": name, "CallerReference": "r", "Config": {"PrivateZone": private}}
        self.stubs.stub("route53").add_response("get_hosted_zone", {"HostedZone": zone}, {"Id": ZONE})

    def records(self, *records: tuple[str, str]) -> None:
        sets = [{"Name": name, "Type": kind} for name, kind in records]
        answer = {"ResourceRecordSets": sets, "IsTruncated": False, "MaxItems": "10"}
        expected = {"HostedZoneId": ZONE, "StartRecordName": DOMAIN, "MaxItems": "10"}
        self.stubs.stub("route53").add_response("list_resource_record_sets", answer, expected)

    def test_a_zone_above_the_domain_is_right(self) -> None:
        for name in ("example.com.", f"{DOMAIN}."):
            self.zone(name)
            self.records((f"{DOMAIN}.", "TXT"), ("other.example.com.", "A"))
            self.assert_found(Level.OK, "may have the record", **self.parameters)

    def test_a_zone_of_another_domain_is_a_problem(self) -> None:
        for name in ("example.org.", "ooks.example.com.", "a.hooks.example.com."):
            self.zone(name)
            self.assert_found(Level.PROBLEM, "cannot have a record of hooks.example.com", **self.parameters)

    def test_a_missing_zone_is_a_problem(self) -> None:
        self.stubs.stub("route53").add_client_error("get_hosted_zone", "NoSuchHostedZone", "none")
        self.assert_found(Level.PROBLEM, f"no hosted zone {ZONE}", **self.parameters)

    def test_a_record_that_is_there_already_is_a_problem_unless_it_is_the_stacks(self) -> None:
        for kind in ("A", "CNAME"):
            self.zone("example.com.")
            self.records((f"{DOMAIN}.", kind))
            self.assert_found(Level.PROBLEM, f"already has a {kind} record of {DOMAIN}", **self.parameters)
        self.zone("example.com.")
        update = plan(self.stubs.client, **self.parameters)
        update.owned = {"DomainRecord": DOMAIN}
        self.assertEqual([f.level for f in references.hosted_zone(update)], [Level.OK])

    def test_a_private_zone_is_a_warning(self) -> None:
        self.zone("example.com.", private=True)
        self.records()
        levels = [f.level for f in references.hosted_zone(plan(self.stubs.client, **self.parameters))]
        self.assertEqual(levels, [Level.WARNING, Level.OK])


class KeysTest(Case):
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html"""

    check = staticmethod(references.keys)

    def answer(self, state: str = "Enabled", spec: str = "SYMMETRIC_DEFAULT", usage: str = "ENCRYPT_DECRYPT") -> None:
        metadata = {"KeyId": "k", "KeyState": state, "KeySpec": spec, "KeyUsage": usage}
        self.stubs.stub("kms").add_response("describe_key", {"KeyMetadata": metadata}, {"KeyId": KEY})

    def test_enabled_symmetric_keys_are_right(self) -> None:
        self.answer()
        self.answer()
        parameters = {"SecretsKeyArn": KEY, "OldSecretsKeyArn": KEY}
        self.assert_found(Level.OK, "SecretsKeyArn and OldSecretsKeyArn: enabled, symmetric", **parameters)

    def test_a_key_that_is_not_enabled_is_a_problem(self) -> None:
        for state in ("Disabled", "PendingDeletion", "PendingImport", "Unavailable"):
            for parameter in ("SecretsKeyArn", "OldSecretsKeyArn"):
                self.answer(state)
                self.assert_found(Level.PROBLEM, f"{parameter} is {state}, not Enabled", **{parameter: KEY})

    def test_a_key_of_another_kind_is_a_problem(self) -> None:
        for spec, usage in (("RSA_2048", "ENCRYPT_DECRYPT"), ("HMAC_256", "GENERATE_VERIFY_MAC")):
            self.answer("Enabled", spec, usage)
            self.assert_found(Level.PROBLEM, f"is {spec} for {usage}, not a symmetric key", SecretsKeyArn=KEY)

    def test_a_missing_key_is_a_problem(self) -> None:
        self.stubs.stub("kms").add_client_error("describe_key", "NotFoundException", "none")
        self.assert_found(Level.PROBLEM, f"no KMS key {KEY}", SecretsKeyArn=KEY)

    def test_a_key_of_another_region_is_a_problem(self) -> None:
        arn = KEY.replace("us-east-1", "eu-west-1")
        self.assert_found(Level.PROBLEM, "SecretsKeyArn is in eu-west-1", SecretsKeyArn=arn)


del Case  # it has no tests of its own

if __name__ == "__main__":
    unittest.main()
