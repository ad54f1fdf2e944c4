"""The stack in a local cloud: brings it up, and finds the one that runs."""

import contextlib
from collections.abc import Iterator

from botocore.exceptions import ClientError

from base import keys
from base.api import Api
from base.console import say, step, stop_with
from base.paths import ROOT
from cloud import instance
from cloud.build import build
from cloud.deploy import deploy
from cloud.instance import Cloud

TENANT = "demo"


def bring_up(cloud: Cloud) -> dict[str, str]:
    """Deploys what has changed to a running cloud, and writes the stack file with an API key that works."""
    deploy(cloud)
    known = addresses(cloud)
    key = cloud.read_stack().get("api_key", "")
    if not key or Api(known["api_url"], key).call("GET", "/api/v1/webhooks")[0] != 200:
        with step(f"Issue an API key for the tenant {TENANT}"):
            key = keys.issue(cloud.stack, TENANT)
    return cloud.write_stack(tenant_id=TENANT, api_key=key, **known)


def addresses(cloud: Cloud) -> dict[str, str]:
    """The addresses of the deployed stack, from its outputs."""
    try:
        outputs = cloud.stack.outputs()
        return {
            "api_url": api_url(cloud, outputs),
            "events_queue_url": outputs["EventsQueueUrl"],
            "event_bus_name": outputs["EventBusName"],
        }
    except (KeyError, ClientError) as error:
        stop_with(
            f"the local cloud does not hold the stack that this checkout expects ({error!r}).\n"
            "`make run` deploys the stack of this checkout and keeps the data."
        )


def api_url(cloud: Cloud, outputs: dict[str, str]) -> str:
    """The URL of the API before /api/v1; the output ApiUrl holds the one on AWS."""
    return f"{cloud.endpoint}/_aws/execute-api/{outputs['ApiId']}/$default"


def running(port: int) -> tuple[Cloud, dict[str, str]]:
    """The cloud of `make run` and its stack file; stops when it does not run."""
    cloud = instance.local(port)
    described = cloud.read_stack()
    if not cloud.process() or not described:
        stop_with("the local stack does not run: `make run` starts it.")
    return cloud, described


def running_test_cloud() -> Cloud:
    """The cloud of `make test-up`; stops when it does not run."""
    cloud = instance.test()
    if not cloud.process():
        stop_with("no test cloud runs: `make test-up` starts one.")
    return cloud


def start_test_cloud(port: int, deployed: bool = True) -> Cloud:
    """The test cloud, started unless it runs; with `deployed`, the stack is built and brought up in it."""
    cloud = instance.test(port)
    if cloud.start():
        cloud.write_stack()  # tests may be reading the file of a cloud that ran already
    if deployed:
        build()
        bring_up(cloud)
        say(f"  {cloud.endpoint}, described in {cloud.stack_file.relative_to(ROOT)}")
    return cloud


def stop_test_cloud() -> None:
    """Stops the test cloud and says so."""
    say("  Stopped the test cloud." if instance.test().stop() else "  No test cloud runs.")


@contextlib.contextmanager
def test_cloud(port: int, deployed: bool = True) -> Iterator[Cloud]:
    """A test cloud for the body.

    One that runs already is used and left running. Otherwise one is started, and stopped after the body.
    """
    runs_already = instance.test().process() is not None
    try:
        yield start_test_cloud(port, deployed)
    finally:
        if not runs_already:
            stop_test_cloud()
