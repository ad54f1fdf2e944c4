"""Tests which connections use a proxy, with a proxy that nobody can reach."""

import os
import subprocess
import sys
import unittest
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from unittest import mock

import boto3
from botocore.config import Config
from botocore.exceptions import ProxyConnectionError

from base import proxies
from base.api import Api
from base.paths import TOOLS
from cloud import instance

NOBODY = "http://127.0.0.1:9"  # a proxy that refuses connections
NAMES = [name for lower in proxies.PROXIES for name in (lower, lower.upper())]
AWS = {"AWS_ACCESS_KEY_ID": "stub", "AWS_SECRET_ACCESS_KEY": "stub", "AWS_DEFAULT_REGION": "us-east-1"}

FETCH = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1])"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        """Prints nothing."""


@contextmanager
def server() -> Iterator[str]:
    """The URL of a server on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as running:
        Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@contextmanager
def behind(**variables: str) -> Iterator[None]:
    """An environment with these proxies, as the entry of the tools leaves it."""
    # The tools' tests run with the address of a test cloud, which is on this machine.
    own = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    own.pop("AWS_ENDPOINT_URL", None)
    with mock.patch.dict(os.environ, own | AWS | variables, clear=True):
        proxies.spare_this_machine(os.environ)
        yield


class ThisMachineTest(unittest.TestCase):
    def test_every_kind_of_client_reaches_this_machine_without_the_proxy(self) -> None:
        with server() as url:
            cloud = instance.local(int(url.rpartition(":")[2]))
            for name in NAMES:
                with self.subTest(name), behind(**{name: NOBODY}):
                    self.assertEqual(Api(url, "").call("GET", "/")[0], 200)
                    self.assertTrue(instance.healthy(url))
                    self.assertEqual(cloud.client("sqs").list_queues()["ResponseMetadata"]["HTTPStatusCode"], 200)
                    # Clients that others make, here and in the programs that the tools start.
                    boto3.client("sqs", endpoint_url=url).list_queues()
                    with urllib.request.urlopen(url) as answer:
                        self.assertEqual(answer.status, 200)
                    for env in (dict(os.environ), cloud.aws_environment()):
                        subprocess.run([sys.executable, "-c", FETCH, url], env=env, check=True, capture_output=True)

    def test_an_exception_in_one_spelling_is_kept_in_both(self) -> None:
        for name in proxies.EXCEPTIONS:
            with self.subTest(name), behind(http_proxy=NOBODY, **{name: ".corp.example, 10.0.0.1"}):
                for spelling in proxies.EXCEPTIONS:
                    self.assertEqual(os.environ[spelling], ".corp.example,10.0.0.1,127.0.0.1,localhost,::1")

    def test_all_hosts_stay_excepted(self) -> None:
        with behind(http_proxy=NOBODY, NO_PROXY="*"):
            self.assertEqual((os.environ["no_proxy"], os.environ["NO_PROXY"]), ("*", "*"))

    def test_without_a_proxy_the_environment_stays_as_it_is(self) -> None:
        with behind():
            self.assertNotIn("no_proxy", os.environ)
            self.assertNotIn("NO_PROXY", os.environ)

    def test_hosts_that_are_this_machine(self) -> None:
        for url in ("http://127.0.0.1:4566/x", "http://localhost", "http://[::1]:80", "http://api.localhost:1"):
            self.assertTrue(proxies.is_this_machine(url), url)
        for url in ("https://abc.execute-api.eu-west-1.amazonaws.com", "http://10.0.0.1", "http://localhost.example"):
            self.assertFalse(proxies.is_this_machine(url), url)


class OtherHostsTest(unittest.TestCase):
    def test_calls_of_other_hosts_use_the_proxy(self) -> None:
        with behind(https_proxy=NOBODY):
            # Port 9 refuses: the proxy was asked. Nothing is looked up in DNS.
            with self.assertRaisesRegex(urllib.error.URLError, "refused"):
                Api("https://api.invalid", "").call("GET", "/")
            with self.assertRaises(ProxyConnectionError):
                boto3.client("sqs", config=Config(retries={"total_max_attempts": 1})).list_queues()


class OnePlaceTest(unittest.TestCase):
    def test_the_entry_decides_before_it_does_anything_else(self) -> None:
        entry = (TOOLS / "__main__.py").read_text(encoding="utf-8")
        self.assertLess(entry.index("proxies.spare_this_machine(os.environ)"), entry.index("venvs.python()"))

    def test_no_other_module_decides(self) -> None:
        for file in TOOLS.rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            if "proxies" in file.name:
                continue
            for word in ("ProxyHandler", "urlopen", "no_proxy", "NO_PROXY"):
                self.assertNotIn(word, text, file.name)


if __name__ == "__main__":
    unittest.main()
