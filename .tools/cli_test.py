"""Tests of the command line: options, the environment variables behind them, and errors."""

import os
import re
import unittest
from contextlib import redirect_stdout
from io import StringIO
from unittest import mock

import cli
from base.paths import ROOT
from testkit.stubs import printed


def parse(*arguments: str, **environment: str) -> dict[str, object]:
    with mock.patch.dict(os.environ, environment, clear=True):
        return vars(cli.parse(arguments))


class ParseTest(unittest.TestCase):
    def test_an_option_comes_from_the_line_then_the_environment_then_the_default(self) -> None:
        self.assertEqual(parse("redrive")["queue"], "events")
        self.assertEqual(parse("redrive", QUEUE="")["queue"], "events")
        self.assertEqual(parse("redrive", QUEUE="bus")["queue"], "bus")
        self.assertEqual(parse("redrive", "--queue", "deliveries", QUEUE="bus")["queue"], "deliveries")

    def test_values_are_converted(self) -> None:
        soak = parse("soak", DURATION="10m", RATE="2.5")
        self.assertEqual((soak["duration"], soak["rate"]), (600, 2.5))
        self.assertEqual(parse("publish", DATA='{"job":7}')["data"], {"job": 7})
        self.assertEqual(parse("run", PORT="4701")["port"], 4701)

    def test_wrong_values_are_named(self) -> None:
        for arguments, environment, message in (
            (["redrive"], {"QUEUE": "slow"}, "QUEUE must be one of events, deliveries, bus, not 'slow'."),
            (["publish"], {"VIA": "mail"}, "VIA must be one of sqs, bus, not 'mail'."),
            (["publish"], {"DATA": "{"}, "DATA is not JSON"),
            (["soak"], {"DURATION": "1 day"}, "DURATION must be like 60s or 10m, not '1 day'."),
            (["soak"], {"RATE": "0"}, "RATE must be a positive number, not '0'."),
            (["run"], {"PORT": "http"}, "PORT must be a positive number, not 'http'."),
            (["revoke-key"], {}, "KEY_ID must be given."),
            (["run", "--speed", "9"], {}, "unrecognized arguments: --speed 9"),
            (["fly"], {}, "invalid choice: 'fly'"),
            ([], {}, "COMMAND"),
        ):
            with self.subTest(message), printed() as out, self.assertRaises(SystemExit) as stopped:
                parse(*arguments, **environment)
            self.assertIn(message, out.getvalue())
            self.assertEqual(stopped.exception.code, 2)

    def test_the_arguments_of_another_program_are_passed_on(self) -> None:
        for name in ("test", "test-env", "measure", "sam", "checkov", "start-api"):
            self.assertEqual(parse(name, "--port", "1", "-v")["arguments"], ["--port", "1", "-v"])


class MakefileTest(unittest.TestCase):
    def test_every_command_of_the_makefile_exists(self) -> None:
        used = re.findall(r"\$\(TOOLS\) ([a-z-]+)", (ROOT / "Makefile").read_text(encoding="utf-8"))
        self.assertGreater(len(used), 20)
        for command in used:
            with self.subTest(command), redirect_stdout(StringIO()), self.assertRaises(SystemExit) as stopped:
                parse(command, "--help")
            self.assertEqual(stopped.exception.code, 0)


if __name__ == "__main__":
    unittest.main()
