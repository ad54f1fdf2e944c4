"""Lets schemathesis look for a request that the deployed stack answers in another way than documented."""

import os
import secrets
import subprocess
import time

from cloud import instance as cloud
from cloud import keys
from base import venvs
from cloud.demo import Api
from base.console import step, stop_with
from base.venvs import ROOT, TOOLS

DOCUMENT = ROOT / "shared" / "openapi" / "openapi.json"
LOG_SECONDS = 30


def check(it: cloud.Cloud, api_url: str, keys_function: str) -> int:
    """Runs it as a new tenant and returns its exit code. SEED and SECONDS_TO_TRY come from the environment."""
    program = venvs.make("schemathesis") / "schemathesis"
    key = keys.issue(it, keys_function, "schemathesis-" + secrets.token_hex(4))
    prepare(Api(api_url, key))
    command = [str(program), "--config-file", str(TOOLS / "check" / "schemathesis.toml"), "run", str(DOCUMENT), "--max-time", os.environ.get("SECONDS_TO_TRY") or "80"]
    if seed := os.environ.get("SEED"):
        command += ["--seed", seed]
    # In the cloud's folder, because it leaves files where it runs.
    return subprocess.run(command, env=os.environ | {"API_URL": api_url, "API_KEY": key, "PYTHONPATH": str(TOOLS / "check")}, cwd=it.folder).returncode


def prepare(api: Api) -> None:
    """Webhook 1 with log 1: no request makes a log that can be sent again, only time does."""
    with step("Wait for a log that can be sent again"):
        api.must(201, "POST", "/api/v1/webhooks", {"name": "first", "url": "https://127.0.0.1:9/", "events": ["alert.resolved"]})
        api.must(202, "POST", "/api/v1/events", {"type": "alert.resolved", "data": {}})
        deadline = time.monotonic() + LOG_SECONDS
        while not api.must(200, "GET", "/api/v1/webhooks/1/logs")["items"]:
            if time.monotonic() > deadline:
                stop_with(f"the event has no log after {LOG_SECONDS} s")
            time.sleep(0.2)
