"""Clients of AWS with the caller's credentials."""

from typing import Any

import boto3
from botocore.config import Config

from base.stacks import ClientFactory

# AWS throttles CloudFormation, CloudWatch Logs and Lambda's own calls at a few a second, and everything that
# else uses the account counts. The waits between ten tries add up to about two minutes:
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 10})


def session(region: str = "", profile: str = "") -> boto3.session.Session:
    """The caller's session; an empty region or profile is that of the environment."""
    return boto3.session.Session(region_name=region or None, profile_name=profile or None)


def clients(of: boto3.session.Session | None = None) -> ClientFactory:
    """Makes the clients of a session, which wait and try again when AWS throttles them."""
    chosen = of or session()

    def client(service: str) -> Any:
        return chosen.client(service, config=PATIENT)

    return client
