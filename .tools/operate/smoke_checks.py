"""The checks of `make smoke` that publish events and wait for their deliveries."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from standardwebhooks.webhooks import Webhook

from base.api import Api
from base.console import say
from base.receivers import QueueReceiver, Request
from operate import smoke_logs, smoke_waiting
from operate.smoke_figures import OTHER_TYPE, TYPE, CheckError, delay, expect, new_id, percentiles
from operate.smoke_receiver import AwsReceiver
from operate.smoke_tenants import Tenants
from operate.target import Target

EVENTS, QUIET, NOISE, NOISE_LOCAL = 30, 10, 300, 40  # numbers of events
DELIVERY_SECONDS = 60.0
LOG_DELAY_SECONDS = 15  # until CloudWatch has the last lines
SMALLEST_ACCOUNT = 100  # concurrent executions; with fewer, noise measures the account's limit only
CALLS, REVOKED_SECONDS = 20, 90


class Smoke:
    """One run: a tenant, its key, and what was found."""

    def __init__(
        self, target: Target, receiver: QueueReceiver | AwsReceiver, tenants: Tenants, tenant: str, key: str
    ) -> None:
        """The tenant is a new one; the key has all scopes."""
        self.target, self.receiver, self.tenants, self.tenant = target, receiver, tenants, tenant
        self.api = Api(target.api_url, key)
        self.found: dict[str, str] = {}
        self.failed: list[str] = []

    def check_all(self, since: float) -> None:
        """Runs every check; the invocations are those since that time."""
        self.check("every door", self.publishing)
        self.check("event to receiver", self.latency)
        self.check("retry", self.retry)
        self.check("ids of logs", lambda: smoke_logs.measure(self))
        self.check("beside a noisy webhook", self.noise)
        self.check("while the dispatcher waits", lambda: smoke_waiting.measure(self, self.log_delay()))
        self.check("authorizer cache", self.authorizer)
        self.check("invocations", lambda: self.invocations(since))

    def check(self, name: str, measure: Callable[[], str]) -> None:
        """Runs one check, which returns its figures. A failure does not end the other checks."""
        try:
            self.found[name] = measure()
            say(f"  ok    {name}: {self.found[name]}")
        except Exception as error:
            self.failed.append(name)
            say(f"  FAIL  {name}: {type(error).__name__}: {error}")
        except SystemExit as stopped:
            if not isinstance(stopped.code, str):  # the end of the program, not a reason of stop_with
                raise
            self.failed.append(name)
            say(f"  FAIL  {name}: {stopped}")

    @contextmanager
    def webhook(self, query: str = "", api: Api | None = None, kind: str = TYPE, url: str = "") -> Iterator[Any]:
        """A webhook during the body, for a type of events. The receiver, or a URL, answers as the query says."""
        owner = api or self.api
        body = {"name": "make smoke", "url": (url or self.receiver.url) + query, "events": [kind]}
        made = owner.must(201, "POST", "/api/v1/webhooks", body)
        try:
            yield made
        finally:
            owner.call("DELETE", f"/api/v1/webhooks/{made['webhook_id']}")

    def send(self, ids: list[str], tenant: str | None = None, kind: str = TYPE) -> None:
        """Publishes events by SQS, ten at a time."""
        sqs = self.target.stack.client("sqs")
        for start in range(0, len(ids), 10):
            batch = enumerate(ids[start : start + 10])
            entries = [{"Id": str(n), "MessageBody": self.event(event, tenant, kind)} for n, event in batch]
            answer = sqs.send_message_batch(QueueUrl=self.target.outputs["EventsQueueUrl"], Entries=entries)
            expect(not answer.get("Failed"), f"SQS refused {answer.get('Failed')}")

    def event(self, event: str, tenant: str | None = None, kind: str = TYPE) -> str:
        """A message for the events queue, with the time as its data."""
        data = {"sent": time.time()}
        return json.dumps({"id": event, "type": kind, "tenant_id": tenant or self.tenant, "data": data})

    def receive(self, ids: list[str]) -> dict[str, Request]:
        """The first request of each event from now on. Requests for other events are ignored."""
        got: dict[str, Request] = {}
        deadline = time.monotonic() + DELIVERY_SECONDS
        while set(ids) - set(got):
            request = self.receiver.next(deadline - time.monotonic())
            if request is None:
                raise CheckError(f"{len(got)} of {len(ids)} events came within {DELIVERY_SECONDS:.0f} s")
            if request.event in ids:
                got.setdefault(request.event, request)
        return got

    def publishing(self) -> str:
        """An event by SQS, by EventBridge and by HTTP arrives, signed."""
        entry = {
            "EventBusName": self.target.outputs["EventBusName"],
            "Source": "smoke",
            "DetailType": TYPE,
            "Detail": json.dumps({"tenant_id": self.tenant}),
        }
        with self.webhook() as webhook:
            self.send([by_sqs := new_id()])
            by_bus = self.target.stack.client("events").put_events(Entries=[entry])["Entries"][0]["EventId"]
            by_http = self.api.must(202, "POST", "/api/v1/events", {"id": new_id(), "type": TYPE, "data": 1})["id"]
            for request in self.receive([by_sqs, by_bus, by_http]).values():
                Webhook(webhook["secret"]).verify(request.body, request.headers)
        return "SQS, EventBridge and HTTP, each signature verified"

    def latency(self) -> str:
        """The time from the producer to the receiver, one event after the other."""
        delays = []
        with self.webhook():
            for _ in range(EVENTS):
                self.send([event := new_id()])
                delays.append(delay(self.receive([event])[event]))
        return "ms " + percentiles(delays)

    def retry(self) -> str:
        """A second attempt follows, with the body of the first."""
        with self.webhook("?status=500"):
            began = time.monotonic()
            self.send([event := new_id()])
            both = [self.receive([event])[event] for _ in range(2)]
        # The receiver's queue on AWS keeps no order.
        first, second = sorted(both, key=lambda request: request.at)
        expect(first.body == second.body, "the second attempt has another body")
        whole = time.monotonic() - began
        return f"second attempt {second.at - first.at:.1f} s after the first, {whole:.1f} s in all"

    def noise(self) -> str:
        """The delay of events to two quiet webhooks while the receiver of a third is slow and busy.

        Queues are fair between tenants (MessageGroupId), so a webhook of another tenant should not be delayed.
        A webhook of the same tenant is protected by the slow lane, which takes attempts of more than 3 s.
        """
        free = self.target.concurrency().unreserved
        if free < SMALLEST_ACCOUNT:
            return f"not tried: this account runs {free} functions at once, and noise would measure that limit only"
        noise = NOISE_LOCAL if self.target.local else NOISE
        tenant, key = self.tenants.new("smoke-noisy")
        api = Api(self.target.api_url, key)
        other_delays, same_delays = [], []
        with self.webhook("?wait=2", api), self.webhook("", api, OTHER_TYPE), self.webhook():
            self.send([new_id() for _ in range(noise)], tenant)
            for _ in range(QUIET):
                self.send([theirs := new_id()])
                self.send([ours := new_id()], tenant, OTHER_TYPE)
                got = self.receive([theirs, ours])
                other_delays.append(delay(got[theirs]))
                same_delays.append(delay(got[ours]))
        return (
            f"beside {noise} events to a receiver that takes 2 s, ms: another tenant's webhook "
            f"{percentiles(other_delays)}, "
            f"another webhook of the same tenant {percentiles(same_delays)}"
        )

    def authorizer(self) -> str:
        """The time of the first call with a new key, which invokes the authorizer, and of the next calls.

        The next calls should use the cache. Then, how long the key works after it is revoked.
        """
        issued = self.target.keys(action="issue", tenant_id=self.tenant)
        api, times = Api(self.target.api_url, issued["api_key"]), []
        for _ in range(CALLS):
            began = time.monotonic()
            api.must(200, "GET", "/api/v1/webhooks")
            times.append(time.monotonic() - began)
        self.target.keys(action="revoke", key_id=issued["key_id"])
        revoked = time.monotonic()
        while api.call("GET", "/api/v1/webhooks")[0] == 200:
            in_time = time.monotonic() - revoked < REVOKED_SECONDS
            expect(in_time, f"the key works {REVOKED_SECONDS} s after it was revoked")
            time.sleep(1)
        worked = time.monotonic() - revoked
        first = f"first call {times[0] * 1000:.0f} ms"
        return f"{first}, the others {percentiles(times[1:])}; a revoked key worked for {worked:.0f} s more"

    def log_delay(self) -> float:
        """How long the last lines of the log may take to come."""
        return 0 if self.target.local else LOG_DELAY_SECONDS

    def invocations(self, since: float) -> str:
        """Cold starts and billed milliseconds since that time, from Lambda's own log lines."""
        time.sleep(self.log_delay())
        reports = self.target.reports(since)
        if not reports:
            return "none logged: deploy with FunctionSystemLogLevel=INFO"
        lines = []
        for function, invocations in sorted(reports.items()):
            cold = [init for _, init in invocations if init]
            starts = f", cold start {percentiles([ms / 1000 for ms in cold])}" if cold else ""
            billed = percentiles([ms / 1000 for ms, _ in invocations])
            lines.append(f"{function}: {len(invocations)} invocations, {len(cold)} cold{starts}, billed {billed}")
        return "milliseconds\n          " + "\n          ".join(lines)
