"""Finds the account and the region, with the caller's credentials."""

from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, ProfileNotFound

from base import samconfig
from base.aws import PATIENT
from base.aws import session as session_of
from base.samconfig import Deployment
from cloud import build, deploy, instance
from operate.preflight.asking import message
from operate.preflight.finding import Finding, ok, problem, warning
from operate.preflight.plan import Plan
from operate.target import running_cloud

PRICES = "us-east-1"  # the price list has endpoints in few regions
# The first call tells soon whether there is a network.
QUICK = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=10)
LOGIN = "Run aws configure or aws sso login, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."


class RefusedError(Exception):
    """There is nothing to connect to; its argument is the finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text)
        self.finding = finding


def local() -> tuple[Plan, list[Finding]]:
    """The plan for the local cloud that runs."""
    cloud = running_cloud()
    settings = samconfig.deployment("local")
    texts = [*build.overrides(), *cloud.parameters, *deploy.identity_provider(cloud)]
    parameters = dict(text.split("=", 1) for text in texts)
    named = Deployment(**vars(settings) | {"stack_name": cloud.stack_name, "parameters": parameters})
    account = cloud.client("sts").get_caller_identity()["Account"]
    plan = Plan("local", named, cloud.client, account, instance.REGION, local=True)
    return plan, [ok(f"the local cloud on {cloud.endpoint}")]


def aws(environment: str) -> tuple[Plan, list[Finding]]:
    """The plan for an environment of samconfig.toml in the caller's account."""
    settings = samconfig.deployment(environment)
    try:
        session = session_of(settings.region, settings.profile)
        if not session.get_credentials():
            raise RefusedError(problem(f"There are no AWS credentials. {LOGIN}"))
        region = session.region_name
        if not region:
            raise RefusedError(problem("No region is set. Set AWS_DEFAULT_REGION, or region in samconfig.toml."))
        identity = session.client("sts", config=QUICK).get_caller_identity()
    except ProfileNotFound as error:
        raise RefusedError(problem(f"{error}. Correct AWS_PROFILE, or profile in samconfig.toml.")) from error
    except EndpointConnectionError as error:
        raise RefusedError(
            problem(f"{error} Is {settings.region or region} a region, and is the network there?")
        ) from error
    except ClientError as error:
        raise RefusedError(problem(f"AWS refuses the credentials: {message(error)} {LOGIN}")) from error
    except BotoCoreError as error:
        raise RefusedError(problem(f"The AWS credentials cannot be used: {error}. {LOGIN}")) from error

    def client(service: str) -> Any:
        return session.client(service, region_name=PRICES if service == "pricing" else region, config=PATIENT)

    arn = identity["Arn"]
    plan = Plan(environment, settings, client, identity["Account"], region, partition=arn.split(":")[1])
    if arn.endswith(":root"):
        return plan, [warning("These are the credentials of the account's root user. Use a role or a user instead.")]
    return plan, [ok(arn)]
