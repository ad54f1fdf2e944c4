"""Tells schemathesis what the OpenAPI document cannot say. schemathesis.toml loads this module."""

import itertools
import json
import re
import unicodedata
from typing import Any

import requests  # type: ignore[import-untyped]
import schemathesis
from hypothesis import strategies

# Nothing listens there: test deliveries fail at once, and no request reaches somebody's server.
NOBODY = "https://127.0.0.1:9"
URL = r"https://127\.0\.0\.1:9(/[a-zA-Z0-9._~-]{0,40}){0,3}(\?[a-z0-9=&]{0,40})?"

# The rules for a URL (a public host, certain ports, no user name) have no pattern. These URLs obey them on
# the local stack, which accepts loopback.
schemathesis.openapi.format("iri", strategies.from_regex(URL, fullmatch=True))


def hidden(character: str) -> bool:
    """Reports whether a character shows nothing, beyond those that the document's patterns list."""
    code = ord(character)
    unassigned = 0xE0000 <= code <= 0xE0FFF or 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE
    return unassigned or unicodedata.category(character) == "Cf"


def alone(character: str) -> bool:
    """Reports whether a character is visible without another one before it."""
    return not hidden(character) and unicodedata.category(character)[0] not in "CZM"


@schemathesis.hook  # type: ignore[untyped-decorator]
def filter_body(context: Any, body: Any) -> bool:
    """Leaves out names and secrets that the patterns accept and the service does not: a pattern cannot list every
    combining mark and every hidden character of Unicode.
    """
    if not isinstance(body, dict):
        return True
    name, secret = body.get("name"), body.get("secret")
    visible = all(any(map(alone, text)) for text in (name, secret) if isinstance(text, str) and text)
    return visible and not (isinstance(secret, str) and any(map(hidden, secret)))


@schemathesis.hook  # type: ignore[untyped-decorator]
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Replaces the host of the document's examples.

    In a valid request the id of a body is that of the path, which the document can say in words only.
    """
    body, parameters = case.body, case.path_parameters or {}
    if not isinstance(body, dict):
        return
    if isinstance(body.get("url"), str):
        body["url"] = body["url"].replace("https://your-server.com", NOBODY)
    valid = case.meta is None or not case.meta.generation.mode.is_negative
    if valid and "webhook_id" in body and "webhook_id" in parameters:
        body["webhook_id"] = int(parameters["webhook_id"])


FORGED = "%0A%7B%22level%22%3A%22ERROR%22%2C%22message%22%3A%22forged%22%7D%0A"

# What strangers send, beyond the values of the document: a part of the request, and what is put into it.
HOSTILE = itertools.cycle([
    ("query", "befor=3"),
    ("body", json.dumps({f"member-{i}": i for i in range(5000)})),
    ("query", f"{FORGED}={FORGED}"),
    ("path", "1%23x"),
    ("coding", "gzip"),
    ("query", "page=1&page=1"),
    ("body", '{"name":' + "[" * 5000 + "]" * 5000 + "}"),
    ("path", "1%3Fpage=1"),
    ("query", "%00=%7F"),
    ("body", '{"events":[' + "{}," * 100 + "{}]}"),
    ("path", f"1{FORGED}"),
    ("coding", "identity, br"),
    ("query", "page=%zz"),
    ("path", "%2531"),
])  # fmt: skip


def made_worse(request: requests.PreparedRequest, takes_body: bool) -> requests.PreparedRequest | None:
    """The request with the next hostile part, or None if it has no such part."""
    part, value = next(HOSTILE)
    worse, url = request.copy(), str(request.url)
    if part == "query":
        worse.url = url + ("&" if "?" in url else "?") + value
    elif part == "path":
        worse.url = re.sub(r"/webhooks/[^/?]+", f"/webhooks/{value}", url)
    elif takes_body and part == "coding":
        worse.headers["Content-Encoding"] = value
    elif takes_body:
        worse.prepare_body(value.encode(), None)
    return None if (worse.url, worse.body, worse.headers) == (request.url, request.body, request.headers) else worse


@schemathesis.check  # type: ignore[untyped-decorator]
def refuses_what_strangers_send(ctx: Any, response: Any, case: Any) -> None:
    """Sends each accepted request again, made worse: it must be refused in a documented way."""
    if response.status_code >= 400:
        return
    worse = made_worse(response.request, takes_body=bool(case.operation.body))
    if worse is not None:
        with requests.Session() as session:
            answer = session.send(worse, timeout=20)
        assert 400 <= answer.status_code < 500, f"{worse.method} {worse.url} got {answer.status_code}"
        case.operation.validate_response(answer)
