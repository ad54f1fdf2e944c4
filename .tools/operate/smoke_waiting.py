"""The check of `make smoke` that keeps the dispatcher waiting for a slow receiver.

"When the maximum concurrency is reached, the event source mapping will stop reading messages from your SQS queue until
an invocation finishes": https://zaccharles.medium.com/does-maximum-concurrency-solve-the-lambda-sqs-issue-3c19701e6e75
AWS documents the limit and not this: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
Only then can an invocation that waits take the others' messages. The check measures both.
"""

import time
from typing import TYPE_CHECKING

from base import attempts
from base.receivers import SLOW_SECONDS
from operate.smoke_figures import OTHER_TYPE, delay, expect, new_id, percentiles

if TYPE_CHECKING:
    from operate.smoke_checks import Smoke

SLOW_EACH, MOST_SLOW = 4, 100  # events to the slow receiver: for each invocation, and at most
# Their time. They come one by one, so that they become several batches, and before the 3 s of the slow lane.
SLOW_COME_SECONDS = 2.0
OTHERS, PAUSE_SECONDS = 20, 0.25  # events to another receiver, while the first ones wait
END_SECONDS = 3.0  # until invocations whose last attempt has ended have ended, too
GIVEN_SECONDS = 0.25  # within which an invocation begins what Lambda gave it


def measure(smoke: "Smoke", log_delay: float) -> str:
    """The delay of events to a receiver while invocations wait for another one. The log comes after the delay.

    Both webhooks belong to one tenant, so fair queues do not help. The slow receiver occupies no execution of the
    account: see smoke_receiver.yaml.
    """
    most = int(smoke.target.stack.parameters()["DispatcherConcurrency"])
    slow = [new_id() for _ in range(min(SLOW_EACH * most, MOST_SLOW))]
    others = [new_id() for _ in range(OTHERS)]
    since = time.time()
    with smoke.webhook(kind=OTHER_TYPE, url=smoke.receiver.slow_url), smoke.webhook():
        for event in slow:
            smoke.send([event], kind=OTHER_TYPE)
            time.sleep(SLOW_COME_SECONDS / len(slow))
        for event in others:
            smoke.send([event])
            time.sleep(PAUSE_SECONDS)
        delays = [delay(request) for request in smoke.receive(others).values()]
        time.sleep(max(0.0, since + SLOW_COME_SECONDS + SLOW_SECONDS + END_SECONDS + log_delay - time.time()))
    made = smoke.target.attempts(since)
    text = f"{describe(made, slow, others, most)}; the others' delay, ms: {percentiles(delays)}"
    worst = max(delays)
    expect(worst < SLOW_SECONDS / 2, f"an event waited {worst:.1f} s for the receiver of another: {text}")
    return text


def describe(made: list[attempts.Attempt], slow: list[str], others: list[str], most: int) -> str:
    """Says how many invocations waited, and who took the messages that came meanwhile."""
    waiting = [attempt for attempt in made if attempt.event in slow and attempt.lane == "normal"]
    waited = {attempt.invocation for attempt in waiting}
    later = attempts.taken(made, GIVEN_SECONDS)
    by_waiting = [a for invocation in waited for a in later[invocation] if a.event in others]
    return (
        f"{len(slow)} events to a receiver that takes {SLOW_SECONDS} s kept {attempts.at_once(waiting)} of {most} "
        f"invocations waiting at once; of {len(others)} other events, invocations that waited took {len(by_waiting)}, "
        f"and one took {max((len(found) for found in later.values()), default=0)} messages at most"
    )
