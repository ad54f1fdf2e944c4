"""The account's limit of concurrent functions against the parameters."""

from collections.abc import Iterator

from operate import account
from operate.preflight.finding import Finding, count, ok, warning
from operate.preflight.plan import Plan

CONSUMERS = ("FanoutConcurrency", "DispatcherConcurrency", "SlowConcurrency")
ROOM = 50  # what the API should have at least, so that a burst of requests is not refused
RAISE = "Raise the limit (Service Quotas, AWS Lambda, Concurrent executions; free of charge, takes a day or so)"


def check(plan: Plan) -> Iterator[Finding]:
    """Compares the functions that may run for the queues with those that the account may run.

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
    """
    allowed = account.concurrency(plan.client)
    limit, free = allowed.limit, allowed.unreserved
    used = sum(int(plan.parameters[name]) for name in CONSUMERS)
    sums = " + ".join(f"{name.removesuffix('Concurrency')} {plan.parameters[name]}" for name in CONSUMERS)
    of = f"{limit} at once in this account" + (f", {free} of them not reserved" if free < limit else "")
    if free <= used:
        yield warning(
            f"The functions for the queues may use {used} ({sums}) of {of}. Under load no room is left for the API and "
            f"the retrier: callers get 5xx.\n{RAISE}, or lower the three parameters."
        )
    elif free - used < ROOM:
        yield warning(
            f"Room for {count(free - used, 'function')} at once is left for the API and for others: those for the "
            f"queues may use {used} ({sums}) of {of}. That is enough to try it. {RAISE} before you have traffic."
        )
    else:
        yield ok(f"{used} functions at once for the queues ({sums}), of {of}")
