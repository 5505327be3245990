"""The wall clock: those who wait for it follow it when it is set, and it runs as it is told to."""

import os
import pathlib
import subprocess

import pytest
from ambitvm import BUILD

HERE = pathlib.Path(__file__).resolve().parent


@pytest.fixture(scope="module", name="program")
def program_fixture():
    """The program that tries it, static."""
    target = BUILD / "tests" / "clock"
    target.parent.mkdir(parents=True, exist_ok=True)
    compiler = os.environ.get("AMBIT_CC", str(BUILD / "sysroot" / "bin" / "ambit-cc"))
    subprocess.run([compiler, "-static", "-O1", "-Wall", "-Wextra", "-Werror", "-o", target, HERE / "clock.c"],
                   check=True)
    return target


@pytest.mark.parametrize("part", ["steps", "rates"])
def test_clock(boot, program, part):
    vm = boot(files={"clock": program})
    vm.mount_files("/mnt")
    code, text = vm.run(f"/mnt/clock {part}", 120)
    assert code == 0, text
