"""`sam local invoke` of every function with its sample event, in containers, two at a time.

The samples of events/ are those that a developer invokes. Two things in them are replaced, in a copy: the
tenant, so that each run finds a tenant without anything, and the receiver's host, so that no run sends
requests to somebody else's.
"""

import concurrent.futures
import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from cloud import instance as cloud
from cloud import containers
from base.console import say, stop_with
from base.venvs import ROOT

SECONDS = 120  # for one, with the image that SAM makes for the first
AT_ONCE = 2
SAMPLE_TENANT, SAMPLE_URL = "demo", "https://your-server.com/webhook"
URL = "http://127.0.0.1:9/"  # nothing listens there in a container
# The samples of publish-events and fanout are different events with one id.
APART = {"publish-events"}

Expectation = Callable[[object], bool]


def http(status: int, **data) -> Expectation:
    """An answer of the API: its status, the code of a refusal, and what its data has."""
    def holds(answer) -> bool:
        if answer["statusCode"] != status or not 200 <= status < 300:
            return answer["statusCode"] == status and json.loads(answer["body"])["code"] // 100 == status
        if status == 204 or not data:
            return True
        shown = json.loads(answer["body"])["data"]
        return all(shown[name] == value for name, value in data.items())
    return holds


def exactly(want) -> Expectation:
    return lambda answer: answer == want


def logged(answer) -> int:
    """How many logs there are."""
    return json.loads(answer["body"])["data"]["pagination"]["total"] if answer["statusCode"] == 200 else 0


NONE_FAILED = exactly({"batchItemFailures": []})

# By folder, in the order that the tenant's only webhook and its first log need: what is in one step may run at
# the same time. A function that is in none, or in two, fails the check.
STEPS: list[dict[str, Expectation]] = [
    {"create-webhook": http(201, webhook_id=1)},
    {"dispatcher": NONE_FAILED},
    {"list-webhook-logs": lambda answer: logged(answer) > 0},  # before the deployed functions make other attempts
    {
        "fanout": NONE_FAILED,
        "retrier": exactly(None),
        "keys": lambda answer: answer["tenant_id"] != SAMPLE_TENANT and answer["api_key"].startswith("whk_"),
        "authorizer": lambda answer: answer["isAuthorized"] is False,  # nobody issued the sample's key
        "publish-events": http(202, id="env-42-created"),
        "list-webhooks": http(200),
        "get-webhook": http(200, webhook_id=1),
        "get-openapi": http(200),
        "unknown-route": http(405),
    },
    {
        "resend-log": http(202, event_id="env-42-created"),
        "test-webhook": http(200, status_code=0),
        "rotate-secret": http(200, webhook_id=1),
    },
    {"update-webhook": http(200)},
    {"delete-webhook": http(204)},
]


def check(it: cloud.Cloud) -> None:
    """Stops when a function does not answer its sample as it should, or has none."""
    functions = logical_ids()
    planned = [folder for expected in STEPS for folder in expected]
    if sorted(planned) != sorted(functions):
        stop_with(f"{sorted(set(functions) ^ set(planned)) or sorted(planned)}: the template and the steps of {Path(__file__).name} differ.")
    tenant, begun = f"invoked{os.getpid()}-{int(time.time())}", time.monotonic()
    containers.prepare(it)
    folder = ROOT / ".local" / "containers" / "events"
    folder.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for expected in STEPS:
            invoked = {name: pool.submit(invoke, it, functions[name], sample(name, tenant, folder)) for name in expected}
            failures = [failure for name, future in invoked.items() if (failure := judge(name, expected[name], future.result()))]
            if failures:
                stop_with("sam local invoke: " + "\n".join(failures))
    say(f"  sam local invoke of all {len(planned)} functions, each with its sample ... {time.monotonic() - begun:.1f} s")


class Template(yaml.SafeLoader):
    """Reads template.yaml; what CloudFormation's own tags say does not matter here."""


Template.add_multi_constructor("!", lambda *_: None)


def logical_ids() -> dict[str, str]:
    """The functions of the template by their folders."""
    resources = yaml.load((ROOT / "template.yaml").read_text(encoding="utf-8"), Template)["Resources"]
    return {Path(r["Properties"]["CodeUri"]).name: name for name, r in resources.items() if r["Type"] == "AWS::Serverless::Function"}


def sample(name: str, tenant: str, folder: Path) -> Path:
    """The sample of a function as it is invoked here."""
    text = (ROOT / "events" / f"{name}.json").read_text(encoding="utf-8")
    tenant += "-apart" if name in APART else ""
    # A batch holds its messages as JSON within JSON.
    for quote in ('"', '\\"'):
        text = text.replace(quote + SAMPLE_TENANT + quote, quote + tenant + quote)
    copy = folder / f"{name}.json"
    copy.write_text(text.replace(SAMPLE_URL, URL), encoding="utf-8")
    return copy


def invoke(it: cloud.Cloud, function: str, event: Path) -> subprocess.CompletedProcess | subprocess.TimeoutExpired:
    command = containers.command_line("local", "invoke", function, "--event", str(event))
    try:
        return subprocess.run(command, env=containers.environment(it), cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired as expired:
        return expired


def judge(name: str, holds: Expectation, result) -> str:
    """What is wrong with an answer, or nothing."""
    if isinstance(result, subprocess.TimeoutExpired):
        return f"{name} did not answer its sample within {SECONDS} s\n{(result.stderr or b'').decode()[-4000:]}"
    lines = result.stdout.strip().splitlines()
    try:
        answer = json.loads(lines[-1])
        if result.returncode == 0 and holds(answer):
            return ""
    except (IndexError, KeyError, TypeError, ValueError):
        pass  # it is shown as it came
    return f"{name} answered its sample with {lines[-1:] or 'nothing'} (exit code {result.returncode})\n{result.stderr[-4000:]}"
