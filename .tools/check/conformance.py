"""`make schemathesis`: searches for requests to which the deployed API responds in an undocumented way."""

import json
import os
import secrets
import subprocess
import time
from pathlib import Path

from base import keys, venvs
from base.api import Api
from base.console import step, stop_with
from base.paths import ROOT, TOOLS
from cloud import local_stack
from cloud.instance import Cloud

DOCUMENT = ROOT / "shared" / "httpapi" / "openapi" / "openapi.json"
LOG_SECONDS = 30


def check(cloud: Cloud, seconds: int, seed: str) -> int:
    """Runs schemathesis as a new tenant; returns its exit status. With the same seed it tries the same requests."""
    program = venvs.make("schemathesis") / "schemathesis"
    api_url = local_stack.addresses(cloud)["api_url"]
    key = keys.issue(cloud.stack, "schemathesis-" + secrets.token_hex(4))
    make_log(Api(api_url, key))
    command = [str(program), "--config-file", str(TOOLS / "check" / "schemathesis.toml")]
    command += ["run", str(located(cloud, api_url))]
    command += ["--max-time", str(seconds)] + (["--seed", seed] if seed else [])
    env = os.environ | {"API_URL": api_url, "API_KEY": key, "PYTHONPATH": str(TOOLS / "check")}
    # In the cloud's folder, because schemathesis writes files into its current folder.
    return subprocess.run(command, env=env, cwd=cloud.folder).returncode


def located(cloud: Cloud, api_url: str) -> Path:
    """A copy of the document with the address of the API as its server.

    schemathesis does not resolve a relative server: it takes `../..` for a path that the API's URL lacks.
    """
    document = json.loads(DOCUMENT.read_text())
    document["servers"] = [{"url": api_url}]
    copy = cloud.folder / "openapi.json"
    copy.write_text(json.dumps(document))
    return copy


def make_log(api: Api) -> None:
    """Makes webhook 1 with log 1, which can be resent. No request can make a log: only an attempt does."""
    with step("Wait for a log that can be resent"):
        webhook = {"name": "first", "url": "https://127.0.0.1:9/", "events": ["alert.resolved"]}
        api.must(201, "POST", "/api/v1/webhooks", webhook)
        api.must(202, "POST", "/api/v1/events", {"type": "alert.resolved", "data": {}})
        deadline = time.monotonic() + LOG_SECONDS
        while not api.must(200, "GET", "/api/v1/webhooks/1/logs")["items"]:
            if time.monotonic() > deadline:
                stop_with(f"the event has no log after {LOG_SECONDS} s")
            time.sleep(0.2)
