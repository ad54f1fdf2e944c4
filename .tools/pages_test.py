"""Tests of the commands in the pages against the models of the AWS SDK, which the AWS CLI is made of."""

import re
import unittest

import botocore.session
from botocore import xform_name

from base.paths import ROOT, TOOLS

GLOBAL = {"query", "output", "region", "profile", "endpoint-url"}
# Of the AWS CLI, and of no API: https://docs.aws.amazon.com/cli/latest/reference/
OWN_OPTIONS = {("lambda", "invoke"): {"cli-binary-format"}}
SERVICES = {"deploy": "codedeploy"}
PAGES = [*ROOT.glob("*.md"), *(ROOT / ".docs").glob("*.md"), ROOT / "functions" / "README.md"]


def commands() -> list[tuple[str, str]]:
    """Every command of the AWS CLI in a block of a page, with the name of the page."""
    found = []
    for page in PAGES:
        for block in re.findall(r"^ *```sh\n(.*?)^ *```", page.read_text(encoding="utf-8"), re.S | re.M):
            text = block.replace("\\\n", " ")
            found += [(page.name, command) for command in re.findall(r"\baws [a-z][^\n#;)|]*", text)]
    return found


def kebab(name: str) -> str:
    """The CLI's name of an operation or parameter."""
    return str(xform_name(name, "-"))


def waited_for(session: botocore.session.Session, service: str, waiter: str) -> str:
    """The operation that `aws SERVICE wait WAITER` calls."""
    model = session.get_waiter_model(service)
    names = {kebab(name): name for name in model.waiter_names}
    return kebab(model.get_waiter(names[waiter]).operation)


class AwsCommandsTest(unittest.TestCase):
    def test_operations_and_options_exist(self) -> None:
        session, found = botocore.session.get_session(), commands()
        self.assertGreater(len(found), 20)
        for page, command in found:
            with self.subTest(page=page, command=command):
                words = command.split("--query")[0].split()[1:]
                service, operation = SERVICES.get(words[0], words[0]), words[1]
                if operation == "wait":
                    operation = waited_for(session, service, words[2])
                model = session.get_service_model(service)
                operations = {kebab(name): name for name in model.operation_names}
                self.assertIn(operation, operations)
                shape = model.operation_model(operations[operation]).input_shape
                options = {word[2:].partition("=")[0].removeprefix("no-") for word in words if word.startswith("--")}
                own = OWN_OPTIONS.get((service, operation), set())
                self.assertLessEqual(options - GLOBAL - own, {kebab(name) for name in shape.members})


class NamedTestsTest(unittest.TestCase):
    def test_the_tests_that_the_procedures_name_exist(self) -> None:
        named = re.findall(r"`(test_\w+)`", (ROOT / ".docs" / "procedures.md").read_text(encoding="utf-8"))
        defined = "\n".join(file.read_text(encoding="utf-8") for file in TOOLS.rglob("*_test.py"))
        self.assertGreater(len(named), 3)
        for name in named:
            self.assertIn(f"def {name}(", defined)


if __name__ == "__main__":
    unittest.main()
