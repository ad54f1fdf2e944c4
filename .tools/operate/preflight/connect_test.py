"""Tests of the credentials and the region."""

import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from botocore.exceptions import ClientError

from base import samconfig
from operate.preflight import connect
from operate.preflight.finding import Level

SETTINGS = """
[plain.deploy.parameters]
stack_name = "webhooks"
[placed.deploy.parameters]
stack_name = "webhooks"
region = "eu-central-1"
[named.deploy.parameters]
stack_name = "webhooks"
profile = "absent"
"""
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
NOTHING = {
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
    "HOME": "/nowhere",
}


class ConnectTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        file = Path(folder.name, "samconfig.toml")
        file.write_text(SETTINGS)
        patch = mock.patch.object(samconfig, "FILE", file)
        patch.start()
        self.addCleanup(patch.stop)

    def refused(self, environment: str, **variables: str) -> str:
        empty = mock.patch.dict(os.environ, NOTHING | variables, clear=True)
        with empty, self.assertRaises(connect.RefusedError) as stopped:
            connect.aws(environment)
        self.assertEqual(stopped.exception.finding.level, Level.PROBLEM)
        return stopped.exception.finding.text

    def test_without_credentials_or_a_region_it_says_how_to_set_them(self) -> None:
        self.assertIn("There are no AWS credentials. Run aws configure", self.refused("placed"))
        self.assertIn("Set AWS_DEFAULT_REGION", self.refused("plain", **KEYS))
        self.assertIn("profile (absent) could not be found. Correct AWS_PROFILE", self.refused("named", **KEYS))
        self.assertIn("profile (nobody) could not be found", self.refused("placed", AWS_PROFILE="nobody"))

    def test_a_region_that_does_not_answer_is_named(self) -> None:
        text = self.refused("placed", **KEYS, AWS_ENDPOINT_URL="http://127.0.0.1:1")
        self.assertIn("Is eu-central-1 a region", text)

    def test_refused_credentials_are_told_with_awss_reason(self) -> None:
        """https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html"""
        for code in ("ExpiredToken", "InvalidClientTokenId", "SignatureDoesNotMatch"):
            error = ClientError({"Error": {"Code": code, "Message": f"The {code}."}}, "GetCallerIdentity")
            with mock.patch("botocore.client.BaseClient._make_api_call", side_effect=error):
                self.assertIn(
                    f"AWS refuses the credentials: The {code}. Run aws configure", self.refused("placed", **KEYS)
                )

    def test_the_account_and_the_partition_come_from_the_credentials_and_the_region_from_samconfig(self) -> None:
        for arn, level in (
            ("arn:aws:iam::123456789012:user/jo", Level.OK),
            ("arn:aws-cn:sts::123456789012:assumed-role/deploy/jo", Level.OK),
            ("arn:aws:iam::123456789012:root", Level.WARNING),
        ):
            identity = {"Arn": arn, "Account": "123456789012"}
            with (
                mock.patch("botocore.client.BaseClient._make_api_call", return_value=identity),
                mock.patch.dict(os.environ, NOTHING | KEYS | {"AWS_DEFAULT_REGION": "us-east-1"}, clear=True),
            ):
                made, [finding] = connect.aws("placed")
                regions = [made.client(service).meta.region_name for service in ("lambda", "pricing")]
            self.assertEqual(
                (made.account, made.region, made.partition), ("123456789012", "eu-central-1", arn.split(":")[1])
            )
            self.assertEqual(regions, ["eu-central-1", "us-east-1"])
            self.assertEqual(finding.level, level)


if __name__ == "__main__":
    unittest.main()
