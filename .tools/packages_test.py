"""Tests which package of the tools may import which."""

import ast
import unittest
from pathlib import Path

from base.paths import TOOLS

# Operating and checking build on the local cloud, never the other way round.
ALLOWED = {
    "base": {"base"},
    "cloud": {"base", "cloud"},
    "operate": {"base", "cloud", "operate"},
    "check": {"base", "cloud", "operate", "check"},
    "testkit": {"base", "cloud", "operate", "testkit"},
}


def imported(file: Path) -> set[str]:
    """The packages of the tools that a file imports, at its top or within a function."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names & ALLOWED.keys()


class ImportsTest(unittest.TestCase):
    def test_packages_import_what_they_may(self) -> None:
        for package, allowed in ALLOWED.items():
            files = list((TOOLS / package).rglob("*.py"))
            self.assertTrue(files, package)
            for file in files:
                more = {"testkit"} if file.name.endswith("_test.py") else set()
                self.assertLessEqual(imported(file), allowed | more, file.name)

    def test_parsing_needs_the_standard_library_only(self) -> None:
        for name in ("cloud", "operate", "check"):
            tree = ast.parse((TOOLS / name / "commands.py").read_text(encoding="utf-8"))
            modules = {node.module for node in tree.body if isinstance(node, ast.ImportFrom) and node.module}
            own = {module for module in modules if module.split(".")[0] in ALLOWED}
            self.assertLessEqual(own, {"base.commands", "base.console", "base.options"}, name)


if __name__ == "__main__":
    unittest.main()
