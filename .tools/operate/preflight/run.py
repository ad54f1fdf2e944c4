"""Runs the checks in their order and prints their findings."""

import os
from pathlib import Path

from base import venvs
from base.console import say, step
from base.paths import LOCAL, ROOT
from base.processes import run_quietly
from cloud import build as cloud_build
from operate import gradual
from operate.preflight import connect, table
from operate.preflight.finding import Level, Report
from operate.preflight.plan import Plan

STOP, REPORT = "stop", "report"


def run(environment: str, mode: str) -> int:
    """Prints the findings; returns 1 when one is a problem, unless the mode is REPORT."""
    say(f"Preflight of {environment}\n")
    report = Report()
    try:
        plan, found = connect.local() if environment == "local" else connect.aws(environment)
    except connect.RefusedError as refused:
        report.add("credentials", [refused.finding])
        say(f"\n{report.summary('')}")
        return 1
    report.add("credentials", found)
    report.add("account", [plan.described()])
    report.add(table.STACK.name, table.findings(table.STACK, plan))
    plan.template_file = built(plan)
    for check in table.CHECKS:
        report.add(check.name, table.findings(check, plan))
    problems = report.counts[Level.PROBLEM]
    if mode == REPORT:
        say(f"\n{report.summary('PREFLIGHT=report: they stop nothing.')}")
        return 0
    ignore = f"`make deploy CONFIG={environment} PREFLIGHT={REPORT}` ignores {'it' if problems == 1 else 'them'}."
    say(f"\n{report.summary(ignore)}")
    return 1 if problems else 0


def built(plan: Plan) -> Path:
    """Builds the functions for the processor of the plan; returns the template to deploy."""
    if plan.local:
        cloud_build.build()
        return cloud_build.BUILD / "template.yaml"
    folder = ROOT / ".aws-sam" / plan.environment
    architecture = plan.wanted("Architecture")
    cloud_build.check_tools()
    command = [str(venvs.sam()), "build", "--config-env", plan.environment, "--build-dir", str(folder)]
    if architecture:
        # The only parameter that a build depends on. Without it the template's default holds.
        command += ["--parameter-overrides", f"Architecture={architecture}"]
    with step("Build the functions"):
        cloud_build.compile_once(architecture or cloud_build.DEFAULT_ARCHITECTURE)
        run_quietly(command, LOCAL / f"build-{plan.environment}.log", os.environ | cloud_build.BUILD_ENV)
    return Path(gradual.prepare(str(folder / "template.yaml"), plan.environment))
