"""The built program has what the linker and the compiler can do against the exploitation of a bug."""

import json
import re
import subprocess

import pytest

from support.sluice import BINARY, ROOT

pytestmark = pytest.mark.skipif("release" not in BINARY.parts, reason="sanitized builds have guards of their own")


@pytest.fixture(scope="module")
def elf() -> str:
    return subprocess.run(["readelf", "-hldsW", BINARY], capture_output=True, text=True, check=True).stdout


def test_it_is_position_independent(elf):
    assert re.search(r"Type:\s+DYN", elf) and re.search(r"FLAGS_1.*PIE", elf)


def test_what_the_loader_fills_in_is_read_only_before_main(elf):
    assert "GNU_RELRO" in elf and re.search(r"FLAGS_1.*NOW", elf)


def test_no_segment_is_both_writable_and_executable(elf):
    segments = re.findall(r"^\s*(LOAD|GNU_STACK)\s+(?:0x\S+\s+){5}([RWE ]+?)\s+0x", elf, re.M)
    assert len(segments) > 3 and "GNU_STACK" in dict(segments)
    assert not [segment for segment in segments if "W" in segment[1] and "E" in segment[1]]


def test_stack_frames_are_guarded_and_copies_are_checked(elf):
    assert "__stack_chk_fail" in elf and re.search(r"__(memcpy|snprintf|read|fprintf)_chk", elf)


def test_every_file_is_compiled_with_the_guards():
    commands = json.loads((ROOT / "build/release/compile_commands.json").read_text())
    for command in commands:
        if "/src/" not in command["file"]:
            continue
        missing = [flag for flag in ("-D_FORTIFY_SOURCE=2", "-fstack-protector-strong", "-fstack-clash-protection", "-fcf-protection", "-fPIE")
                   if flag not in command["command"]]
        assert not missing, f"{command['file']}: {missing}"
