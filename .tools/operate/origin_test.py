"""Tests of what a redrive sends."""

import json
import unittest
from typing import Any

from base.paths import ROOT
from operate import origin
from testkit.stubs import letter, moved

STORED = ROOT / "shared" / "systemtest" / "stored" / "testdata"


def form(it: dict[str, Any]) -> dict[str, Any]:
    sent: dict[str, Any] = json.loads(origin.message(it, events=True))
    return sent


class MessageTest(unittest.TestCase):
    def test_the_form_is_the_one_that_the_function_reads(self) -> None:
        golden = json.loads((STORED / "dead-letter-of-event.2.json").read_text(encoding="utf-8"))
        it = letter(**golden["attributes"])
        it["Body"] = golden["body"]
        want = (STORED / "event-message-redriven.1.json").read_text(encoding="utf-8").strip()
        self.assertEqual(origin.message(it, events=True), want)

    def test_the_body_is_unchanged(self) -> None:
        for body in ('{"a": "\\u00e9\\/"}\n', "好😀", "\t\r\n\x7f", '"\\', "{", " "):
            it = letter(reason="not_json", event_id="e1", sent_at="1")
            it["Body"] = body
            self.assertEqual(form(it)["body"], body)

    def test_an_event_that_sqs_moved_keeps_its_id_and_time(self) -> None:
        want = {"redrive": 1, "event_id": "evt_id-1", "sent_at": 1769421600007, "body": "body 1"}
        self.assertEqual(form(moved()), want)

    def test_the_attributes_of_a_producer_mean_nothing(self) -> None:
        names = {
            "reason": "conflict",
            "event_id": "x",
            "sent_at": "x",
            "message_id": "x",
            "altered": "x",
            "ERROR_CODE": "x",
        }
        self.assertEqual(form(moved(**names)), form(moved()))
        binary = moved()
        binary["MessageAttributes"] = {"sent_at": {"DataType": "Binary", "BinaryValue": b"\xff"}}
        self.assertEqual(form(binary), form(moved()))

    def test_an_event_without_a_readable_id_keeps_that_of_its_message(self) -> None:
        self.assertEqual(form(letter(reason="unknown_type", message_id="m1", sent_at="1"))["event_id"], "evt_m1")

    def test_a_delivery_is_sent_as_it_is(self) -> None:
        self.assertEqual(origin.message(letter(reason="too_many_receives", event_id="e1"), events=False), "body 1")

    def test_an_event_of_the_bus_is_sent_as_it_is(self) -> None:
        self.assertEqual(origin.message(letter(ERROR_CODE="NO_PERMISSIONS"), events=True), "body 1")

    def test_a_redriven_message_that_sqs_moved_is_sent_as_it_is(self) -> None:
        it = moved()
        it["Body"] = origin.message(letter(reason="too_many_receives", event_id="e1", sent_at="1"), events=True)
        self.assertEqual(origin.message(it, events=True), it["Body"])

    def test_a_cut_letter_is_never_sent(self) -> None:
        for events in (True, False):
            with self.assertRaisesRegex(origin.CannotBeSentBackError, "not the whole message: .cut from 1048576 bytes"):
                origin.message(letter(reason="not_json", altered="cut from 1048576 bytes to 1"), events)

    def test_a_letter_that_does_not_fit_is_not_sent(self) -> None:
        it = moved()
        for body in ("x" * (1 << 20), "好" * ((1 << 20) // 3), '"' * (1 << 19)):
            it["Body"] = body
            with self.assertRaisesRegex(origin.CannotBeSentBackError, "larger than 1 MiB"):
                origin.message(it, events=True)
        it["Body"] = '"' * (511 << 10)  # the largest message of an event, at its worst
        self.assertLessEqual(len(origin.message(it, events=True)), 1 << 20)


if __name__ == "__main__":
    unittest.main()
