"""Tests of how samconfig.toml is read, and of the rules that hold for this checkout's own file."""

import tempfile
import tomllib
import unittest
from pathlib import Path
from unittest import mock

from base import samconfig

SETTINGS = """
version = 0.1
[text.deploy.parameters]
stack_name = "text"
parameter_overrides = "Architecture=x86_64 JwtScopeClaim=\\"two words\\" DomainName='' RetrySchedule=5,300"
[long.deploy.parameters]
stack_name = "long"
parameter_overrides = "ParameterKey=Architecture,ParameterValue=x86_64 ParameterKey=RetrySchedule,ParameterValue=5,300"
[list.deploy.parameters]
stack_name = "list"
parameter_overrides = ["Architecture=x86_64", "RetrySchedule=5,300"]
[table.deploy.parameters]
stack_name = "table"
parameter_overrides = {Architecture = "x86_64", FanoutConcurrency = 3, RetrySchedule = [5, 300]}
[file.deploy.parameters]
stack_name = "file"
parameter_overrides = "file://prod.yaml"
[shared.global.parameters]
stack_name = "shared"
parameter_overrides = "Architecture=x86_64"
region = "eu-central-1"
[shared.deploy.parameters]
capabilities = "CAPABILITY_IAM CAPABILITY_AUTO_EXPAND"
tags = "service=webhooks cost:center=7"
[both.global.parameters]
stack_name = "both"
parameter_overrides = "Architecture=arm64 EnableAlarms=true"
[both.deploy.parameters]
parameter_overrides = "Architecture=x86_64"
[nothing.build.parameters]
cached = false
[words.deploy.parameters]
stack_name = "words"
parameter_overrides = "x86_64"
[missing.deploy.parameters]
stack_name = "missing"
parameter_overrides = "file://absent.yaml"
"""


class ReadTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        file = Path(folder.name, "samconfig.toml")
        file.write_text(SETTINGS)
        file.with_name("prod.yaml").write_text("Architecture: x86_64\nRetrySchedule: [5, 300]\n")
        patch = mock.patch.object(samconfig, "FILE", file)
        patch.start()
        self.addCleanup(patch.stop)

    def test_parameters_are_read_in_each_form_that_sam_accepts(self) -> None:
        for environment in ("text", "long", "list", "table", "file"):
            with self.subTest(environment):
                found = samconfig.deployment(environment).parameters
                self.assertEqual((found["Architecture"], found["RetrySchedule"]), ("x86_64", "5,300"))
        text = samconfig.deployment("text").parameters
        self.assertEqual((text["JwtScopeClaim"], text["DomainName"]), ("two words", ""))
        self.assertEqual(samconfig.deployment("table").parameters["FanoutConcurrency"], "3")

    def test_settings_for_all_commands_hold_unless_deploy_has_its_own(self) -> None:
        shared = samconfig.deployment("shared")
        self.assertEqual((shared.stack_name, shared.region), ("shared", "eu-central-1"))
        self.assertEqual(shared.parameters, {"Architecture": "x86_64"})
        self.assertEqual(shared.capabilities, ("CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"))
        self.assertEqual(shared.tags, {"service": "webhooks", "cost:center": "7"})
        self.assertEqual(samconfig.deployment("both").parameters, {"Architecture": "x86_64"})

    def test_what_cannot_be_read_stops_with_its_reason(self) -> None:
        for environment, reason in (
            ("staging", "no environment 'staging'"),
            ("nothing", "no environment 'nothing'"),
            ("version", "no environment 'version'"),
            ("words", "'x86_64' is not of the form Name=value"),
            ("missing", "absent.yaml: No such file"),
        ):
            with self.subTest(environment), self.assertRaisesRegex(SystemExit, reason):
                samconfig.deployment(environment)


class OwnFileTest(unittest.TestCase):
    def setUp(self) -> None:
        self.environments = tomllib.loads(samconfig.FILE.read_text(encoding="utf-8"))
        del self.environments["version"]

    def test_sam_build_and_sam_deploy_of_an_environment_have_the_same_parameters(self) -> None:
        for name, environment in self.environments.items():
            for command, settings in environment.items():
                with self.subTest(f"{name} {command}"):
                    self.assertEqual("parameter_overrides" in settings["parameters"], command == "global")

    def test_a_plain_sam_build_is_right_for_dev(self) -> None:
        self.assertEqual(self.environments["default"]["global"], self.environments["dev"]["global"])

    def test_binaries_for_this_machine_lie_where_no_deployment_to_aws_finds_them(self) -> None:
        local = self.environments.pop("local")
        self.assertTrue(local["build"]["parameters"]["build_dir"].startswith(".local/"))
        self.assertTrue(local["deploy"]["parameters"]["template_file"].startswith(".local/"))
        for name, environment in self.environments.items():
            self.assertNotIn(".local", str(environment), name)


if __name__ == "__main__":
    unittest.main()
