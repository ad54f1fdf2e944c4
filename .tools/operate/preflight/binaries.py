"""Whether each function's program runs on the processor that the template asks for."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path

from cloud import build as cloud_build
from operate.preflight.finding import Finding, count, listed, ok, problem, skipped
from operate.preflight.plan import Plan

# The fields of an ELF file: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
HEADER_BYTES, EXECUTABLES, INTERPRETER = 64, (2, 3), 3  # ET_EXEC and ET_DYN; PT_INTERP
LITTLE_ENDIAN_64 = b"\x7fELF\x02\x01"
MACHINES = {62: "x86_64", 183: "arm64"}  # EM_X86_64 and EM_AARCH64, by Lambda's names
PROGRAM = "bootstrap"  # the name that the runtimes provided.* start


def check(plan: Plan) -> Iterator[Finding]:
    """Compares each program with the Architectures of its function."""
    if plan.local and not cloud_build.NATIVE:
        yield skipped("here the local cloud runs programs for this system, not for Linux")
        return
    faults: dict[str, list[str]] = {}
    wanted: set[str] = set()
    functions = 0
    for name, kind, properties in plan.processed.created():
        if kind == "AWS::Lambda::Function":
            architecture = properties.get("Architectures", ["x86_64"])[0]  # x86_64 is Lambda's default
            wanted.add(architecture)
            functions += 1
            code = plan.template["Resources"][name]["Properties"]["CodeUri"]
            if reason := fault(plan.template_file.parent / code / PROGRAM, architecture):
                faults.setdefault(reason, []).append(name)
    for reason, names in faults.items():
        which = f"all {functions} functions" if len(names) == functions > 1 else listed(names)
        yield problem(f"{reason} ({which}). {remedy(plan)}")
    if not faults:
        yield ok(f"{count(functions, 'function')}, static, for {' and '.join(sorted(wanted))}")


def remedy(plan: Plan) -> str:
    """How to build again."""
    if plan.local:
        return "Delete .local/build and run make build."
    folder = plan.template_file.parent.name
    return f"Delete .aws-sam/{folder} and run make preflight CONFIG={plan.environment} or make deploy, which build it."


def fault(file: Path, architecture: str) -> str:
    """Why Lambda could not run the program; empty when it can."""
    if not file.is_file():
        return f"There is no program named {PROGRAM}"
    if not os.access(file, os.X_OK):
        return "The program is not executable"
    with file.open("rb") as program:
        header = program.read(HEADER_BYTES)
        if len(header) < HEADER_BYTES or header[: len(LITTLE_ENDIAN_64)] != LITTLE_ENDIAN_64:
            return "The program is not one for Linux on a 64-bit processor"
        kind, machine = struct.unpack_from("<HH", header, 16)
        if kind not in EXECUTABLES:
            return "The file is an object file or a core dump, not a program"
        built_for = MACHINES.get(machine, f"the machine type {machine}")
        if built_for != architecture:
            return f"The program is for {built_for}, but Architecture is {architecture}"
        offset, size, number = *struct.unpack_from("<Q", header, 32), *struct.unpack_from("<HH", header, 54)
        program.seek(offset)
        table = program.read(size * number)
    segments = [struct.unpack_from("<I", table, start)[0] for start in range(0, len(table), size)] if size else []
    if INTERPRETER in segments:
        return "The program is not static: build it with CGO_ENABLED=0"
    return ""
