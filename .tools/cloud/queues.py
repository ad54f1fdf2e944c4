"""Corrects the queues of ministack 1.5.33 where an event source mapping and a function read the same queue.

The dispatcher receives messages itself while Lambda gives it others. Each correction says when it can go.
"""

import asyncio
import contextlib
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from typing import Any

from ministack.services import eventbridge, sqs

POLL_SECONDS = 0.01
HANDLE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # of every message that ministack hands out

Answer = dict[str, Any]


def correct() -> None:
    """Makes all corrections."""
    sqs._queues_lock = lock = threading.RLock()
    take_turns(lock)
    delete_with_any_handle()
    receive_soon(lock)
    hand_out_copies(lock)


def take_turns(lock: threading.RLock) -> None:
    """Lets one thread at a time read or change the queues.

    API handlers, mappings and other services share the lists of messages. Most actions replace the list of a queue,
    and without a common lock they hand out a message twice, or lose one that is sent at the same time.

    Can go when ministack's handlers hold the lock that its mappings hold.
    """

    def in_turn(action: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(action)
        def locked(*args: Any, **kwargs: Any) -> Any:
            with lock:
                return action(*args, **kwargs)

        return locked

    for name, handler in sqs._HANDLERS.items():
        if name != "ReceiveMessage":  # which waits: see receive_soon
            sqs._HANDLERS[name] = in_turn(handler)
    for module, name in ((sqs, "get_state"), (eventbridge, "_dispatch_to_sqs")):
        setattr(module, name, in_turn(getattr(module, name)))


def receive_soon(lock: threading.RLock) -> None:
    """Lets a long poll look for messages every 10 ms, and not every 100, which others would see as latency.

    Of the polls that wait for a queue, one looks and the others wait for their turn: many dispatchers poll at once.

    Can go when a long poll answers as soon as a message is sent.
    """
    receive = sqs._HANDLERS["ReceiveMessage"]
    turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def receive_at_once(data: Answer, queue_url: str) -> Answer:
        with lock:
            # Without a wait the action never suspends, so nothing else runs while this thread has the lock.
            answer: Answer = await receive({**data, "WaitTimeSeconds": 0}, queue_url)
        return answer

    async def receive_by(deadline: float, data: Answer, queue_url: str) -> Answer:
        queue = sqs._get_q(data.get("QueueUrl", queue_url))
        while time.monotonic() < deadline:
            if visible(queue) and (answer := await receive_at_once(data, queue_url)):
                return answer
            await asyncio.sleep(POLL_SECONDS)
        return {}

    async def receive_in_turn(data: Answer, queue_url: str) -> Answer:
        answer = await receive_at_once(data, queue_url)
        queue = sqs._get_q(data.get("QueueUrl", queue_url))
        wait = float(data.get("WaitTimeSeconds", queue["attributes"].get("ReceiveMessageWaitTimeSeconds")) or 0)
        if answer or not wait:
            return answer
        deadline = time.monotonic() + wait
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await turns[queue["url"]].acquire()
            try:
                answer = await receive_by(deadline, data, queue_url)
            finally:
                turns[queue["url"]].release()
        return answer

    sqs._HANDLERS["ReceiveMessage"] = receive_in_turn


def visible(queue: Answer) -> bool:
    """Whether a queue may have a message to hand out. It needs no lock: a wrong answer is right 10 ms later."""
    now = time.time()
    return any(message.get("visible_at", 0) <= now for message in queue["messages"])


def hand_out_copies(lock: threading.RLock) -> None:
    """Gives a mapping copies of the messages that it reads.

    It deletes them by the handles that they have after the invocation. A message that became visible meanwhile and
    was received again has the handle of its new receiver, who would lose it.

    Can go when a mapping keeps the handles that it got.
    """
    receive = sqs._receive_messages_for_esm

    def receive_copies(queue_url: str, max_number: int) -> list[Answer]:
        with lock:
            return [dict(message) for message in receive(queue_url, max_number)]

    sqs._receive_messages_for_esm = receive_copies


def delete_with_any_handle() -> None:
    """Lets a deletion succeed, and delete nothing, whose handle is not the newest of its message.

    "If you don't provide the most recently received receipt handle for the message, the request will still succeed,
    but the message might not be deleted":
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html

    Can go when a message that is deleted already may be deleted again here.
    """
    delete, delete_batch = sqs._HANDLERS["DeleteMessage"], sqs._HANDLERS["DeleteMessageBatch"]

    def delete_one(data: Answer, queue_url: str) -> Answer:
        try:
            answer: Answer = delete(data, queue_url)
        except sqs._Err as error:
            if error.code != "ReceiptHandleIsInvalid" or not HANDLE.fullmatch(data["ReceiptHandle"]):
                raise
            return {}
        return answer

    def delete_many(data: Answer, queue_url: str) -> Answer:
        answer: Answer = delete_batch(data, queue_url)
        handles = {entry["Id"]: entry["ReceiptHandle"] for entry in data["Entries"]}
        stale = [failed for failed in answer["Failed"] if HANDLE.fullmatch(handles[failed["Id"]])]
        return {
            "Successful": [*answer["Successful"], *({"Id": failed["Id"]} for failed in stale)],
            "Failed": [failed for failed in answer["Failed"] if failed not in stale],
        }

    sqs._HANDLERS |= {"DeleteMessage": delete_one, "DeleteMessageBatch": delete_many}
