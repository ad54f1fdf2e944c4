"""Tests of what the smoke test reads from Lambda's log lines."""

import json
import unittest

from operate import target


class ReportTest(unittest.TestCase):
    def test_a_line_of_text(self) -> None:
        warm = "REPORT RequestId: 7\tDuration: 11.2 ms\tBilled Duration: 12 ms\tMemory Size: 256 MB"
        self.assertEqual(target.read_report(warm), (12, 0.0))
        self.assertEqual(target.read_report(warm + "\tInit Duration: 83.25 ms"), (12, 83.25))

    def test_a_line_of_json(self) -> None:
        metrics = {"billedDurationMs": 12, "initDurationMs": 83.25}
        line = {"type": "platform.report", "record": {"metrics": metrics}}
        self.assertEqual(target.read_report(json.dumps(line)), (12, 83.25))
        del metrics["initDurationMs"]
        self.assertEqual(target.read_report(json.dumps(line)), (12, 0.0))

    def test_other_lines_are_no_report(self) -> None:
        for line in ("START RequestId: 7", "[]", '{"type": "platform.start"}', '{"msg": "attempt"}', ""):
            self.assertIsNone(target.read_report(line), line)


class FunctionOfTest(unittest.TestCase):
    def test_the_name_is_in_the_stream_of_a_shared_group(self) -> None:
        stream = "2026/11/25/webhooks-dev-FanoutFunction-Ab12[$LATEST]0123"
        self.assertEqual(target.function_of("webhooks-dev", stream), "Fanout")

    def test_a_stream_without_a_name(self) -> None:
        self.assertEqual(target.function_of("webhooks-dev", "2026/11/25/[$LATEST]0123"), "all functions")


if __name__ == "__main__":
    unittest.main()
