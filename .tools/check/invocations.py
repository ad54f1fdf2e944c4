"""`sam local invoke` of every function with its sample event, in containers, two at a time.

The samples are those of events/, which developers use. Each run replaces two values in a copy: the tenant, by a
new one, and the receiver's URL, so that no request reaches somebody's server.
"""

import concurrent.futures
import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from base.console import say, stop_with
from base.paths import LOCAL, ROOT
from cloud import containers
from cloud.instance import Cloud

SECONDS = 120  # for one invocation; the first also waits for the image that SAM makes
AT_ONCE = 2
SAMPLE_TENANT, SAMPLE_URL = "demo", "https://your-server.com/webhook"
URL = "http://127.0.0.1:9/"  # nothing listens there in a container
# The samples of publish-events and fanout are different events with the same id.
OWN_TENANT = {"publish-events"}

Expectation = Callable[[Any], bool]  # of an answer
Result = subprocess.CompletedProcess[str] | subprocess.TimeoutExpired


def http(status: int, **data: object) -> Expectation:
    """An answer of the API with this status; the code of an error must fit it, and `data` must have these values."""

    def expected(answer: Any) -> bool:
        if answer["statusCode"] != status:
            return False
        if not 200 <= status < 300:
            return int(json.loads(answer["body"])["code"]) // 100 == status
        if status == 204 or not data:
            return True
        shown = json.loads(answer["body"])["data"]
        return all(shown[name] == value for name, value in data.items())

    return expected


def exactly(want: object) -> Expectation:
    """This answer and no other."""
    return lambda answer: bool(answer == want)


def has_logs(answer: Any) -> bool:
    """A list with a log."""
    if answer["statusCode"] != 200:
        return False
    return int(json.loads(answer["body"])["data"]["pagination"]["total"]) > 0


def new_key(answer: Any) -> bool:
    """An API key of a tenant other than the sample's."""
    return answer["tenant_id"] != SAMPLE_TENANT and str(answer["api_key"]).startswith("whk_")


def refused(answer: Any) -> bool:
    """A denial by the authorizer: the sample's key was never issued."""
    return answer["isAuthorized"] is False


NONE_FAILED = exactly({"batchItemFailures": []})

# By folder, in the order in which the tenant's only webhook and its first log are made and used. The functions of
# one step run side by side. The check fails for a function that is in no step, or in two.
STEPS: list[dict[str, Expectation]] = [
    {"create-webhook": http(201, webhook_id=1)},
    {"dispatcher": NONE_FAILED},
    {"list-webhook-logs": has_logs},  # before the deployed functions make other attempts
    {
        "fanout": NONE_FAILED,
        "retrier": exactly(None),
        "keys": new_key,
        "authorizer": refused,
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


def check(cloud: Cloud) -> None:
    """Invokes every function; stops when one has no sample, or answers it in an unexpected way."""
    functions = logical_ids()
    planned = [folder for expected in STEPS for folder in expected]
    if sorted(planned) != sorted(functions):
        differing = sorted(set(functions) ^ set(planned)) or sorted(planned)
        stop_with(f"{differing}: the template and the steps of {Path(__file__).name} differ.")
    tenant, begun = f"invoked{os.getpid()}-{int(time.time())}", time.monotonic()
    containers.prepare(cloud)
    folder = LOCAL / "containers" / "events"
    folder.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for expected in STEPS:
            invoked = {n: pool.submit(invoke, cloud, functions[n], sample(n, tenant, folder)) for n in expected}
            faults = [fault(name, expected[name], future.result()) for name, future in invoked.items()]
            if any(faults):
                stop_with("sam local invoke: " + "\n".join(filter(None, faults)))
    seconds = time.monotonic() - begun
    say(f"  sam local invoke of all {len(planned)} functions, each with its sample ... {seconds:.1f} s")


class TemplateLoader(yaml.SafeLoader):
    """Reads template.yaml without CloudFormation's own tags, whose values do not matter here."""


TemplateLoader.add_multi_constructor("!", lambda *_: None)


def logical_ids() -> dict[str, str]:
    """The functions of the template by their folders."""
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    resources = yaml.load(text, TemplateLoader)["Resources"]
    functions = {name: r for name, r in resources.items() if r["Type"] == "AWS::Serverless::Function"}
    return {Path(r["Properties"]["CodeUri"]).name: name for name, r in functions.items()}


def sample(name: str, tenant: str, folder: Path) -> Path:
    """Writes the copy of a function's sample that is invoked."""
    text = (ROOT / "events" / f"{name}.json").read_text(encoding="utf-8")
    tenant += "-apart" if name in OWN_TENANT else ""
    # A batch holds its messages as JSON within JSON, with \" for a quote.
    for quote in ('"', '\\"'):
        text = text.replace(quote + SAMPLE_TENANT + quote, quote + tenant + quote)
    event = json.loads(text.replace(SAMPLE_URL, URL))
    if "content-length" in event.get("headers", {}):  # the functions refuse a body of another length
        event["headers"]["content-length"] = str(len(event.get("body", "").encode()))
    copy = folder / f"{name}.json"
    copy.write_text(json.dumps(event, ensure_ascii=False), encoding="utf-8")
    return copy


def invoke(cloud: Cloud, function: str, event: Path) -> Result:
    """Invokes a function with an event."""
    command = containers.command_line("invoke", function, "--event", str(event))
    env = containers.environment(cloud)
    try:
        return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired as expired:
        return expired


def fault(name: str, expected: Expectation, result: Result) -> str:
    """What is wrong with a function's answer; empty when it is as expected."""
    if isinstance(result, subprocess.TimeoutExpired):
        return f"{name} did not answer its sample within {SECONDS} s\n{(result.stderr or b'').decode()[-4000:]}"
    lines = result.stdout.strip().splitlines()
    try:
        if result.returncode == 0 and expected(json.loads(lines[-1])):
            return ""
    except (IndexError, KeyError, TypeError, ValueError):
        pass  # the report below shows the answer
    answer = lines[-1:] or "nothing"
    return f"{name} answered its sample with {answer} (exit status {result.returncode})\n{result.stderr[-4000:]}"
