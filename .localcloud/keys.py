"""API keys of a local stack, issued as an operator would: by invoking the keys function."""

import json

from cloud import Cloud
from demo import Api
from say import stop_with


def issue(cloud: Cloud, function: str, tenant: str) -> str:
    """A new key of the tenant. The cloud stores its hash only, so this is the one time it is seen."""
    payload = json.dumps({"action": "issue", "tenant_id": tenant})
    answer = cloud.client("lambda").invoke(FunctionName=function, Payload=payload)
    body = json.loads(answer["Payload"].read() or b"null")
    if answer.get("FunctionError") or not isinstance(body, dict) or not body.get("api_key"):
        stop_with(f"the keys function issued no key for the tenant {tenant}: {json.dumps(body, ensure_ascii=False)}")
    return body["api_key"]


def works(api_url: str, key: str) -> bool:
    status, _ = Api(api_url, key).call("GET", "/api/v1/webhooks")
    return status == 200
