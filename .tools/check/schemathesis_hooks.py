"""Tells schemathesis what the OpenAPI document cannot say. schemathesis.toml loads this module."""

import unicodedata
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


@schemathesis.hook  # type: ignore[untyped-decorator]
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Replaces the host of the document's examples."""
    body = case.body
    if isinstance(body, dict) and isinstance(body.get("url"), str):
        body["url"] = body["url"].replace("https://your-server.com", NOBODY)
