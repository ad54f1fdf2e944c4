"""Tests of the whole run: its exit status and what it prints."""

import unittest
from collections.abc import Iterable
from pathlib import Path
from unittest import mock

from base import venvs
from cloud import build
from operate import gradual
from operate.preflight import connect, run, table
from operate.preflight.finding import Finding, ok, problem, warning
from operate.preflight.plan import Plan
from operate.preflight.table import Check
from testkit.plans import plan
from testkit.stubs import Stubs, printed


class RunTest(unittest.TestCase):
    def run_with(self, *found: Finding, mode: str = run.STOP) -> tuple[int, str]:
        def answer(_: Plan) -> Iterable[Finding]:
            return found

        checks, stack = (Check("first", answer),), Check("stack", lambda _: [ok("webhooks does not exist yet")])
        with (
            printed() as out,
            mock.patch.object(connect, "aws", return_value=(plan(Stubs().client), [ok("arn:aws:iam::1:user/jo")])),
            mock.patch.object(run, "built", return_value=build.BUILD / "template.yaml"),
            mock.patch.object(table, "CHECKS", checks),
            mock.patch.object(table, "STACK", stack),
        ):
            return run.run("prod", mode), out.getvalue()

    def test_without_problems_the_status_is_0(self) -> None:
        status, out = self.run_with(ok("good"), warning("careful"))
        self.assertEqual(status, 0)
        self.assertEqual(
            out,
            "Preflight of prod\n\n"
            "  ok       credentials   arn:aws:iam::1:user/jo\n"
            "  ok       account       123456789012, us-east-1\n"
            "  ok       stack         webhooks does not exist yet\n"
            "  ok       first         good\n"
            "  warning  first         careful\n\n"
            "No problem, 1 warning. Warnings do not stop a deployment.\n",
        )

    def test_a_problem_stops_with_status_1_and_says_how_to_go_on(self) -> None:
        status, out = self.run_with(problem("bad"))
        self.assertEqual(status, 1)
        self.assertTrue(
            out.endswith("1 problem, 0 warnings. `make deploy CONFIG=prod PREFLIGHT=report` ignores it.\n"), out
        )

    def test_problems_that_are_only_reported_do_not_stop(self) -> None:
        status, out = self.run_with(problem("bad"), problem("worse"), mode=run.REPORT)
        self.assertEqual(status, 0)
        self.assertTrue(out.endswith("2 problems, 0 warnings. PREFLIGHT=report: they stop nothing.\n"), out)

    def test_without_credentials_nothing_is_built_and_the_status_is_1(self) -> None:
        for mode in (run.STOP, run.REPORT):
            refused = connect.RefusedError(problem("There are no AWS credentials."))
            with printed() as out, mock.patch.object(connect, "aws", side_effect=refused):
                self.assertEqual(run.run("prod", mode), 1)
            self.assertTrue(out.getvalue().endswith("no AWS credentials.\n\n1 problem, 0 warnings.\n"), out.getvalue())


class BuildTest(unittest.TestCase):
    def command(self, made: Plan) -> list[str]:
        with (
            printed(),
            mock.patch.object(run, "run_quietly") as quietly,
            mock.patch.object(build, "compile_once") as compiled,
            mock.patch.object(gradual, "prepare", side_effect=lambda template, _: template),
            mock.patch.object(venvs, "sam", return_value=Path("sam")),
        ):
            self.assertTrue(str(run.built(made)).endswith(".aws-sam/prod/template.yaml"))
        [call] = quietly.call_args_list
        command: list[str] = call.args[0]
        self.assertEqual(
            compiled.call_args.args, (command[-1].removeprefix("Architecture=") if "=" in command[-1] else "arm64",)
        )
        return command

    def test_the_build_is_for_the_architecture_that_will_be_deployed(self) -> None:
        set_now = plan(Stubs().client, Architecture="x86_64")
        kept = plan(Stubs().client)
        kept.existing = {"Parameters": [{"ParameterKey": "Architecture", "ParameterValue": "x86_64"}]}
        changed = plan(Stubs().client, Architecture="arm64")
        changed.existing = kept.existing
        for made, architecture in ((set_now, "x86_64"), (kept, "x86_64"), (changed, "arm64")):
            self.assertEqual(self.command(made)[-2:], ["--parameter-overrides", f"Architecture={architecture}"])
        self.assertNotIn("--parameter-overrides", self.command(plan(Stubs().client)))

    def test_the_build_lies_apart_from_that_of_other_environments_and_of_this_machine(self) -> None:
        command = self.command(plan(Stubs().client))
        self.assertEqual(command[1:4], ["build", "--config-env", "prod"])
        self.assertTrue(command[command.index("--build-dir") + 1].endswith(".aws-sam/prod"))


if __name__ == "__main__":
    unittest.main()
