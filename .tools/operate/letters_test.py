"""Tests of reasons and of what is sent back, without a queue."""

import unittest

from operate import letters
from operate import redrive


def letter(**attributes: str) -> dict:
    return {
        "MessageId": "0b2d", "Attributes": {"SentTimestamp": "1769421600007"},
        "MessageAttributes": {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()},
    }


def sent_back(it: dict, events: bool = True) -> dict:
    return {name: value["StringValue"] for name, value in redrive.attributes(it, events).items()}


class Reasons(unittest.TestCase):
    def test_a_function_says_why(self):
        self.assertEqual(letters.reason(letter(reason="conflict")), "conflict")

    def test_sqs_does_not(self):
        self.assertEqual(letters.reason(letter()), letters.TOO_OFTEN)
        self.assertEqual(letters.reason(letter(event_id="e1", sent_at="1")), letters.TOO_OFTEN)

    def test_the_bus_says_it_in_its_own_words(self):
        it = letter(ERROR_CODE="NO_PERMISSIONS", ERROR_MESSAGE="denied")
        self.assertEqual((letters.reason(it), letters.detail(it)), (letters.NOT_SENT, "denied"))


class SentBack(unittest.TestCase):
    def test_a_letter_keeps_what_belongs_to_the_event(self):
        it = letter(reason="conflict", detail="…", event_id="e1", sent_at="1")
        self.assertEqual(sent_back(it), {"event_id": "e1", "sent_at": "1"})

    def test_an_event_that_sqs_moved_keeps_its_id(self):
        self.assertEqual(sent_back(letter()), {"event_id": "evt_0b2d", "sent_at": "1769421600007"})
        self.assertEqual(sent_back(letter(event_id="e1", sent_at="1")), {"event_id": "e1", "sent_at": "1"})

    def test_a_delivery_needs_neither(self):
        self.assertEqual(sent_back(letter(), events=False), {})

    def test_the_bus_s_words_stay_behind(self):
        self.assertEqual(sent_back(letter(ERROR_CODE="SDK_CLIENT_ERROR", RULE_ARN="arn")), {})


if __name__ == "__main__":
    unittest.main()
