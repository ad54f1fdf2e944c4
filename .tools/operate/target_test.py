"""Tests of what the smoke test reads from Lambda's log lines."""

import json
import os
import unittest
from unittest import mock

from base import aws
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


class PlaceTest(unittest.TestCase):
    def test_names_of_aws_end_differently_in_each_partition(self) -> None:
        for endpoint, region, suffix in (
            ("https://lambda.eu-central-1.amazonaws.com", "eu-central-1", "amazonaws.com"),
            ("https://lambda.cn-north-1.amazonaws.com.cn", "cn-north-1", "amazonaws.com.cn"),
            ("https://lambda.us-iso-east-1.c2s.ic.gov", "us-iso-east-1", "c2s.ic.gov"),
            ("https://lambda-fips.us-east-1.amazonaws.com", "us-east-1", "amazonaws.com"),
        ):
            self.assertEqual(target.place(endpoint, region), {"dns_suffix": suffix})

    def test_the_suffix_is_that_of_the_sdk(self) -> None:
        for region, suffix in (("us-gov-west-1", "amazonaws.com"), ("cn-northwest-1", "amazonaws.com.cn")):
            with mock.patch.dict(os.environ):
                os.environ.pop("AWS_ENDPOINT_URL", None)
                client = aws.clients(aws.session(region))("lambda")
                self.assertEqual(target.place(client.meta.endpoint_url, region), {"dns_suffix": suffix})

    def test_an_endpoint_of_the_callers_own(self) -> None:
        own = "http://127.0.0.1:4577"
        self.assertEqual(target.place(own, "us-east-1"), {"endpoint_url": own})


class FunctionOfTest(unittest.TestCase):
    def test_the_name_is_in_the_stream_of_a_shared_group(self) -> None:
        stream = "2026/11/25/webhooks-dev-FanoutFunction-Ab12[$LATEST]0123"
        self.assertEqual(target.function_of("webhooks-dev", stream), "Fanout")

    def test_a_stream_without_a_name(self) -> None:
        self.assertEqual(target.function_of("webhooks-dev", "2026/11/25/[$LATEST]0123"), "all functions")


if __name__ == "__main__":
    unittest.main()
