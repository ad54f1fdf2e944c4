"""Tests of what is read from a stack, against a stubbed CloudFormation client."""

import unittest

from testkit.stubs import Stubs, url


class StackTest(unittest.TestCase):
    def setUp(self) -> None:
        self.stubs = Stubs()
        self.addCleanup(self.stubs.assert_all_called)

    def test_queues_of_all_pages_are_found_and_no_other_resource(self) -> None:
        names = [f"Queue{number}" for number in range(3)]
        self.stubs.expect_queues(*names)
        self.assertEqual(self.stubs.stack().queues(), {name: url(name) for name in names})

    def test_outputs_and_parameters(self) -> None:
        description = {
            "StackName": "webhooks-dev",
            "CreationTime": "2026-01-26T09:30:00Z",
            "StackStatus": "CREATE_COMPLETE",
            "Outputs": [{"OutputKey": "ApiUrl", "OutputValue": "https://api"}],
            "Parameters": [{"ParameterKey": "EnableAlarms", "ParameterValue": "true"}],
        }
        for _ in range(2):
            self.stubs.stub("cloudformation").add_response("describe_stacks", {"Stacks": [description]})
        self.assertEqual(self.stubs.stack().outputs(), {"ApiUrl": "https://api"})
        self.assertEqual(self.stubs.stack().parameters(), {"EnableAlarms": "true"})


if __name__ == "__main__":
    unittest.main()
