"""How AWS's answers about errors are read."""

import re
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from operate.preflight.finding import Finding, warning

# The codes by which the services refuse a caller who lacks a permission.
DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException"} | {
    "NotAuthorized",
    "UnauthorizedOperation",
    "403",
    "Forbidden",
}
# The action in the message, such as: … is not authorized to perform: sns:GetTopicAttributes on resource: …
ACTION = re.compile(r"perform: ?([a-z0-9-]+:[A-Za-z*]+)")


def read(call: Callable[[], dict[str, Any]], *missing: str) -> dict[str, Any] | None:
    """The answer of a call; None when it fails with one of these codes."""
    try:
        return call()
    except ClientError as error:
        if code(error) in missing:
            return None
        raise


def code(error: ClientError) -> str:
    """The code of an error."""
    return str(error.response["Error"]["Code"])


def message(error: BotoCoreError | ClientError) -> str:
    """What AWS, or the way to it, says about an error."""
    if isinstance(error, BotoCoreError):
        return str(error)
    return str(error.response["Error"].get("Message") or code(error))


def unanswered(error: BotoCoreError | ClientError, needs: tuple[str, ...]) -> Finding:
    """That a check could not be made; `needs` has its permissions."""
    if isinstance(error, ClientError) and code(error) in DENIED:
        named = ACTION.search(message(error))
        permission = named[1] if named else " and ".join(needs)
        return warning(f"not checked: your credentials lack the permission {permission}. Add it, or check by hand.")
    if isinstance(error, EndpointConnectionError):
        return warning(f"not checked: {error}. The service is missing in this region, or your network blocks it.")
    where = f"{error.operation_name}: " if isinstance(error, ClientError) else ""
    return warning(f"not checked: {where}{message(error)}")
