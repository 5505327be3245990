"""Bad input from programs: whatever they do, the kernel says no, kills them, and lives on."""

import os
import re

import pytest
from conftest import complaints, guest_program



@pytest.fixture(scope="module")
def abuse():
    """The program that misbehaves, static, so that it needs nothing inside."""
    return guest_program("abuse", "-Wno-infinite-recursion")


def machine(boot, abuse, **options):
    """A machine with the program at /tmp/abuse."""
    vm = boot(files={"abuse": abuse}, **options)
    vm.mount_files("/mnt")
    vm.check("cp /mnt/abuse /tmp/abuse")
    return vm


def lives(vm):
    """The machine still works and its kernel found nothing wrong with itself."""
    assert vm.check("seq 1 100 | sort -rn | head -n 1", 120) == "100"
    assert not complaints(vm.log()), complaints(vm.log())


@pytest.mark.parametrize("what", ["forks", "deep", "edge", "proc", "signals", "elf 1 300",
                                  "calls 1 60"])
def test_hostile_program(boot, abuse, what):
    vm = machine(boot, abuse, debug=os.environ.get("AMBIT_OS") != "linux", limit=400)
    code, text = vm.run(f"/tmp/abuse {what}", 240)
    assert code == 0, text
    lives(vm)


def test_memory_exhausted_names_a_victim(boot, abuse):
    vm = machine(boot, abuse, mem=128, limit=300)
    assert vm.run("/tmp/abuse memory", 120)[0] == 137
    assert re.search(r"(?i)(out of memory|oom).*abuse", vm.check("dmesg"))
    assert vm.run("/tmp/abuse memory & /tmp/abuse memory; wait", 120)[0] in (0, 137)
    assert vm.check("echo $(cat /proc/1/comm)") == "init"
    lives(vm)


@pytest.mark.ambit
@pytest.mark.parametrize("every", [50, 1000])
def test_allocations_that_fail(boot, every):
    """No promise that anything works; but nothing panics and no pointer is followed to nowhere."""
    vm = boot(debug=True, smp=2, cmdline=f"failslab={every}", limit=120)
    vm.wait_for("init: running", 30)
    for _ in range(8):
        vm.type("root\nls -lR /etc | sort | wc; cat /proc/meminfo | tail -n 2; (echo x)\n")
        with pytest.raises(Exception, match="no text matches this"):
            vm.wait_for("no text matches this", 2)
        assert not vm.console.panic, vm.console.tail()
    assert not complaints(vm.log()), complaints(vm.log())
