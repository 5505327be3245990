"""Processes by descriptor while they end: nothing is mistaken for another, and nothing is left."""

import re
import time

import pytest
from conftest import complaints, guest_program

SECONDS = 20


def in_use(vm, cache):
    """Objects of a slab cache."""
    return int(vm.check(f"awk '$1 == \"{cache}\" {{print $2}}' /proc/slabinfo"))


@pytest.mark.ambit
def test_processes_end_while_others_hold_them(boot):
    """The checking kernel, more processes than processors; then all structures are free again."""
    vm = boot(files={"pidfds": guest_program("pidfds")}, debug=True, smp=2, limit=300)
    vm.login()
    vm.mount_files("/mnt")
    vm.check("cp /mnt/pidfds /tmp/pidfds; /tmp/pidfds 1 4 4", 100)
    before = {cache: in_use(vm, cache) for cache in ("process", "uthread")}
    text = vm.check(f"/tmp/pidfds {SECONDS} 5 4", SECONDS + 100)
    print(text)
    children, opened, reaped = map(int, re.findall(r"\d+", text))
    assert children > 100 and opened > 100 and reaped > 10
    for _ in range(20):
        time.sleep(0.5)
        if all(in_use(vm, cache) <= count + 8 for cache, count in before.items()):
            break
    else:
        pytest.fail(f"{before} before, {[in_use(vm, cache) for cache in before]} after")
    assert not complaints(vm.log()), complaints(vm.log())
