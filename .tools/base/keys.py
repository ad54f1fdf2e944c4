"""Asks the keys function of a stack for API keys, as an operator does: by invoking it."""

import json
from typing import Any

from base.console import stop_with
from base.stacks import Stack


def ask(stack: Stack, **request: object) -> dict[str, Any]:
    """The function's answer to a request such as action="issue", tenant_id="acme". A refusal stops the program."""
    function = stack.outputs().get("KeysFunctionName")
    if not function:
        stop_with(f"the stack {stack.name} has no output KeysFunctionName.")
    answer = stack.client("lambda").invoke(FunctionName=function, Payload=json.dumps(request))
    body = json.loads(answer["Payload"].read() or b"null")
    if answer.get("FunctionError") or not isinstance(body, dict):
        asked, answered = json.dumps(request), json.dumps(body, ensure_ascii=False)
        stop_with(f"the keys function refused {asked}: {answered}")
    return body


def issue(stack: Stack, tenant: str, scopes: str = "") -> str:
    """A new key of the tenant with all scopes, or with those named (separated by spaces or commas).

    The stack stores the hash of a key only, so this is the one time that it can be read.
    """
    request: dict[str, object] = {"action": "issue", "tenant_id": tenant}
    if scopes:
        request["scopes"] = scopes.replace(",", " ").split()
    return str(ask(stack, **request)["api_key"])
