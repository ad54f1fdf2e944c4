"""`make test-containers`: checks `sam local invoke` and `sam local start-api` in real containers.

For CI, on a Linux machine as root: Docker is installed and started, and the image made, when they are missing.
"""

import os
import subprocess

from base import keys, ports
from base.api import Api
from base.console import say, step, stop_with
from base.paths import ROOT
from base.processes import tail, wait_until
from check import docker, invocations
from cloud import containers, logs
from cloud.instance import Cloud

START_SECONDS = 120


def check(cloud: Cloud) -> None:
    """Invokes every function and calls the API in containers; stops when an answer is wrong."""
    docker.install()
    with docker.daemon():
        docker.make_image()
        with containers.reachable_from_containers(cloud.port):
            invocations.check(cloud)
            check_start_api(cloud)
    say("  sam local invoke (every function) and sam local start-api answer from containers.")


def check_start_api(cloud: Cloud) -> None:
    """Runs `sam local start-api` and calls its API."""
    port = ports.choose(0)
    log = cloud.folder / "start-api.log"
    command = containers.prepare(cloud, "start-api", "--port", str(port))
    with log.open("w") as out:
        process = subprocess.Popen(
            command,
            env=containers.environment(cloud),
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        with step(f"sam local start-api --port {port}"):
            wait_until(lambda: ports.taken(port), START_SECONDS, process, log)
        check_api(cloud, f"http://127.0.0.1:{port}")
    except BaseException:
        say(f"\nsam local start-api:\n{tail(log, 30)}\n\nThe deployed functions:\n{logs.recent(cloud)}")
        raise
    finally:
        docker.end(process)


def check_api(cloud: Cloud, url: str) -> None:
    """Creates and lists a webhook through the API in containers, and reads it from the deployed API."""
    key = keys.issue(cloud.stack, f"containers{os.getpid()}")
    local, deployed = Api(url, key), Api(cloud.read_stack()["api_url"], key)
    with step("POST and GET /api/v1/webhooks with a key"):
        webhook = {"name": "container", "url": "https://example.com/", "events": ["alert.resolved"]}
        created = local.must(201, "POST", "/api/v1/webhooks", webhook)
        listed = local.must(200, "GET", "/api/v1/webhooks")["items"]
        shown = deployed.must(200, "GET", f"/api/v1/webhooks/{created['webhook_id']}")
    if [w["webhook_id"] for w in listed] != [created["webhook_id"]] or shown["name"] != "container":
        stop_with(f"created {created}, listed {listed}, but the deployed API shows {shown}")
    with step("GET /api/v1/webhooks without a key"):
        Api(url, "").must(401, "GET", "/api/v1/webhooks")
