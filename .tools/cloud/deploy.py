"""Builds the template with the SAM CLI and deploys it to a local cloud, each only when it has to.

The same `sam build` and `sam deploy` as for a real account; what differs is the endpoint and the
`local` environment of samconfig.toml. corrections.py follows every deploy.
"""

import hashlib
import os
import platform
import subprocess
import time
import tomllib
from pathlib import Path

from botocore.exceptions import ClientError

from cloud import corrections
from base import venvs
from cloud.instance import KEY_ID, REGION, SECRET, Cloud
from base.console import alone, run_quietly, step, stop_with
from base.venvs import ROOT, TOOLS

TEMPLATE = ROOT / "template.yaml"
# On macOS the functions are built for macOS, apart from what `sam local` runs in containers.
NATIVE = platform.system() == "Linux" or os.environ.get("LAMBDA_EXECUTOR") == "docker"
BUILD = ROOT / ".aws-sam" / "build" if NATIVE else ROOT / ".local" / "build"
# Within the build folder, which a `sam build` by hand empties: then it is built again here.
BUILT_FROM = BUILD / "built-from.txt"
RESET = "If the data kept from before does not fit this checkout any more: make reset, then make run."
LOCK = ROOT / ".local" / "build.lock"  # make run and make test share the build
# -s also leaves out the DWARF data; without the version control's stamp a commit does not change the binary.
BUILD_ENV = {"CGO_ENABLED": "0", "GOFLAGS": "-trimpath -buildvcs=false -tags=lambda.norpc -ldflags=-s", "SAM_CLI_TELEMETRY": "0"}
SETTLE_SECONDS = 60


def build() -> None:
    """`sam build`, unless nothing that goes into the functions has changed since the last one."""
    check_tools()
    with alone(LOCK):
        build_alone()


def build_alone() -> None:
    sources = source_hash()
    if BUILT_FROM.exists() and BUILT_FROM.read_text() == sources:
        return
    sam = str(venvs.sam() / "sam")
    with step("Build the functions"):
        compile_once()
        command = [sam, "build", "--config-env", "local", "--build-dir", str(BUILD), "--parameter-overrides", *overrides()]
        run_quietly(command, ROOT / ".local" / "build.log", os.environ | BUILD_ENV, ROOT)
        if not NATIVE:
            build_for_this_machine()
        BUILT_FROM.write_text(sources)


def compile_once() -> None:
    """Fills Go's cache: the builds that SAM runs side by side would each compile the same packages anew."""
    target = {"GOOS": "linux", "GOARCH": {"x86_64": "amd64"}.get(architecture(), architecture())}
    run_quietly(["go", "build", "./functions/..."], ROOT / ".local" / "build.log", os.environ | BUILD_ENV | target, ROOT)


def build_for_this_machine() -> None:
    """Replaces the Linux binaries by this system's own: the local cloud runs them as processes."""
    for folder in (ROOT / "functions").iterdir():
        for built in BUILD.glob("*/bootstrap"):
            if built_from(built, folder):
                env = os.environ | BUILD_ENV
                subprocess.run(["go", "build", "-o", str(built), f"./functions/{folder.name}"], cwd=ROOT, env=env, check=True)


def built_from(binary: Path, folder: Path) -> bool:
    answer = subprocess.run(["go", "version", "-m", str(binary)], capture_output=True, text=True).stdout
    return f"functions/{folder.name}\n" in answer


def deploy(cloud: Cloud) -> bool:
    """`sam deploy` and the corrections, unless this very build is deployed already. Says whether it was not."""
    with alone(LOCK):
        return deploy_alone(cloud)


def deploy_alone(cloud: Cloud) -> bool:
    build_name = build_hash()
    if deployed(cloud) == build_name:
        return False
    sam = str(venvs.sam() / "sam")
    with step("Deploy the stack"):
        bucket(cloud, samconfig()["s3_bucket"])
        settle(cloud)
        command = [
            sam, "deploy", "--config-file", str(ROOT / "samconfig.toml"), "--config-env", "local", "--template-file", str(BUILD / "template.yaml"),
            "--stack-name", cloud.stack, "--parameter-overrides", *overrides(), *cloud.parameters, *identity_provider(cloud),
        ]
        run_quietly(command, cloud.folder / "deploy.log", aws_environment(cloud), ROOT, RESET if cloud.keeps_data else "")
    with step("Correct what the local cloud ignores"):
        corrections.apply(cloud)
        cloud.client("ssm").put_parameter(Name=parameter(cloud), Value=build_name, Type="String", Overwrite=True)
    return True


def deployed(cloud: Cloud) -> str | None:
    """The build that the cloud has. Kept in the cloud itself, so that it goes when the cloud's data goes."""
    try:
        return cloud.client("ssm").get_parameter(Name=parameter(cloud))["Parameter"]["Value"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ParameterNotFound":
            return None
        raise


def parameter(cloud: Cloud) -> str:
    return f"/{cloud.stack}/deployed-build"


def outputs(cloud: Cloud) -> dict[str, str]:
    stack = cloud.client("cloudformation").describe_stacks(StackName=cloud.stack)["Stacks"][0]
    return {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}


def bucket(cloud: Cloud, name: str) -> None:
    """The bucket for the functions' code; for a real account `resolve_s3` makes it."""
    cloud.client("s3").create_bucket(Bucket=name)


def settle(cloud: Cloud) -> None:
    """Waits for a deploy that goes on after a Ctrl-C, and deletes a stack whose first deploy failed:
    CloudFormation lets nothing else be done with it."""
    cloudformation, deadline = cloud.client("cloudformation"), time.monotonic() + SETTLE_SECONDS
    while (status := stack_status(cloudformation, cloud.stack)).endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        if time.monotonic() > deadline:
            stop_with(f"the stack {cloud.stack} stays {status}: an earlier deploy was cut off.\n{RESET}")
        time.sleep(0.5)
    if status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", "REVIEW_IN_PROGRESS"):
        cloudformation.delete_stack(StackName=cloud.stack)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=cloud.stack, WaiterConfig={"Delay": 1, "MaxAttempts": SETTLE_SECONDS})


def stack_status(cloudformation, stack: str) -> str:
    try:
        return cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    except ClientError:
        return "NONE"


def aws_environment(cloud: Cloud) -> dict[str, str]:
    """The caller's environment, but every AWS tool and SDK talks to the cloud and never to a real account."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return own | {
        "AWS_ENDPOINT_URL": cloud.endpoint, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1,localhost", "SAM_CLI_TELEMETRY": "0", "SAM_CLI_POLL_DELAY": "0.5",
    }


def samconfig() -> dict:
    return tomllib.loads((ROOT / "samconfig.toml").read_text())["local"]["deploy"]["parameters"]


def overrides() -> list[str]:
    """The template's parameters of the `local` environment, with this machine's architecture."""
    return samconfig()["parameter_overrides"].replace("x86_64", architecture()).split()


def identity_provider(cloud: Cloud) -> list[str]:
    """The parameters by which a cloud for tests takes the JWTs of a test."""
    if not cloud.jwks_url:
        return []
    return ["JwtIssuer=https://id.example.com/", "JwtAudience=https://webhooks.example.com", f"JwtJwksUrl={cloud.jwks_url}"]


def architecture() -> str:
    """This machine's, as Lambda calls it."""
    return "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"


def source_hash() -> str:
    """Of everything that goes into a build: sources without tests, the template, the settings and the tools."""
    files = [path for folder in ("functions", "shared") for path in (ROOT / folder).rglob("*") if path.is_file() and not path.name.endswith("_test.go")]
    files += [ROOT / "go.mod", ROOT / "go.sum", TEMPLATE, ROOT / "samconfig.toml", TOOLS / "requirements" / "sam.txt"]
    go = subprocess.run(["go", "version"], cwd=ROOT, capture_output=True, text=True).stdout
    return digest(files, f"{go} {sorted(BUILD_ENV.items())} {overrides()}")


def build_hash() -> str:
    """Of everything that a deploy brings: the built functions and template, parameters and corrections."""
    files = [path for path in BUILD.rglob("*") if path.is_file() and path != BUILT_FROM]
    return digest([*files, TOOLS / "cloud" / "corrections.py", ROOT / "samconfig.toml"], str(overrides()))


def digest(files: list[Path], rest: str) -> str:
    sha = hashlib.sha256(rest.encode())
    for path in sorted(files):
        if path.exists():
            content = path.read_bytes()
            sha.update(f"\n{path.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return sha.hexdigest()


def check_tools() -> None:
    """Go that can build this module; the rest is installed on demand."""
    try:
        answer = subprocess.run(["go", "version"], cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        stop_with("Go is not installed, or not on the PATH; go.mod names the version.")
    if answer.returncode:
        stop_with(f"this Go cannot build the module:\n{answer.stderr.strip()}")
    if not TEMPLATE.exists():
        stop_with("there is no template.yaml here.")
