"""BusyBox's own test suites: each case that passes under Linux passes under Ambit.

Both sides are the same root file system in the same emulated machine; only the kernel differs.
They run side by side, one host processor each.
"""

import concurrent.futures
import re

import pytest
from ambitvm import VM

SUITE = "ports/busybox-testsuite/usr/share/busybox-testsuite"
APPLETS = "cd /tmp/t/testsuite && bindir=/tmp/t ./runtest $({})"
# bc computes for minutes without the kernel's help, so it has a test of its own.
ALL_BUT_BC = r"ls -d */ *.tests | sed 's:/$::; s:\.tests$::' | sort -u | grep -vx bc"
SHELL = "cd /tmp/t/shell/{0} && PATH=/tmp/t:$PATH THIS_SH=/bin/{1} ./run-all"


def run_suite(build, system, command, limit):
    """Runs a suite in a fresh machine; returns {case: verdict}."""
    with VM(os=system, mem=512, smp=1, files={"t": build / SUITE}, limit=limit,
            name=f"busybox-{system}") as vm:
        vm.mount_files("/mnt")
        vm.check("cp -a /mnt/t /tmp/t && umount /mnt", 120)
        code, text = vm.run(f"({command}) 2>&1 </dev/null", limit)
        vm.keep_log()
    return verdicts(text)


def verdicts(text):
    """{case: PASS or FAIL} from either suite's output."""
    cases = {}
    for verdict, name in re.findall(r"^(PASS|FAIL): (.*)$", text, re.M):
        cases[name] = "FAIL" if cases.get(name) == "FAIL" else verdict
    for name, verdict in re.findall(r"^(\S+/\S+\.tests): (ok|fail)", text, re.M):
        cases[name] = {"ok": "PASS", "fail": "FAIL"}[verdict]
    return cases


def compare(build, command, least, limit=1200):
    """Fails with the names of cases that Linux passes and Ambit does not."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        linux, ambit = pool.map(lambda system: run_suite(build, system, command, limit),
                                ("linux", "ambit"))
    passes = sorted(name for name, verdict in linux.items() if verdict == "PASS")
    assert len(passes) >= least, f"only {len(passes)} cases pass under Linux: the suite did not run"
    worse = [f"{name}: {ambit.get(name, 'missing')}" for name in passes
             if ambit.get(name) != "PASS"]
    print(f"{len(passes)} cases pass under Linux, {len(passes) - len(worse)} of them here")
    assert not worse, "\n".join(worse)


@pytest.mark.ambit
def test_applets(build):
    compare(build, APPLETS.format(ALL_BUT_BC), 400)


@pytest.mark.slow
@pytest.mark.ambit
def test_bc(build):
    compare(build, APPLETS.format("echo bc"), 60, 2400)


@pytest.mark.ambit
def test_ash(build):
    compare(build, SHELL.format("ash_test", "ash"), 200)


@pytest.mark.slow
@pytest.mark.ambit
def test_hush(build):
    compare(build, SHELL.format("hush_test", "hush"), 200)
