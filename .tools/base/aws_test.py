"""Tests that calls of AWS are patient, and that no page of an answer is forgotten."""

import ast
import unittest
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from unittest import mock

import boto3

from base import aws
from base.paths import TOOLS

THROTTLED = 5  # times, until AWS answers
SERVICES = ("apigatewayv2", "cloudformation", "codedeploy", "dynamodb", "kms", "lambda", "logs", "s3", "sqs", "ssm")
CALLS: dict[str, tuple[int, str, str]] = {
    # By a method of a client, how its service refuses a call: status, type of the content, body.
    "lambda.get_account_settings": (429, "application/json", '{"Type":"User","message":"Rate exceeded"}'),
    "logs.describe_log_groups": (400, "application/x-amz-json-1.1", '{"__type":"ThrottlingException"}'),
    "cloudformation.describe_stacks": (
        400,
        "text/xml",
        "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code></Error></ErrorResponse>",
    ),
}
ANSWERS = {"cloudformation.describe_stacks": "<DescribeStacksResponse><DescribeStacksResult/></DescribeStacksResponse>"}


class Throttling(BaseHTTPRequestHandler):
    """Refuses some calls, then answers."""

    call, left = "", 0

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, kind, body = CALLS[self.call]
        if Throttling.left:
            Throttling.left -= 1
        else:
            status, body = 200, ANSWERS.get(self.call, "{}")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("x-amzn-ErrorType", "TooManyRequestsException")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        """Prints nothing."""


class PatienceTest(unittest.TestCase):
    def test_throttled_calls_are_repeated(self) -> None:
        with ThreadingHTTPServer(("127.0.0.1", 0), Throttling) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            self.addCleanup(server.shutdown)
            session = boto3.session.Session("stub", "stub", region_name="us-east-1")
            endpoint = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"}
            # The waits grow to 20 s; the test does not wait.
            with mock.patch.dict("os.environ", endpoint), mock.patch("botocore.endpoint.time.sleep") as slept:
                for call in CALLS:
                    with self.subTest(call):
                        Throttling.call, Throttling.left = call, THROTTLED
                        service, _, method = call.partition(".")
                        getattr(aws.clients(session)(service), method)()
                        self.assertEqual(Throttling.left, 0)
            self.assertEqual(slept.call_count, THROTTLED * len(CALLS))


class PagesTest(unittest.TestCase):
    def test_every_listing_reads_all_pages(self) -> None:
        paged = set()
        for service in SERVICES:
            client = boto3.client(service, region_name="us-east-1", aws_access_key_id="s", aws_secret_access_key="s")
            names = client.meta.method_to_api_mapping
            paged |= {name for name in names if client.can_paginate(name)}
        self.assertIn("list_stack_resources", paged)
        for file, call in calls():
            method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
            one = {"StackName", "EventSourceArn"} & {keyword.arg for keyword in call.keywords}
            # A stack's own description, and the mappings of one queue, are one page.
            if method in paged and not (method in ("describe_stacks", "list_event_source_mappings") and one):
                self.fail(f"{file}:{call.lineno} calls {method}, which answers in pages: use get_paginator")


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call of a method in the tools, except those of their tests."""
    for file in TOOLS.rglob("*.py"):
        if not file.name.endswith("_test.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    yield file.name, node


class SessionTest(unittest.TestCase):
    def test_the_region_of_the_settings_wins(self) -> None:
        with mock.patch.dict("os.environ", {"AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1"}):
            self.assertEqual(aws.session("eu-west-1").region_name, "eu-west-1")
            self.assertEqual(aws.session().region_name, "us-east-1")


if __name__ == "__main__":
    unittest.main()
