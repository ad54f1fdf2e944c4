"""Tests the lock files of the virtual environments."""

import re
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from base import venvs

REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;]+)(?: ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


def normal(name: str) -> str:
    """The name of a package in its normal form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


class LockFilesTest(unittest.TestCase):
    def test_every_package_has_a_version_and_hashes_and_nothing_else_is_installed(self) -> None:
        self.assertTrue(venvs.names())
        for name in venvs.names():
            last = ""
            for line in venvs.lock_file(name).read_text(encoding="utf-8").splitlines():
                if line.startswith("#"):
                    continue
                kind = "package" if REQUIREMENT.match(line) else "hash" if HASH.match(line) else "unknown"
                self.assertNotEqual(kind, "unknown", f"{name}.lock: {line}")
                self.assertNotEqual((last, kind), ("package", "package"), f"{name}.lock: no hash before {line}")
                last = kind
            self.assertEqual(last, "hash", name)

    def test_lock_files_hold_the_versions_that_the_requirements_pin(self) -> None:
        for name in venvs.names():
            found = map(REQUIREMENT.match, venvs.lock_file(name).read_text(encoding="utf-8").splitlines())
            locked = {(normal(match[1]), match[2]) for match in found if match}
            for package in venvs.packages(name):
                wanted, version = package.split("==")
                self.assertIn((normal(wanted), version), locked, f"{name}.lock is older than {name}.txt: make lock")


class InstallTest(unittest.TestCase):
    def test_pip_installs_what_uv_cannot(self) -> None:
        with (
            tempfile.TemporaryDirectory() as name,
            mock.patch.object(venvs, "uv_commands", return_value=[["false"]]),
            mock.patch.object(venvs, "run") as run,
        ):
            venvs.install("lint", Path(name) / "lint", Path("uv"))
        programs = [Path(call.args[0][0]).name for call in run.call_args_list]
        self.assertEqual(programs, [Path(sys.executable).name, "pip"])


if __name__ == "__main__":
    unittest.main()
