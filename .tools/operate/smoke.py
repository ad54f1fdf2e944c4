"""`make smoke ENV=dev`: does the deployed stack do what it promises, and what does only AWS show?

First the end-to-end tests that need no receiver, then deliveries to a receiver of its own, then the numbers.
It leaves a tenant `smoke-…` without webhooks and those of the tests, `tenant-…`, whose URLs nobody has.
"""

import json
import secrets
import statistics
import time

from standardwebhooks.webhooks import Webhook

from cloud import demo
from base.console import say, stop_with
from operate.target import Receiver, Target, run_go_tests
from base.venvs import ROOT

# Tests of shared/systemtest/e2e that speak with the API alone.
WITHOUT_RECEIVER = (
    "^Test(CreateAnswersAsDocumented|CreateWithoutASecretShowsTheGeneratedOne|CreateDecidesWhetherItIsEnabled|CreateTakesEveryDocumentedEventType"
    "|ListAnswersAsDocumented|GetAnswersAsDocumented|UpdateChangesWhatItIsGiven|WhatGetShowsCanBeSentBack|DeleteAnswersWithoutABody"
    "|WithoutAKeyNothingIsAnswered|UnknownRoutesAnswerInTheEnvelope|ErrorsSpeakTheCallersLanguage|AnEndedKeyIsRefused|OnlyIAMIssuesKeys"
    "|BadRequestsForKeysAreRefused|CreateRefusesWhatIsNotOneObject|CreateRefusesWrongTypes|UpdateRefusesBadBodies|BadIDsAreRefused|BadPagesAreRefused)$"
)
EVENTS, QUIET, NOISE, NOISE_LOCAL = 30, 10, 300, 40
PATIENCE = 60.0
TYPE, OTHER_TYPE = "alert.triggered", "alert.resolved"
LOG_DELAY_SECONDS = 15  # until CloudWatch has the last lines
SMALLEST_ACCOUNT = 100  # concurrent executions, below which the noise would only meet the account's own limit


class Smoke:
    """One run: a tenant, its key, and what was found."""

    def __init__(self, target: Target, receiver: Receiver, tenant: str, key: str):
        self.target, self.receiver, self.tenant = target, receiver, tenant
        self.api, self.found, self.failed = demo.Api(target.api_url, key), {}, []

    def check(self, name: str, work) -> None:
        """Runs one check; what it answers is its figures, and what it raises its failure."""
        try:
            self.found[name] = work()
            say(f"  ok    {name}: {self.found[name]}")
        except Exception as error:  # noqa: BLE001 (a check must not end the others)
            self.failed.append(name)
            say(f"  FAIL  {name}: {type(error).__name__}: {error}")
        except SystemExit as stopped:
            self.failed.append(name)
            say(f"  FAIL  {name}: {stopped}")

    def webhook(self, query: str = "", api: demo.Api | None = None, kind: str = TYPE) -> dict:
        body = {"name": "make smoke", "url": self.receiver.url + query, "events": [kind]}
        return (api or self.api).must(201, "POST", "/api/v1/webhooks", body)

    def delete(self, webhook: dict, api: demo.Api | None = None) -> None:
        (api or self.api).call("DELETE", f"/api/v1/webhooks/{webhook['webhook_id']}")

    def send(self, ids: list[str], tenant: str | None = None, kind: str = TYPE) -> None:
        """Publishes events by SQS, ten at a time."""
        sqs = self.target.client("sqs")
        for start in range(0, len(ids), 10):
            entries = [{"Id": str(n), "MessageBody": self.event(i, tenant, kind)} for n, i in enumerate(ids[start:start + 10])]
            answer = sqs.send_message_batch(QueueUrl=self.target.outputs["EventsQueueUrl"], Entries=entries)
            assert not answer.get("Failed"), answer["Failed"]

    def event(self, name: str, tenant: str | None = None, kind: str = TYPE) -> str:
        return json.dumps({"id": name, "type": kind, "tenant_id": tenant or self.tenant, "data": {"sent": time.time()}})

    def receive(self, ids: list[str]) -> dict[str, tuple[dict, str, float]]:
        """The first request of each event; others are let pass."""
        got, deadline = {}, time.monotonic() + PATIENCE
        while set(ids) - set(got):
            request = self.receiver.next(deadline - time.monotonic())
            assert request, f"{len(got)} of {len(ids)} events came within {PATIENCE:.0f} s"
            if request[0]["webhook-id"] in ids:
                got.setdefault(request[0]["webhook-id"], request)
        return got

    def doors(self) -> str:
        """An event by SQS, by EventBridge and by HTTP arrives, signed."""
        webhook = self.webhook()
        self.send([by_sqs := name()])
        entry = {"EventBusName": self.target.outputs["EventBusName"], "Source": "smoke", "DetailType": TYPE, "Detail": json.dumps({"tenant_id": self.tenant})}
        by_bus = self.target.client("events").put_events(Entries=[entry])["Entries"][0]["EventId"]
        by_http = self.api.must(202, "POST", "/api/v1/events", {"id": name(), "type": TYPE, "data": 1})["id"]
        for headers, body, _ in self.receive([by_sqs, by_bus, by_http]).values():
            Webhook(webhook["secret"]).verify(body, headers)
        self.delete(webhook)
        return "SQS, EventBridge and HTTP, each signature verified"

    def latency(self) -> str:
        """From the producer's send to the receiver, one event after the other."""
        webhook, delays = self.webhook(), []
        for _ in range(EVENTS):
            self.send([one := name()])
            ((_, body, at),) = self.receive([one]).values()
            delays.append(at - json.loads(body)["data"]["sent"])
        self.delete(webhook)
        return "ms " + percentiles(delays)

    def retry(self) -> str:
        webhook, began = self.webhook("?status=500"), time.monotonic()
        self.send([one := name()])
        first = self.receive([one])[one]
        second = self.receive([one])[one]
        self.delete(webhook)
        assert first[1] == second[1], "the second attempt has another body"
        return f"second attempt {second[2] - first[2]:.1f} s after the first, {time.monotonic() - began:.1f} s in all"

    def noise(self) -> str:
        """How long events to two quiet webhooks take while a third's receiver is slow and busy.

        Queues are fair between tenants (MessageGroupId), so another tenant's webhook should not notice. What
        spares another webhook of the same tenant is the slow lane, which takes attempts of more than 3 s.
        """
        limit = self.target.concurrency()
        if limit < SMALLEST_ACCOUNT:
            return f"not tried: this account runs {limit} functions at once, and the noise would only meet that"
        tenant, noise = f"smoke-noisy-{secrets.token_hex(4)}", NOISE_LOCAL if self.target.local else NOISE
        issued = self.target.keys(action="issue", tenant_id=tenant)
        api = demo.Api(self.target.api_url, issued["api_key"])
        noisy, same, other = self.webhook("?wait=2", api), self.webhook("", api, OTHER_TYPE), self.webhook()
        delays = {"another tenant's webhook": [], "another webhook of the same tenant": []}
        self.send([name() for _ in range(noise)], tenant)
        for _ in range(QUIET):
            self.send([theirs := name()])
            self.send([ours := name()], tenant, OTHER_TYPE)
            got = self.receive([theirs, ours])
            for list_, (_, body, at) in zip(delays.values(), (got[theirs], got[ours])):
                list_.append(at - json.loads(body)["data"]["sent"])
        for webhook, owner in ((noisy, api), (same, api), (other, self.api)):
            self.delete(webhook, owner)
        self.target.keys(action="revoke", key_id=issued["key_id"])
        return f"beside {noise} events to a receiver of 2 s, ms: " + ", ".join(f"{whose} {percentiles(d)}" for whose, d in delays.items())

    def authorizer(self) -> str:
        """Calls with a new key: the first asks the authorizer, the others should not. Then how long it outlives its end."""
        issued = self.target.keys(action="issue", tenant_id=self.tenant)
        api, times = demo.Api(self.target.api_url, issued["api_key"]), []
        for _ in range(20):
            began = time.monotonic()
            api.must(200, "GET", "/api/v1/webhooks")
            times.append(time.monotonic() - began)
        self.target.keys(action="revoke", key_id=issued["key_id"])
        revoked = time.monotonic()
        while api.call("GET", "/api/v1/webhooks")[0] == 200:
            assert time.monotonic() - revoked < 90, "the key works 90 s after it was revoked"
            time.sleep(1)
        return f"first call {times[0] * 1000:.0f} ms, the others {percentiles(times[1:])}; a revoked key worked for {time.monotonic() - revoked:.0f} s more"

    def invocations(self, since: float) -> str:
        """Cold starts and billed milliseconds, from Lambda's own lines."""
        time.sleep(0 if self.target.local else LOG_DELAY_SECONDS)
        reports = self.target.reports(since)
        if not reports:
            return "none logged: deploy with FunctionSystemLogLevel=INFO"
        lines = []
        for function, list_ in sorted(reports.items()):
            cold = [init for _, init in list_ if init]
            starts = f", cold start {percentiles([c / 1000 for c in cold])}" if cold else ""
            lines.append(f"{function}: {len(list_)} invocations, {len(cold)} cold{starts}, billed {percentiles([b / 1000 for b, _ in list_])}")
        return "milliseconds\n          " + "\n          ".join(lines)


def run(environment: str) -> int:
    """Runs everything and returns the exit code."""
    target, tenant = Target(environment), f"smoke-{secrets.token_hex(4)}"
    issued, since = target.keys(action="issue", tenant_id=tenant), time.time()
    say(f"Smoke test of the stack {target.stack}, tenant {tenant}")
    tests = run_go_tests(target.stack_file(tenant, issued["api_key"]), WITHOUT_RECEIVER)
    with target.receiver() as receiver:
        smoke = Smoke(target, receiver, tenant, issued["api_key"])
        smoke.check("every door", smoke.doors)
        smoke.check("event to receiver", smoke.latency)
        smoke.check("retry", smoke.retry)
        smoke.check("beside a noisy webhook", smoke.noise)
        smoke.check("authorizer cache", smoke.authorizer)
        smoke.check("invocations", lambda: smoke.invocations(since))
    target.keys(action="revoke", key_id=issued["key_id"])
    report = ROOT / ".local" / f"smoke-{environment}.json"
    report.write_text(json.dumps({"stack": target.stack, "at": time.strftime("%FT%TZ", time.gmtime()), "found": smoke.found, "failed": smoke.failed}, indent=2) + "\n")
    say(f"\nWritten to {report.relative_to(ROOT)}.")
    if tests or smoke.failed:
        stop_with(f"failed: {', '.join([*smoke.failed, *(['the end-to-end tests'] if tests else [])])}")
    return 0


def name() -> str:
    return f"smoke_{secrets.token_hex(8)}"


def percentiles(seconds: list[float]) -> str:
    """Median, 95th percentile and maximum, in milliseconds."""
    ordered = sorted(s * 1000 for s in seconds)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return f"p50 {statistics.median(ordered):.0f} p95 {p95:.0f} max {ordered[-1]:.0f}"
