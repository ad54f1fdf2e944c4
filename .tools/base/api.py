"""Calls the REST API as a customer does, with an API key."""

import json
import urllib.error
import urllib.request
from typing import Any

from base.console import stop_with

TIMEOUT_SECONDS = 30


class Api:
    """The REST API with one key."""

    def __init__(self, url: str, key: str) -> None:
        """The URL ends before /api/v1. With an empty key, requests have no Authorization header."""
        self.url, self.key = url, key

    def call(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        """Sends a request; returns the status and the envelope of the response."""
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, method=method, data=data, headers=headers)
        try:
            with without_proxy().open(request, timeout=TIMEOUT_SECONDS) as answer:
                return answer.status, decode(answer.read())
        except urllib.error.HTTPError as refused:
            return refused.code, decode(refused.read())

    def must(self, status: int, method: str, path: str, body: object = None) -> Any:
        """Returns the `data` of the response. Any status but the given one stops the program."""
        got, answer = self.call(method, path, body)
        if got != status:
            text = json.dumps(answer, ensure_ascii=False)
            stop_with(f"{method} {path} answered {got}, not {status}: {text}\n`make logs` shows the functions' logs.")
        return answer.get("data") or {}


def without_proxy() -> urllib.request.OpenerDirector:
    """Opens URLs without the proxies of the environment, which cannot reach this machine's loopback."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def decode(body: bytes) -> dict[str, Any]:
    """The JSON of a response; a body that is not JSON becomes {"body": …}."""
    try:
        decoded: dict[str, Any] = json.loads(body) if body else {}
    except json.JSONDecodeError:
        return {"body": body.decode(errors="replace")}
    return decoded
