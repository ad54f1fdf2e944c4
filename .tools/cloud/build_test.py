"""Tests of where the binaries for this machine lie."""

import tomllib
import unittest

from base import samconfig
from base.paths import ROOT
from cloud import build


class WhereTest(unittest.TestCase):
    def test_the_build_for_this_machine_lies_outside_of_what_sam_deploys(self) -> None:
        self.assertFalse(build.BUILD.is_relative_to(ROOT / ".aws-sam"))

    def test_sam_build_by_hand_for_the_local_environment_uses_the_same_folder(self) -> None:
        local = tomllib.loads(samconfig.FILE.read_text(encoding="utf-8"))["local"]
        self.assertEqual(ROOT / local["build"]["parameters"]["build_dir"], build.BUILD.with_name("linux"))


if __name__ == "__main__":
    unittest.main()
