"""The debug kernel finds the faults that it promises to find: each is committed on purpose."""

import re

import pytest

PANICS = {
    "use-after-free": (r"BUG: use after free: write of 1 bytes",
                       r"(?s)of kmalloc-48, 48 bytes, free\n.*allocated by.*use_after_free\+.*"
                       r"freed by.*use_after_free\+"),
    "overrun": (r"BUG: beyond the end: write of 1 bytes", r"of kmalloc-16, 16 bytes, in use"),
    "copy-overrun": (r"BUG: beyond the end: write of 101 bytes", r"of kmalloc-128.*in use"),
    "double-free": (r"PANIC: slab kmalloc-48: object \S+ freed twice", r"freed by"),
    "free-page": (r"BUG: use after free: write of 1 bytes", r"is in a free page"),
    "lock-order": (r"PANIC: lock checker: order inversion", r"held: provoke b"),
    "sleep-locked": (r"PANIC: lock checker: may sleep with a spinlock held", r"held: provoke a"),
    "call-locked": (r"PANIC: lock checker: held while other processors are called",
                    r"held: provoke a"),
}
WARNINGS = {
    "stuck-lock": (r"WARNING: spinlock provoke a is held by cpu \d since hold", r"    hold\+"),
    "irqs-off": (r"WARNING: cpu \d has not come past the scheduler for 10 s", r"irqs_off_loop"),
    "deep-stack": (r"WARNING: task deep \(0\) used \d+ of \d+ bytes of its stack", r""),
}


@pytest.mark.ambit
@pytest.mark.parametrize("fault", PANICS)
def test_fault_stops_the_machine_with_a_report(boot, fault):
    vm = boot(smp=2, debug=True, cmdline=f"provoke={fault}", limit=300)
    headline, detail = PANICS[fault]
    vm.wait_for(headline, 240, panic_ok=True)
    vm.wait_for(r"start_services\+", 60, panic_ok=True)
    assert re.search(detail, vm.log())


@pytest.mark.ambit
@pytest.mark.parametrize("fault", WARNINGS)
def test_no_progress_is_reported(boot, fault):
    vm = boot(smp=2, debug=True, cmdline=f"provoke={fault}", limit=300)
    headline, detail = WARNINGS[fault]
    vm.wait_for(headline, 240)
    vm.wait_for(detail, 60)
