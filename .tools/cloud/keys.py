"""API keys of a local stack, issued as an operator would: by invoking the keys function."""

import json
import sys

from cloud.instance import Cloud
from cloud.demo import Api
from base.console import stop_with


def issue(cloud: Cloud, function: str, tenant: str, scopes: str = "") -> str:
    """A new key of the tenant, with all scopes or those named. The cloud stores its hash only, so this is
    the one time it is seen."""
    request = {"action": "issue", "tenant_id": tenant}
    if scopes:
        request["scopes"] = scopes.replace(",", " ").split()
    return ask(cloud, function, request)["api_key"]


def show(answer: dict) -> None:
    json.dump(answer, sys.stdout, indent=2, ensure_ascii=False)
    print()


def ask(cloud, function: str, request: dict) -> dict:
    """Of a Cloud or a Target: what the keys function answers; its refusal ends the program."""
    answer = cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(request))
    body = json.loads(answer["Payload"].read() or b"null")
    if answer.get("FunctionError") or not isinstance(body, dict):
        stop_with(f"the keys function refused {json.dumps(request)}: {json.dumps(body, ensure_ascii=False)}")
    return body


def works(api_url: str, key: str) -> bool:
    status, _ = Api(api_url, key).call("GET", "/api/v1/webhooks")
    return status == 200
