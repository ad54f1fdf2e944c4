"""Tests of how findings are printed."""

import unittest

from operate.preflight.finding import Level, Report, lines, listed, ok, problem, skipped, warning
from testkit.stubs import printed


class ReportTest(unittest.TestCase):
    def test_each_finding_has_its_level_and_check_in_columns_and_wraps_below_its_text(self) -> None:
        text = " ".join(["word"] * 20)
        with printed() as out:
            Report().add("stack", [problem(f"{text}\naws cloudformation delete-stack --stack-name webhooks")])
        self.assertEqual(
            out.getvalue(),
            f"  problem  stack         {' '.join(['word'] * 17)}\n"
            f"{' ' * 25}word word word\n"
            f"{' ' * 25}aws cloudformation delete-stack --stack-name webhooks\n",
        )

    def test_names_and_arns_are_not_broken(self) -> None:
        arn = "arn:aws:sns:eu-central-1:123456789012:" + "a-long-name-" * 12
        self.assertIn(arn, next(iter(lines("alarm topic", ok(arn)))))

    def test_the_summary_counts_and_says_how_to_go_on(self) -> None:
        for findings, wanted in (
            ([ok("a")], "No problem."),
            ([ok("a"), skipped("b"), warning("c")], "No problem, 1 warning. Warnings do not stop a deployment."),
            ([problem("a"), problem("b"), warning("c")], "2 problems, 1 warning. Do this."),
        ):
            report = Report()
            with printed():
                report.add("check", findings)
            self.assertEqual(report.summary("Do this."), wanted)
            self.assertEqual(sum(report.counts.values()), len(findings))

    def test_many_names_are_shortened(self) -> None:
        self.assertEqual(listed(["b", "a", "c"], 2), "a, b and 1 more")
        self.assertEqual({level.value for level in Level}, {"ok", "not run", "warning", "problem"})


if __name__ == "__main__":
    unittest.main()
