"""Calls the REST API as a customer does, with an API key."""

import json
import os
import ssl
import urllib.error
import urllib.request
from typing import Any

from botocore.httpsession import get_cert_path

from base import proxies
from base.console import stop_with

TIMEOUT_SECONDS = 30


class Api:
    """The REST API with one key."""

    def __init__(self, url: str, key: str) -> None:
        """The URL ends before /api/v1. With an empty key, requests have no Authorization header."""
        self.url, self.key, self.opener = url, key, opener(url)

    def call(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        """Sends a request; returns the status and the envelope of the response."""
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, method=method, data=data, headers=headers)
        try:
            with self.opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
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


def opener(url: str) -> urllib.request.OpenerDirector:
    """Opens a URL: this machine without a proxy, AWS with the proxy and the certificates of the environment."""
    return urllib.request.build_opener(proxies.handler(url), urllib.request.HTTPSHandler(context=certificates()))


def certificates() -> ssl.SSLContext:
    """Trusts what the system trusts, what the AWS SDK brings, and AWS_CA_BUNDLE.

    Python from python.org on macOS has no certificates of its own until a script beside it is run.
    """
    context = ssl.create_default_context()
    for bundle in (get_cert_path(True), os.environ.get("AWS_CA_BUNDLE")):
        if bundle:
            context.load_verify_locations(cafile=bundle)
    return context


def decode(body: bytes) -> dict[str, Any]:
    """The JSON of a response; a body that is not JSON becomes {"body": …}."""
    try:
        decoded: dict[str, Any] = json.loads(body) if body else {}
    except json.JSONDecodeError:
        return {"body": body.decode(errors="replace")}
    return decoded
