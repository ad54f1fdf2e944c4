"""What the parameters name: a topic, a certificate, a hosted zone, keys."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from operate.preflight.asking import read
from operate.preflight.finding import Finding, ok, problem, warning
from operate.preflight.plan import Plan

SOON = timedelta(days=30)
ADDRESSES = ("A", "CNAME")  # the types of records that the one of the stack collides with


def topic(plan: Plan) -> Iterator[Finding]:
    """The SNS topic of the alarms."""
    arn = plan.arn("AlarmTopicArn")
    if not arn:
        return
    if fault := elsewhere(plan, arn, "An alarm can notify topics of its own region only."):
        yield problem(f"AlarmTopicArn {fault}")
        return
    client = plan.client("sns")
    found = read(lambda: client.get_topic_attributes(TopicArn=arn), "NotFound", "NotFoundException")
    if not found:
        yield problem(f"There is no SNS topic {arn}. Create it, or correct AlarmTopicArn in samconfig.toml.")
        return
    attributes = found["Attributes"]
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    if attributes.get("KmsMasterKeyId", "").endswith("alias/aws/sns"):
        yield warning(
            "AlarmTopicArn: CloudWatch cannot send to a topic that is encrypted with AWS's own key (alias/aws/sns). "
            "Encrypt the topic with a key of yours that lets cloudwatch.amazonaws.com use it."
        )
    elif attributes.get("SubscriptionsConfirmed") == "0":
        yield warning("The alarm topic has no confirmed subscription: nobody would be told. Subscribe to it.")
    else:
        yield ok(f"{arn} exists")


def certificate(plan: Plan) -> Iterator[Finding]:
    """The certificate of the custom domain."""
    arn, domain = plan.arn("CertificateArn"), plan.parameters.get("DomainName", "")
    if not arn:
        return
    if fault := elsewhere(plan, arn, "API Gateway needs a certificate in the region of the stack."):
        yield problem(f"CertificateArn {fault}")
        return
    client = plan.client("acm")
    found = read(lambda: client.describe_certificate(CertificateArn=arn), "ResourceNotFoundException")
    if not found:
        yield problem(f"There is no certificate {arn}. Request or import it, or correct CertificateArn.")
        return
    described = found["Certificate"]
    names = {described["DomainName"], *described.get("SubjectAlternativeNames", [])}
    if described["Status"] != "ISSUED":
        yield problem(
            f"The certificate is {described['Status']}, not ISSUED. Finish its validation in ACM, or name another one."
        )
    elif not any(covers(name, domain) for name in names):
        yield problem(f"The certificate is for {', '.join(sorted(names))}, not for DomainName={domain}.")
    elif described.get("RenewalEligibility") == "INELIGIBLE" and expires_soon(described.get("NotAfter")):
        yield warning(f"The certificate expires on {described['NotAfter']:%Y-%m-%d}, and ACM does not renew it.")
    else:
        yield ok(f"issued for {domain}")


def covers(name: str, domain: str) -> bool:
    """Whether a certificate's name is for a domain. A wildcard stands for one label: RFC 6125, section 6.4.3."""
    return domain == name or (name.startswith("*.") and domain.partition(".")[2] == name[2:])


def expires_soon(at: datetime | None) -> bool:
    """Whether the time is within thirty days."""
    return at is not None and at < datetime.now(UTC) + SOON


def hosted_zone(plan: Plan) -> Iterator[Finding]:
    """The hosted zone, and whether it already has a record of the domain."""
    zone, domain = plan.parameters.get("HostedZoneId", ""), plan.parameters.get("DomainName", "")
    if not zone:
        return
    client = plan.client("route53")
    found = read(lambda: client.get_hosted_zone(Id=zone), "NoSuchHostedZone")
    if not found:
        yield problem(f"There is no hosted zone {zone} in this account. Correct HostedZoneId in samconfig.toml.")
        return
    name = found["HostedZone"]["Name"].rstrip(".")
    if domain != name and not domain.endswith(f".{name}"):
        yield problem(f"The hosted zone {zone} is {name}, which cannot have a record of {domain}.")
        return
    if found["HostedZone"].get("Config", {}).get("PrivateZone"):
        yield warning(f"The hosted zone {zone} is private: only your VPCs resolve {domain}.")
    if "DomainRecord" not in plan.owned:
        records = client.list_resource_record_sets(HostedZoneId=zone, StartRecordName=domain, MaxItems="10")
        taken = [r for r in records["ResourceRecordSets"] if r["Name"].rstrip(".") == domain and r["Type"] in ADDRESSES]
        if taken:
            yield problem(
                f"The hosted zone already has a {taken[0]['Type']} record of {domain}. Leave HostedZoneId "
                "empty and point that record to the output DomainTarget, or delete it if nothing needs it."
            )
            return
    yield ok(f"{name} may have the record of {domain}")


def keys(plan: Plan) -> Iterator[Finding]:
    """The KMS keys for the secrets."""
    client, good = plan.client("kms"), []
    for parameter in ("SecretsKeyArn", "OldSecretsKeyArn"):
        arn = plan.arn(parameter)
        if not arn:
            continue
        if fault := elsewhere(plan, arn, "The functions call KMS in the region of the stack."):
            yield problem(f"{parameter} {fault}")
            continue
        found = read(partial(client.describe_key, KeyId=arn), "NotFoundException")
        if not found:
            yield problem(f"There is no KMS key {arn}. Correct {parameter} in samconfig.toml.")
        elif reason := unusable(found["KeyMetadata"]):
            yield problem(f"The key of {parameter} {reason}. No secret could be encrypted or decrypted with it.")
        else:
            good.append(parameter)
    if good:
        yield ok(f"{' and '.join(good)}: enabled, symmetric")


def unusable(key: dict[str, Any]) -> str:
    """Why a key cannot encrypt data keys; empty when it can."""
    if key["KeyState"] != "Enabled":
        return f"is {key['KeyState']}, not Enabled"
    if key["KeySpec"] != "SYMMETRIC_DEFAULT" or key["KeyUsage"] != "ENCRYPT_DECRYPT":
        return f"is {key['KeySpec']} for {key['KeyUsage']}, not a symmetric key for encryption"
    return ""


def elsewhere(plan: Plan, arn: str, because: str) -> str:
    """Says that an ARN is of another region; empty when it is not."""
    region = arn.split(":")[3]
    return "" if region == plan.region else f"is in {region}, and the stack in {plan.region}. {because}"
