"""Tests of the listing of dead letters, against stubbed AWS clients."""

import json
import unittest
from typing import Any
from unittest import mock

from base.paths import ROOT
from operate import letters, reading
from operate.letters import Group
from operate.origin import subject
from operate.reading import Reading
from testkit.stubs import Stubs, letter, moved, printed

EVENTS, DELIVERIES, BUS = (source for source, _ in letters.QUEUES.values())


class ReasonTest(unittest.TestCase):
    def test_a_function_writes_the_reason(self) -> None:
        self.assertEqual(letters.reason(letter(reason="conflict")), "conflict")

    def test_sqs_writes_no_reason(self) -> None:
        self.assertEqual(letters.reason(letter()), letters.TOO_OFTEN)
        self.assertEqual(letters.reason(letter(event_id="e1", sent_at="1")), letters.TOO_OFTEN)

    def test_the_reason_of_a_producer_is_not_ours(self) -> None:
        for attributes in ({"reason": "conflict", "detail": "x"}, {"ERROR_CODE": "x"}):
            self.assertEqual(letters.reason(moved(**attributes)), letters.TOO_OFTEN)
            self.assertEqual(letters.detail(moved(**attributes)), "")

    def test_eventbridge_writes_an_error(self) -> None:
        refused = letter(ERROR_CODE="NO_PERMISSIONS", ERROR_MESSAGE="denied")
        self.assertEqual((letters.reason(refused), letters.detail(refused)), (letters.NOT_SENT, "denied"))
        self.assertEqual(letters.detail(letter(ERROR_CODE="NO_PERMISSIONS")), "NO_PERMISSIONS")


class AdviceTest(unittest.TestCase):
    def test_every_reason_of_the_list_has_advice(self) -> None:
        listed = json.loads(letters.REASONS.read_text(encoding="utf-8"))
        self.assertEqual(list(letters.advice()), [entry["reason"] for entry in listed])
        for reason, advice in letters.advice().items():
            self.assertTrue(advice.happened and advice.do, reason)

    def test_the_reasons_of_sqs_and_eventbridge_are_in_the_list(self) -> None:
        self.assertLessEqual({letters.TOO_OFTEN, letters.NOT_SENT}, letters.advice().keys())

    def test_no_advice_drops_data(self) -> None:
        for reason, advice in {**letters.advice(), "unknown": letters.UNKNOWN_REASON}.items():
            self.assertNotRegex(f"{advice.happened} {advice.do}".lower(), "purge|delete|drop|discard|reset", reason)

    def test_no_page_advises_to_drop_letters(self) -> None:
        page = (ROOT / ".docs" / "operating.md").read_text(encoding="utf-8")
        lines = [line for line in page.splitlines() if line.startswith("| `") and "DeadLettersAlarm" in line]
        self.assertEqual(len(lines), 3)
        section = page.split("## Dead letters\n")[1].split("\n## ")[0]
        for line in [*lines, *section.splitlines()]:
            self.assertNotRegex(
                line.lower(), r"purge|\bdelete (it|them|the)|\bdrop|discard|reset|until (they|the letters)", line
            )


def described(it: dict[str, Any]) -> str:
    return letters.described(it, subject(it))


class DescribedTest(unittest.TestCase):
    def test_a_letter_names_its_event(self) -> None:
        it = letter(tenant_id="acme", event_id="e1", event_type="training.failed", message_id="m1", detail="why")
        self.assertEqual(described(it), 'tenant "acme", event "e1", type "training.failed": "why"')

    def test_a_letter_that_sqs_moved_is_named_by_its_body(self) -> None:
        it = moved(tenant_id="a liar")
        acme = 'tenant "acme", event "e1", type "t"'
        for body, want in {
            '{"id":"e1","type":"t","tenant_id":"acme","data":1}': acme,
            '{"kind":"delivery","format":1,"tenant_id":"acme","webhook_ids":[1,2],"event_id":"e1","type":"t"}': acme,
            '{"id":"e1","detail-type":"t","detail":{"tenant_id":"acme"}}': acme,
            r'{"redrive":1,"event_id":"e1","sent_at":1,"body":"{\"type\":\"t\"}"}': 'event "e1", type "t"',
            '{"type":"t","tenant_id":7}': 'type "t", message "id-1"',
        }.items():
            it["Body"] = body
            self.assertEqual(described(it), want, body)

    def test_a_body_may_be_anything(self) -> None:
        it = moved()
        for body in (
            "x",
            "[]",
            "1",
            "null",
            "[" * 100_000,
            '{"detail":1}',
            '{"redrive":1,',
            '{"redrive":1,"body":1}',
            "\ud800",
        ):
            it["Body"] = body
            self.assertEqual(described(it), 'message "id-1"', body[:20])

    def test_a_letter_without_a_readable_event_is_named_by_its_message(self) -> None:
        self.assertEqual(described(letter(message_id="m1")), 'message "m1"')

    def test_what_a_producer_wrote_stays_in_its_quotes(self) -> None:
        it = letter(tenant_id='x" all is well', event_id="\x1b[2J", detail="line\n  12 × conflict" + "x" * 2000)
        line = described(it)
        self.assertTrue(line.isprintable())
        self.assertTrue(line.startswith('tenant "x\\" all is well", event "\\u001b[2J": "line\\u000a  12 × conflict'))
        self.assertLess(len(line), 400)

    def test_a_cut_letter_says_so(self) -> None:
        self.assertIn(
            '(not the whole message: "cut from 9 bytes to 1")', described(letter(altered="cut from 9 bytes to 1"))
        )


class GroupTest(unittest.TestCase):
    def test_the_examples_are_of_different_tenants(self) -> None:
        group = Group()
        for tenant in ("a", "a", "a", "a", "b", "c", "d"):
            group.add(letter(tenant_id=tenant))
        self.assertEqual([tenant for tenant, _ in group.examples], ["a", "b", "c"])
        self.assertEqual((group.count, group.tenants["a"]), (7, 4))

    def test_many_tenants_fit_on_a_line(self) -> None:
        group = Group()
        for number in range(2000):
            group.add(letter(tenant_id=f"tenant-{number}" + "x" * 500))
        group.add(letter(tenant_id="tenant-7" + "x" * 500))
        self.assertLess(len(letters.by_tenant(group.tenants)), 600)
        self.assertTrue(letters.by_tenant(group.tenants).endswith(", 1,995 others 1,995"))


class ShowTest(unittest.TestCase):
    def setUp(self) -> None:
        self.stubs = Stubs()
        self.addCleanup(self.stubs.assert_all_called)

    def expect_all(self, **found: list[dict[str, Any]]) -> None:
        """Expects that the three queues are read, which have these letters."""
        self.stubs.expect_queues(EVENTS, DELIVERIES, BUS)
        for queue in (EVENTS, DELIVERIES, BUS):
            self.expect(queue, *found.get(queue, []))

    def expect(self, queue: str, *found: dict[str, Any], hidden: int = 0) -> None:
        self.stubs.expect_depth(queue, len(found), hidden)
        if found:
            self.stubs.expect_receive(queue, *found)
        for _ in range(reading.EMPTY_ANSWERS):
            self.stubs.expect_receive(queue)
        if found:
            self.stubs.expect_given_back(queue, *found)

    def show(self, status: int = 0) -> str:
        with printed() as out:
            self.assertEqual(letters.show(self.stubs.stack()), status)
        return out.getvalue()

    def test_letters_are_listed_by_queue_and_reason(self) -> None:
        conflicts = [
            letter(n, reason="conflict", tenant_id="acme", event_id=f"e{n}", detail=f"why {n}") for n in range(5)
        ]
        conflicts[4]["Attributes"]["SentTimestamp"] = "1769421661000"
        self.expect_all(**{EVENTS: [moved(9), *conflicts], BUS: [letter(10, ERROR_CODE="NO_PERMISSIONS")]})
        advice = letters.advice()
        want = f"""
EventsDeadLettersQueue (QUEUE=events): 6 letters

  5 × conflict
      {advice["conflict"].happened}
      {advice["conflict"].do}
      Oldest 2026-01-26 10:00:00, newest 2026-01-26 10:01:01; the oldest expires 2026-02-09 10:00:00 (UTC).
      Tenants: "acme" 5.
      3 examples of 5; texts in quotes are from the messages:
        - tenant "acme", event "e0": "why 0"
        - tenant "acme", event "e1": "why 1"
        - tenant "acme", event "e2": "why 2"

  1 × received_too_often
      {advice["received_too_often"].happened}
      {advice["received_too_often"].do}
      Oldest 2026-01-26 10:00:00, newest 2026-01-26 10:00:00; the oldest expires 2026-02-09 10:00:00 (UTC).
      Texts in quotes are from the messages:
        - message "id-9"

BusDeadLettersQueue (QUEUE=bus): 1 letter

  1 × not_sent_by_the_bus
      {advice["not_sent_by_the_bus"].happened}
      {advice["not_sent_by_the_bus"].do}
      Oldest 2026-01-26 10:00:00, newest 2026-01-26 10:00:00; the oldest expires 2026-02-09 10:00:00 (UTC).
      Texts in quotes are from the messages:
        - message "id-10": "NO_PERMISSIONS"

7 letters in 2 queues. All of them stay there.
"""
        self.assertEqual(self.show(), want)

    def test_an_empty_queue_is_reported(self) -> None:
        self.expect_all()
        self.assertEqual(self.show(), "\nNo dead letters.\n")

    def test_a_stack_without_the_queues_is_no_stack_without_letters(self) -> None:
        self.stubs.expect_queues(EVENTS)
        with self.assertRaisesRegex(SystemExit, "webhooks-dev has no Deliv.*Queue and no BusDeadLettersQueue"):
            letters.show(self.stubs.stack())

    def test_hidden_letters_are_reported(self) -> None:
        self.stubs.expect_queues(EVENTS, DELIVERIES, BUS)
        self.expect(EVENTS, hidden=12)
        self.expect(DELIVERIES)
        self.expect(BUS)
        shown = self.show()
        self.assertIn("EventsDeadLettersQueue (QUEUE=events): 0 letters\nAbout 12 letters could not be read:", shown)
        self.assertIn("No other dead letters.", shown)

    def test_an_unknown_reason_is_listed_in_quotes(self) -> None:
        self.expect_all(**{EVENTS: [letter(reason="of a\nlater version", detail="why")]})
        shown = self.show()
        self.assertIn('1 × "of a\\u000alater version"', shown)
        self.assertIn(letters.UNKNOWN_REASON.do, shown)

    def test_many_reasons_stay_readable(self) -> None:
        self.expect_all(**{EVENTS: [letter(n, reason=f"reason-{n}") for n in range(9)]})
        with mock.patch.object(letters, "GROUPS", 4):
            self.assertIn("  5 × 5 other reasons\n", self.show())

    def test_a_queue_that_cannot_be_read_does_not_hide_the_others(self) -> None:
        self.stubs.expect_queues(EVENTS, DELIVERIES, BUS)
        self.stubs.stub("sqs").add_client_error("get_queue_attributes", "AccessDenied")
        self.expect(DELIVERIES, letter(reason="unreadable"))
        self.expect(BUS)
        shown = self.show(status=1)
        self.assertIn("EventsDeadLettersQueue could not be read: An error occurred (AccessDenied)", shown)
        self.assertIn("1 × unreadable", shown)

    def test_what_was_counted_before_a_failure_is_printed_and_given_back(self) -> None:
        self.stubs.expect_queues(EVENTS, DELIVERIES, BUS)
        self.stubs.expect_depth(EVENTS, 2)
        self.stubs.expect_receive(EVENTS, letter(reason="conflict"))
        self.stubs.stub("sqs").add_client_error("receive_message", "ServiceUnavailable")
        self.stubs.expect_given_back(EVENTS, letter())
        self.expect(DELIVERIES)
        self.expect(BUS)
        shown = self.show(status=1)
        self.assertIn("EventsDeadLettersQueue (QUEUE=events): 1 letter, as far as it came", shown)
        self.assertIn("1 × conflict", shown)

    def test_an_interruption_says_what_was_counted_and_gives_back(self) -> None:
        self.stubs.expect_queues(EVENTS, DELIVERIES, BUS)
        self.stubs.expect_depth(EVENTS, 1)
        self.stubs.expect_receive(EVENTS, letter(reason="conflict"))
        self.stubs.expect_given_back(EVENTS, letter())
        with printed() as out, mock.patch.object(Reading, "goes_on", side_effect=[True, KeyboardInterrupt]):
            self.assertRaises(KeyboardInterrupt, letters.show, self.stubs.stack())
        self.assertIn("1 letter, as far as it came\n\n  1 × conflict\n", out.getvalue())
        self.assertTrue(out.getvalue().endswith("All letters stay in their queues.\n"))


if __name__ == "__main__":
    unittest.main()
