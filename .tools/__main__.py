"""The commands behind the Makefile's local targets: `python3 .tools <command>`.

Starts with whatever Python 3 there is and goes on in the virtual environment `cloud`.
"""

import os
import sys
from pathlib import Path

from base import venvs

venvs.check_python()
if Path(sys.prefix).resolve() != (venvs.VENVS / "cloud").resolve():
    python = str(venvs.cloud() / "python")
    os.execv(python, [python, *sys.argv])

import json  # noqa: E402 (these need the virtual environment)
import shutil  # noqa: E402
import signal  # noqa: E402
import subprocess  # noqa: E402
import time  # noqa: E402

import boto3  # noqa: E402
from botocore.exceptions import BotoCoreError, ClientError  # noqa: E402

from cloud import instance as cloud  # noqa: E402
from check import conformance  # noqa: E402
from check import container_check  # noqa: E402
from cloud import containers  # noqa: E402
from cloud import demo  # noqa: E402
from cloud import deploy  # noqa: E402
from operate import gradual  # noqa: E402
from check import isolation as isolation_check  # noqa: E402
from cloud import keys  # noqa: E402
from cloud import logs  # noqa: E402
from operate import letters  # noqa: E402
from operate import redrive  # noqa: E402
from check import soak  # noqa: E402
from operate import smoke  # noqa: E402
from base.console import say, seconds, step, stop_with  # noqa: E402
from base.venvs import ROOT  # noqa: E402

PORT = int(os.environ.get("PORT") or 4566)
TEST_PORT = int(os.environ.get("TEST_PORT") or 4577)
LOW_CONCURRENCY = 100


def run() -> None:
    """The whole service on this machine, a key, one delivery, and how to go on."""
    begun = time.monotonic()
    it = cloud.local(PORT)
    deploy.build()
    it.start()
    stack = ready(it)
    demo.play(it, stack)
    say(how_to_go_on(it, stack, time.monotonic() - begun))


def ready(it: cloud.Cloud) -> dict:
    """Deploys what changed and writes the stack file with a key that works."""
    deploy.deploy(it)
    known = known_outputs(it)
    key = it.read_stack().get("api_key", "")
    if not key or not keys.works(known["api_url"], key):
        with step("Issue an API key for the tenant demo"):
            key = keys.issue(it, known["keys_function"], "demo")
    return it.write_stack(tenant_id="demo", api_key=key, **{k: v for k, v in known.items() if k != "keys_function"})


def known_outputs(it: cloud.Cloud) -> dict[str, str]:
    """The addresses of the deployed stack, from its outputs."""
    try:
        found = deploy.outputs(it)
        return {
            "api_url": f"{it.endpoint}/_aws/execute-api/{found['ApiId']}/$default",
            "events_queue_url": found["EventsQueueUrl"],
            "event_bus_name": found["EventBusName"],
            "keys_function": found["KeysFunctionName"],
        }
    except (KeyError, ClientError) as error:
        stop_with(f"the local cloud does not hold the stack that this checkout expects ({error!r}).\n`make reset` drops its data; `make run` begins anew.")


def how_to_go_on(it: cloud.Cloud, stack: dict, seconds: float) -> str:
    api, key = stack["api_url"], stack["api_key"]
    publish = "make publish TYPE=training.completed DATA='{\"job\":7}'"
    text = f"""
Ready after {seconds:.0f} s. The API and a key of the tenant demo (also in .local/stack.json):

  {api}
  {key}

List its webhooks, and register one of your own:

  curl -H 'Authorization: Bearer {key}' '{api}/api/v1/webhooks'

  curl -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\
    -d '{{"name":"mine","url":"http://127.0.0.1:8000/","events":["training.completed"]}}' '{api}/api/v1/webhooks'

Publish an event, by SQS and by EventBridge:

  {publish}
  {publish} VIA=bus
"""
    if shutil.which("aws"):
        text += aws_commands(it, stack)
    return text + """
make api-key TENANT=acme   another tenant's key        make logs    follow the functions' logs
make stop                  stop, keep the data         make reset   stop, drop the data
"""


def aws_commands(it: cloud.Cloud, stack: dict) -> str:
    settings = f"AWS_ACCESS_KEY_ID={cloud.KEY_ID} AWS_SECRET_ACCESS_KEY={cloud.SECRET} AWS_DEFAULT_REGION={cloud.REGION} aws --endpoint-url {it.endpoint}"
    message = '{"type":"training.completed","tenant_id":"demo","data":{"job":7}}'
    entry = [{
        "EventBusName": stack["event_bus_name"], "Source": "platform", "DetailType": "training.completed",
        "Detail": '{"tenant_id":"demo","job":7}',
    }]
    return f"""
The same with the AWS CLI:

  {settings} sqs send-message \\
    --queue-url '{stack["events_queue_url"]}' --message-body '{message}'

  {settings} events put-events \\
    --entries '{json.dumps(entry, separators=(",", ":"))}'
"""


def publish() -> None:
    """One event to the running local stack; TYPE, DATA, TENANT and VIA (sqs or bus) come from the environment."""
    it, stack = running_local()
    kind, tenant = os.environ.get("TYPE") or "environment.created", os.environ.get("TENANT") or stack["tenant_id"]
    try:
        data = json.loads(os.environ.get("DATA") or "{}")
    except json.JSONDecodeError as error:
        stop_with(f"DATA is not JSON: {error}")
    if os.environ.get("VIA") == "bus":
        entry = {"EventBusName": stack["event_bus_name"], "Source": "platform", "DetailType": kind, "Detail": json.dumps({"tenant_id": tenant, **data})}
        answer = it.client("events").put_events(Entries=[entry])["Entries"][0]
        print(answer.get("EventId") or stop_with(f"the bus refused it: {answer}"))
    else:
        body = json.dumps({"type": kind, "tenant_id": tenant, "data": data}, ensure_ascii=False)
        print("evt_" + it.client("sqs").send_message(QueueUrl=stack["events_queue_url"], MessageBody=body)["MessageId"])


def api_key() -> None:
    """Prints a new key of TENANT and nothing else."""
    it, _ = running_local()
    print(keys.issue(it, known_outputs(it)["keys_function"], os.environ.get("TENANT") or "demo", os.environ.get("SCOPES", "")))


def api_keys() -> None:
    """Prints the keys of TENANT, without the keys themselves."""
    it, _ = running_local()
    keys.show(keys.ask(it, known_outputs(it)["keys_function"], {"action": "list", "tenant_id": os.environ.get("TENANT") or "demo"}))


def revoke_key() -> None:
    """Ends the key KEY_ID."""
    it, _ = running_local()
    keys.show(keys.ask(it, known_outputs(it)["keys_function"], {"action": "revoke", "key_id": os.environ.get("KEY_ID", "")}))


def redrive_letters() -> None:
    """Sends the dead letters of QUEUE back: of STACK_NAME in the caller's account, or of the local stack."""
    queue, reason = os.environ.get("QUEUE") or "events", os.environ.get("REASON", "")
    if name := os.environ.get("STACK_NAME"):
        redrive.redrive(boto3.client, name, queue, reason)
        return
    it, _ = running_local()
    redrive.redrive(it.client, it.stack, queue, reason)


def show_letters() -> None:
    """Lists the dead letters by reason, with what to do: of STACK_NAME in the caller's account, or of the local stack."""
    if name := os.environ.get("STACK_NAME"):
        letters.show(boto3.client, name)
        return
    it, _ = running_local()
    letters.show(it.client, it.stack)


def run_soak() -> None:
    """A soak of DURATION at RATE events/s, on a cloud of its own that ends with it."""
    duration, rate = seconds(os.environ.get("DURATION") or "60s"), float(os.environ.get("RATE") or 3)
    it = cloud.soak(soak.PARAMETERS)
    deploy.build()
    it.drop()
    try:
        it.start()
        code = soak.soak(it, ready(it), duration, rate)
    finally:
        it.stop()
    sys.exit(code)


def follow_logs() -> None:
    it, _ = running_local()
    logs.follow(it)


def stop() -> None:
    stopped = cloud.local(PORT).stop()
    say("Stopped; the data is kept. `make run` goes on with it." if stopped else "The local cloud does not run.")


def reset() -> None:
    cloud.local(PORT).drop()
    say("The local cloud is stopped and its data dropped.")


def start_api() -> None:
    containers.start_api(running_local()[0])


def invoke() -> None:
    containers.invoke(running_local()[0])


def test_containers() -> None:
    """Proves `sam local invoke` and `sam local start-api` in real containers, on a test cloud."""
    started = not cloud.test().process()
    try:
        container_check.check(test_up())
    finally:
        if started:
            test_down()


def isolation() -> None:
    """Measures isolation on a test cloud, which ends with it; one that ran already is used and stays."""
    started = not cloud.test().process()
    try:
        isolation_check.compare(test_up())
    finally:
        if started:
            test_down()


def running_local() -> tuple[cloud.Cloud, dict]:
    it = cloud.local(PORT)
    stack = it.read_stack()
    if not it.process() or not stack:
        stop_with("the local stack does not run: `make run` starts it.")
    return it, stack


def test_up() -> cloud.Cloud:
    """A test cloud with the stack in it, on a port that was free. It stays up when the stack cannot be built or deployed."""
    it = cloud.test(TEST_PORT)
    if it.start():
        it.write_stack()  # of one that ran already, tests may be reading it
    deploy.build()
    ready(it)
    say(f"  {it.endpoint}, described in {it.stack_file.relative_to(ROOT)}")
    return it


def test_down() -> None:
    say("  Stopped the test cloud." if cloud.test().stop() else "  No test cloud runs.")


def test() -> None:
    """Runs the tests in a cloud of their own, which ends with them; one that ran already is used and stays."""
    started = not cloud.test().process()
    try:
        it = test_up()
        code = in_test_environment(it)
        code = code or subprocess.run([sys.executable, "-m", "unittest", "discover", "-s", ".tools", "-t", ".tools", "-p", "*_test.py"], cwd=ROOT, env=deploy.aws_environment(it)).returncode
    finally:
        if started:
            test_down()
    sys.exit(code)


def measure() -> None:
    """Runs the program of the command line beside an empty test cloud: it makes its own tables, and nothing is deployed."""
    it = cloud.test(TEST_PORT)
    started = it.start()
    try:
        if started:
            it.write_stack()
        code = in_test_environment(it)
    finally:
        if started:
            test_down()
    sys.exit(code)


def schemathesis() -> None:
    """Tries the API against its OpenAPI document in a test cloud; one that ran already is used and stays."""
    it = cloud.test(TEST_PORT)
    started = not it.process()
    try:
        test_up()
        it.process()
        known = known_outputs(it)
        code = conformance.check(it, known["api_url"], known["keys_function"])
    finally:
        if started:
            test_down()
    sys.exit(code)


def test_env() -> None:
    it = cloud.test()
    if not it.process():
        stop_with("no test cloud runs: `make test-up` starts one.")
    sys.exit(in_test_environment(it))


def in_test_environment(it: cloud.Cloud) -> int:
    """Runs the program of the command line with what the Go tests read: WEBHOOKS_… and AWS_…"""
    env = deploy.aws_environment(it) | {"WEBHOOKS_STACK": str(it.stack_file), "WEBHOOKS_GOFLAGS": deploy.BUILD_ENV["GOFLAGS"]}
    return subprocess.run(sys.argv[2:], env=env, cwd=ROOT).returncode


def sam() -> None:
    """Becomes the SAM CLI, with the environment that functions are built in."""
    program = str(venvs.sam() / "sam")
    os.execve(program, [program, *sys.argv[2:]], os.environ | deploy.BUILD_ENV)


def checkov() -> None:
    """Becomes the security linter of the template."""
    program = str(venvs.make("checkov") / "checkov")
    os.execve(program, [program, *sys.argv[2:]], os.environ | {"LOG_LEVEL": "ERROR"})


def account_check() -> None:
    """Warns when the caller's AWS account may run few functions at once; a new account may run 10."""
    try:
        limit = boto3.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    except (BotoCoreError, ClientError) as error:
        say(f"note: the account's Lambda concurrency could not be read ({error}).")
        return
    if limit < LOW_CONCURRENCY:
        say(
            f"warning: this account runs at most {limit} Lambda functions at once, all of them together.\n"
            "         Deliveries wait when it is used up; ask for more under Service Quotas, AWS Lambda, Concurrent executions."
        )


COMMANDS = {
    "run": run, "stop": stop, "reset": reset, "logs": follow_logs, "api-key": api_key, "publish": publish,
    "api-keys": api_keys, "revoke-key": revoke_key, "redrive": redrive_letters, "letters": show_letters, "soak": run_soak,
    "build": deploy.build, "sam": sam, "checkov": checkov, "account-check": account_check,
    "template": lambda: gradual.main(*sys.argv[2:]), "smoke": lambda: sys.exit(smoke.run(sys.argv[2])),
    "start-api": start_api, "invoke": invoke, "test-containers": test_containers, "isolation": isolation,
    "test": test, "test-up": test_up, "test-down": test_down, "test-env": test_env, "measure": measure,
    "schemathesis": schemathesis,
}

if __name__ == "__main__":
    # So that what was started is stopped as well when a time box ends this: `finally` runs.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        COMMANDS[sys.argv[1]]()
    except KeyboardInterrupt:
        sys.exit(130)
