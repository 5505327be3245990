"""The wall clock: those who wait for it follow it when it is set, and it runs as it is told to."""


import pytest
from conftest import guest_program



@pytest.fixture(scope="module", name="program")
def program_fixture():
    """The program that tries it, static."""
    return guest_program("clock", "-Wextra")


@pytest.mark.parametrize("part", ["steps", "rates"])
def test_clock(boot, program, part):
    vm = boot(files={"clock": program})
    vm.mount_files("/mnt")
    code, text = vm.run(f"/mnt/clock {part}", 120)
    assert code == 0, text
