"""Tests which answers to a sample count as right; they need no containers."""

import json
import subprocess
import tempfile
import unittest
from pathlib import Path

from base.paths import ROOT
from check import invocations
from check.invocations import Result


def result(answer: str, code: int = 0) -> Result:
    return subprocess.CompletedProcess([], code, f"START\n{answer}\n", "the function's log")


def reply(status: int, body: dict[str, object]) -> str:
    return json.dumps({"statusCode": status, "body": json.dumps(body)})


class InvocationsTest(unittest.TestCase):
    def test_every_function_is_in_one_step_and_has_a_sample(self) -> None:
        planned = [name for step in invocations.STEPS for name in step]
        self.assertEqual(sorted(planned), sorted(invocations.logical_ids()))
        for name in planned:
            self.assertTrue((ROOT / "events" / f"{name}.json").exists(), name)

    def test_wrong_answers_are_named(self) -> None:
        created = invocations.http(201, webhook_id=1)
        right = reply(201, {"code": 0, "data": {"webhook_id": 1}})
        self.assertEqual(invocations.fault("f", created, result(right)), "")
        wrong: list[Result] = [
            result(reply(201, {"code": 0, "data": {"webhook_id": 2}})),
            result(reply(201, {"code": 0, "data": {}})),
            result(reply(500, {"code": 50001})),
            result('{"errorMessage": "exit status 1"}'),
            result("not JSON"),
            result(right, code=1),
            subprocess.CompletedProcess([], 0, "", ""),
            subprocess.TimeoutExpired([], 1, stderr=b"hangs"),
        ]
        for answer in wrong:
            self.assertIn("f ", invocations.fault("f", created, answer))

    def test_failed_items_of_a_batch_are_wrong(self) -> None:
        none_failed = invocations.NONE_FAILED
        self.assertEqual(invocations.fault("f", none_failed, result('{"batchItemFailures": []}')), "")
        for wrong in ('{"batchItemFailures": null}', '{"batchItemFailures": [{"itemIdentifier": "1"}]}', "null"):
            self.assertIn("f ", invocations.fault("f", none_failed, result(wrong)))

    def test_an_error_must_have_the_code_of_its_status(self) -> None:
        refused = invocations.http(405)
        self.assertEqual(invocations.fault("f", refused, result(reply(405, {"code": 40500}))), "")
        self.assertIn("f ", invocations.fault("f", refused, result(reply(405, {"code": 40400}))))

    def test_samples_get_their_own_tenant_and_no_foreign_receiver(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for name in invocations.logical_ids():
                copy = invocations.sample(name, "t1", Path(folder)).read_text(encoding="utf-8")
                event = json.loads(copy)
                self.assertNotIn("your-server.com", copy)
                self.assertNotIn('"demo', copy)
                length = event.get("headers", {}).get("content-length", "0")
                self.assertEqual(int(length), len(event.get("body", "").encode()) if length != "0" else 0, name)
            self.assertIn('\\"tenant_id\\":\\"t1\\"', Path(folder, "fanout.json").read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main()
