"""Requests to SQS with up to ten entries, of which SQS may take some and not others."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

Entry = dict[str, Any]  # of a request: its id is Id
Wait = Callable[[float], object]  # waits for some seconds

MOST = 10  # entries of a request
MAX_BYTES = 1 << 20  # of the bodies of a request, together, and of a message of SQS
PAUSES = (0.2, 0.5, 1, 2)  # seconds between the tries


def of_ten(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """The entries in requests of at most ten.

    The bodies of a request have at most 1 MiB together:
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
    """
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        more = len(entry.get("MessageBody", "").encode())
        if batch and (len(batch) == MOST or size + more > MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += more
    if batch:
        yield batch


def request(call: Callable[[list[Entry]], dict[str, Any]], entries: list[Entry], wait: Wait) -> dict[str, Entry]:
    """Makes a request until SQS has taken every entry or refuses it. Returns what failed, by the entry's id.

    An entry has succeeded only if the answer says so. One that failed by the sender's fault is not tried again,
    unless the fault is to send too fast.
    """
    left, failures = {entry["Id"]: entry for entry in entries}, dict[str, Entry]()
    for pause in (*PAUSES, None):
        answer = call(list(left.values()))
        for taken in answer.get("Successful", []):
            left.pop(taken["Id"], None)
            failures.pop(taken["Id"], None)
        failures |= {failed["Id"]: failed for failed in answer.get("Failed", [])}
        failures |= {name: {"Id": name, "Code": "NoAnswer", "SenderFault": False} for name in left.keys() - failures}
        for name in [name for name in left if final(failures[name])]:
            del left[name]
        if not left or pause is None:
            break
        wait(pause)
    return failures


def final(failure: Entry) -> bool:
    """Whether another try would fail too."""
    return bool(failure.get("SenderFault")) and "Throttl" not in failure["Code"]


def describe(failure: Entry) -> str:
    """What SQS says about an entry that failed."""
    return ": ".join(text for text in (failure["Code"], failure.get("Message", "")) if text)
