"""What counts as an answer to a sample, without containers."""

import json
import subprocess
import tempfile
import unittest
from pathlib import Path

from check import invocations


def result(answer: str, code: int = 0) -> subprocess.CompletedProcess:
    return subprocess.CompletedProcess([], code, f"START\n{answer}\n", "the function's log")


def reply(status: int, body: dict) -> str:
    return json.dumps({"statusCode": status, "body": json.dumps(body)})


class InvocationsTest(unittest.TestCase):
    def test_every_function_is_in_one_step_and_has_a_sample(self):
        planned = [name for step in invocations.STEPS for name in step]
        self.assertEqual(sorted(planned), sorted(invocations.logical_ids()))
        for name in planned:
            self.assertTrue((invocations.ROOT / "events" / f"{name}.json").exists(), name)

    def test_wrong_answers_are_named(self):
        holds = invocations.http(201, webhook_id=1)
        self.assertEqual(invocations.judge("f", holds, result(reply(201, {"code": 0, "data": {"webhook_id": 1}}))), "")
        for wrong in (
            result(reply(201, {"code": 0, "data": {"webhook_id": 2}})),
            result(reply(201, {"code": 0, "data": {}})),
            result(reply(500, {"code": 50001})),
            result('{"errorMessage": "exit status 1"}'),
            result("not JSON"),
            result(reply(201, {"code": 0, "data": {"webhook_id": 1}}), code=1),
            subprocess.CompletedProcess([], 0, "", ""),
            subprocess.TimeoutExpired([], 1, stderr=b"hangs"),
        ):
            self.assertIn("f ", invocations.judge("f", holds, wrong))
        self.assertEqual(invocations.judge("f", invocations.NONE_FAILED, result('{"batchItemFailures": []}')), "")
        for wrong in ('{"batchItemFailures": null}', '{"batchItemFailures": [{"itemIdentifier": "1"}]}', "null"):
            self.assertIn("f ", invocations.judge("f", invocations.NONE_FAILED, result(wrong)))

    def test_samples_get_a_tenant_of_their_own_and_no_foreign_receiver(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in invocations.logical_ids():
                copy = invocations.sample(name, "t1", Path(folder)).read_text(encoding="utf-8")
                json.loads(copy)
                self.assertNotIn("your-server.com", copy)
                self.assertNotIn('"demo', copy)
            self.assertIn('\\"tenant_id\\":\\"t1\\"', Path(folder, "fanout.json").read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main()
