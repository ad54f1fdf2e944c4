"""Tests of the check of the built programs, with ELF files made here and with the real build."""

import struct
import tempfile
import unittest
from pathlib import Path

from cloud import build
from operate.preflight import binaries
from operate.preflight.finding import Level
from testkit.plans import of, plan, plan_of, problems, template
from testkit.stubs import Stubs

X86_64, AARCH64, RISCV = 62, 183, 243
OBJECT, EXECUTABLE, SHARED = 1, 2, 3
LOAD, INTERPRETER = 1, 3


def elf(machine: int = X86_64, kind: int = EXECUTABLE, *segments: int, ident: bytes = b"\x7fELF\x02\x01\x01") -> bytes:
    """A program of headers only."""
    numbers = (kind, machine, 1, 0, 64, 0, 0, 64, 56, len(segments), 0, 0, 0)
    header = ident.ljust(16, b"\0") + struct.pack("<HHIQQQIHHHHHH", *numbers)
    return header + b"".join(struct.pack("<I", segment).ljust(56, b"\0") for segment in segments)


class BinariesTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        properties = {"CodeUri": "F", "Runtime": "provided.al2023", "Handler": "bootstrap"}
        function = {"Type": "AWS::Serverless::Function", "Properties": properties | {"Architectures": [{"Ref": "A"}]}}
        parameters = {"A": {"Type": "String", "Default": "arm64"}}
        parts = {"Parameters": parameters, "Transform": "AWS::Serverless-2016-10-31"}
        self.file = template(folder.name, {"F": function}, **parts)
        self.program = Path(folder.name, "F", "bootstrap")
        self.program.parent.mkdir()

    def fault(self, content: bytes | None, architecture: str = "x86_64", mode: int = 0o755) -> list[str]:
        if content is not None:
            self.program.write_bytes(content)
            self.program.chmod(mode)
        return problems(binaries.check(plan_of(Stubs().client, self.file, A=architecture)))

    def test_a_static_program_for_the_architecture_is_right(self) -> None:
        for machine, architecture in ((X86_64, "x86_64"), (AARCH64, "arm64")):
            for kind in (EXECUTABLE, SHARED):
                self.assertEqual(self.fault(elf(machine, kind, LOAD), architecture), [])

    def test_a_program_for_another_processor_is_a_problem(self) -> None:
        for machine, architecture, wanted in (
            (X86_64, "arm64", "The program is for x86_64, but Architecture is arm64 (F)"),
            (AARCH64, "x86_64", "The program is for arm64, but Architecture is x86_64 (F)"),
            (RISCV, "arm64", "The program is for the machine type 243, but Architecture is arm64 (F)"),
        ):
            [found] = self.fault(elf(machine), architecture)
            self.assertTrue(found.startswith(wanted), found)
            self.assertIn("run make preflight CONFIG=prod or make deploy, which build it", found)

    def test_what_lambda_cannot_start_is_a_problem(self) -> None:
        for content, reason in (
            (None, "There is no program named bootstrap"),
            (b"", "not one for Linux on a 64-bit processor"),
            (b"#!/bin/sh\n" + b" " * 64, "not one for Linux on a 64-bit processor"),
            (b"\xcf\xfa\xed\xfe" + b"\0" * 64, "not one for Linux on a 64-bit processor"),  # Mach-O, of macOS
            (elf(ident=b"\x7fELF\x01\x01\x01"), "not one for Linux on a 64-bit processor"),  # 32 bits
            (elf(ident=b"\x7fELF\x02\x02\x01"), "not one for Linux on a 64-bit processor"),  # big-endian
            (elf(kind=OBJECT), "an object file or a core dump"),
            (elf(X86_64, EXECUTABLE, LOAD, INTERPRETER), "not static: build it with CGO_ENABLED=0"),
        ):
            with self.subTest(reason=reason, content=content and content[:8]):
                [found] = self.fault(content)
                self.assertIn(reason, found)

    def test_a_program_that_is_not_executable_is_a_problem(self) -> None:
        [found] = self.fault(elf(), mode=0o644)
        self.assertIn("not executable", found)

    def test_the_architecture_that_the_deployed_stack_keeps_counts(self) -> None:
        self.program.write_bytes(elf(AARCH64))
        self.program.chmod(0o755)
        update = plan_of(Stubs().client, self.file)
        update.existing = {"Parameters": [{"ParameterKey": "A", "ParameterValue": "x86_64"}]}
        [found] = problems(binaries.check(update))
        self.assertIn("for arm64, but Architecture is x86_64", found)

    def test_the_programs_of_this_build_are_for_this_machine_only(self) -> None:
        mine, other = build.architecture(), {"arm64": "x86_64", "x86_64": "arm64"}[build.architecture()]
        good = of(Level.OK, binaries.check(plan(Stubs().client, Architecture=mine)))
        self.assertEqual(len(good) == 1 and f"functions, static, for {mine}" in good[0], build.NATIVE, good)
        [bad] = problems(binaries.check(plan(Stubs().client, Architecture=other)))
        self.assertRegex(bad, r"\(all \d\d functions\)")


if __name__ == "__main__":
    unittest.main()
