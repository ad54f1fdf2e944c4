"""Deploys the built template to a local cloud with `sam deploy`, unless the cloud already has this build.

The commands are those for an AWS account; the endpoint differs, and the `local` environment of
samconfig.toml is used. corrections.py follows every deployment.
"""

import time
from typing import Any

from botocore.exceptions import ClientError

from base import samconfig, venvs
from base.console import step, stop_with
from base.paths import TOOLS
from base.processes import locked, run_quietly
from cloud import corrections
from cloud.build import BUILD, BUILT_FROM, LOCK, digest, overrides
from cloud.instance import Cloud

KEEP = (
    "Nothing was deleted. If the data of an earlier run does not fit this checkout, `make stop`, move .local/cloud to\n"
    "another place and `make run`: it starts from nothing, and the data comes back with the folder."
)
SETTLE_SECONDS = 60
# A stack in one of these states can only be deleted.
FIRST_DEPLOYMENT_FAILED = (
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "CREATE_FAILED",
    "DELETE_FAILED",
    "REVIEW_IN_PROGRESS",
)


def deploy(cloud: Cloud) -> None:
    """Deploys and corrects, unless the cloud has this build already."""
    with locked(LOCK):
        build = build_hash()
        if deployed_build(cloud) == build:
            return
        command, hint = deploy_command(cloud), KEEP if cloud.keeps_data else ""
        with step("Deploy the stack"):
            cloud.client("s3").create_bucket(Bucket=samconfig.deployment("local").s3_bucket)
            finish_earlier_deployment(cloud)
            run_quietly(command, cloud.folder / "deploy.log", cloud.aws_environment(), hint)
        with step("Correct what the local cloud ignores"):
            corrections.apply(cloud)
            cloud.client("ssm").put_parameter(Name=parameter(cloud), Value=build, Type="String", Overwrite=True)


def deploy_command(cloud: Cloud) -> list[str]:
    """The command line of `sam deploy`."""
    command = [str(venvs.sam()), "deploy", "--config-file", str(samconfig.FILE), "--config-env", "local"]
    command += ["--template-file", str(BUILD / "template.yaml"), "--stack-name", cloud.stack_name]
    return [*command, "--parameter-overrides", *overrides(), *cloud.parameters, *identity_provider(cloud)]


def identity_provider(cloud: Cloud) -> list[str]:
    """The parameters with which a test cloud accepts the JWTs of the tests."""
    if not cloud.jwks_url:
        return []
    issuer, audience = "https://id.example.com/", "https://webhooks.example.com"
    return [f"JwtIssuer={issuer}", f"JwtAudience={audience}", f"JwtJwksUrl={cloud.jwks_url}"]


def deployed_build(cloud: Cloud) -> str | None:
    """The hash of the build that the cloud has. It is stored in the cloud, so that a reset deletes it."""
    try:
        return str(cloud.client("ssm").get_parameter(Name=parameter(cloud))["Parameter"]["Value"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "ParameterNotFound":
            return None
        raise


def parameter(cloud: Cloud) -> str:
    """The SSM parameter with the hash."""
    return f"/{cloud.stack_name}/deployed-build"


def finish_earlier_deployment(cloud: Cloud) -> None:
    """Waits for a deployment that continues after a Ctrl-C, and deletes a stack whose first deployment failed."""
    cloudformation, deadline = cloud.client("cloudformation"), time.monotonic() + SETTLE_SECONDS
    while in_progress(status := stack_status(cloudformation, cloud.stack_name)):
        if time.monotonic() > deadline:
            stop_with(f"the stack {cloud.stack_name} is still {status}: an earlier deployment was cut off.\n{KEEP}")
        time.sleep(0.5)
    if status in FIRST_DEPLOYMENT_FAILED:
        cloudformation.delete_stack(StackName=cloud.stack_name)
        waiter = cloudformation.get_waiter("stack_delete_complete")
        waiter.wait(StackName=cloud.stack_name, WaiterConfig={"Delay": 1, "MaxAttempts": SETTLE_SECONDS})


def in_progress(status: str) -> bool:
    """Whether a deployment of a stack with this status is running. REVIEW waits for a person."""
    return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"


def stack_status(cloudformation: Any, stack: str) -> str:
    """The status of the stack; NONE without a stack."""
    try:
        return str(cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
    except ClientError:
        return "NONE"


def build_hash() -> str:
    """A hash of everything that a deployment brings: functions, template, parameters and corrections."""
    built = [path for path in BUILD.rglob("*") if path != BUILT_FROM]
    corrected_by = [TOOLS / "cloud" / "corrections.py", TOOLS / "cloud" / "template.py"]
    return digest([*built, *corrected_by, samconfig.FILE], str(overrides()))
