"""Tells schemathesis what the OpenAPI document cannot say. schemathesis.toml loads this module."""

import itertools
import unicodedata
from collections.abc import Iterator
from typing import Any

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


FORGED = '\n{"level":"ERROR","message":"forged"}\n'
DEEP: Any = 0
for _ in range(300):
    DEEP = [DEEP]

# What strangers send, beyond the values of the document: a part of the request, and what is put into it. A path is
# escaped already.
HOSTILE: Iterator[tuple[str, dict[str, Any]]] = itertools.cycle([
    ("query", {"befor": "3"}),
    ("query", {FORGED: FORGED}),
    ("query", {"page": ["1", "1"]}),
    ("query", {"\x00": "\x7f"}),
    ("headers", {"Content-Encoding": "gzip"}),
    ("headers", {"Content-Encoding": "identity, br"}),
    ("path_parameters", {"webhook_id": "1%23x"}),
    ("path_parameters", {"webhook_id": "1%3Fpage=1"}),
    ("path_parameters", {"webhook_id": "1%0A%7B%22level%22%3A%22ERROR%22%7D%0A"}),
    ("path_parameters", {"webhook_id": "1%00", "log_id": "%2531"}),
    ("body", {"data": DEEP, "name": DEEP}),
    ("body", {f"member-{i}": i for i in range(5000)}),
    ("body", {"events": [{}] * 101}),
])  # fmt: skip


@schemathesis.hook  # type: ignore[untyped-decorator]
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Replaces the host of the document's examples, and makes an invalid request worse.

    In a valid request the id of a body is that of the path, which the document can say in words only.
    """
    body, parameters = case.body, case.path_parameters or {}
    if isinstance(body, dict) and isinstance(body.get("url"), str):
        body["url"] = body["url"].replace("https://your-server.com", NOBODY)
    if case.meta is None or not case.meta.generation.mode.is_negative:
        if isinstance(body, dict) and "webhook_id" in body and "webhook_id" in parameters:
            body["webhook_id"] = int(parameters["webhook_id"])
        return
    part, more = next(HOSTILE)
    target = getattr(case, part)
    if part == "path_parameters":
        more = {name: value for name, value in more.items() if name in parameters}
    if hasattr(target, "update"):
        target.update(more)
