#!/usr/bin/env python3
"""run.py [--part NAME] [--case NAME] [--os linux] - compare the ABI programs' output, host against Ambit.

The programs (build/tests/abi/bin) run on the host twice, which must agree with itself, and once in
one machine with a scratch ext2 disk. Programs about files run on a disk and on tmpfs, the others
on the disk only. A case counts as passed when all its lines are the same in the same order.
"""

import argparse
import difflib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent / "vm"))
from ambitvm import BUILD, VM, VMError  # noqa: E402

WORK = BUILD / "tests" / "abi"
ON_BOTH = ("files", "paths", "stat", "dirs", "errors", "locks", "mm", "seals", "transfers", "loops", "inotify",
           "net_sendfile", "xattr")
HOST_TMPFS = "/dev/shm"
GUEST_TMPFS = "/run/abi"
DISK_MB = 192
PROGRAM_LIMIT_S = 300
GUEST_LIMIT_S = 600
SHOWN_LINES = 40


def runs(part):
    """(program, kind of file system) in order; what changes the machine's network comes last."""
    for program in sorted((WORK / "bin").glob("*_test"), key=lambda p: (p.name == "netconf_test", p.name)):
        name = program.name.removesuffix("_test")
        if part and not any(word in program.name for word in part.split(",")):
            continue
        yield program.name, "disk"
        if name in ON_BOTH:
            yield program.name, "tmpfs"


def cases(text):
    """{case: its lines} in the order they came; a helper's lines belong to the case that waits for it."""
    found, waiting = {}, []
    for line in text.splitlines():
        match = re.match(r"\w+\.(\w+): ", line)
        waiting.append(line)
        if match and match.group(1) != "helper":
            found.setdefault(line.split(": ")[0], []).extend(waiting)
            waiting = []
    if waiting:
        found["(stray)"] = waiting
    return found


def run_host(program, kind, case):
    """Runs one program in a fresh private directory of the host; returns its output."""
    base = HOST_TMPFS if kind == "tmpfs" else str(WORK)
    folder = tempfile.mkdtemp(prefix="abi-run.", dir=base)
    os.chmod(folder, 0o755)
    try:
        command = [str(WORK / "bin" / program), f"--kind={kind}"] + ([case] if case else [])
        if program == "mounts_test" and os.geteuid() != 0:
            command = ["unshare", "--map-root-user", "--mount", *command]
        if program == "netconf_test":  # its cases change the network: never the host's own
            command = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"]), *command]
        run = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, text=True, errors="replace",
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                             timeout=PROGRAM_LIMIT_S)
        return run.stdout
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_guest(vm, folder, program, kind, case):
    """The same in the machine."""
    where = f"{GUEST_TMPFS if kind == 'tmpfs' else folder}/run"
    command = (f"rm -rf {where}; mkdir -m 755 {where} && cd {where} && "
               f"{folder}/bin/{program} --kind={kind} {case or ''} >{GUEST_TMPFS}/out 2>&1; "
               f"cat {GUEST_TMPFS}/out; cd /; rm -rf {where}")
    return vm.run(command, GUEST_LIMIT_S)[1]


def compare(oracle, answer, label):
    """Counts the cases that agree and prints those that do not: (passed, failed)."""
    passed = failed = 0
    for case in list(oracle) + [name for name in answer if name not in oracle]:
        want, got = oracle.get(case, []), answer.get(case, [])
        if want == got:
            passed += 1
            continue
        failed += 1
        print(f"FAIL {case} on {label}")
        lines = list(difflib.unified_diff(want, got, "linux", "ambit", lineterm="", n=0))[2:]
        shown = [line for line in lines if not line.startswith("@@")]
        print("\n".join("    " + line for line in shown[:SHOWN_LINES]))
    return passed, failed


def known_differences():
    """{case on kind: reason} from differences.txt: where Ambit is known to differ from Linux."""
    known = {}
    for line in (HERE / "differences.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, reason = line.split(None, 1)
            known[name] = reason
    return known


def judge(vm, folder, program, kind, oracle, answer, known):
    """Compares one program's cases; a difference must show again when its case runs alone on both sides.

    A known difference is neither passed nor failed, but one that is gone is a failure: the list must be true.
    """
    passed = failed = differs = 0
    want, got = cases(oracle), cases(answer)
    for name in list(want) + [name for name in got if name not in want]:
        label = f"{name}@{kind}"
        same = want.get(name, []) == got.get(name, [])
        if not same and label not in known:
            short = name.partition(".")[2]
            again = cases(run_host(program, kind, short)), cases(run_guest(vm, folder, program, kind, short))
            same = compare({name: again[0].get(name, [])}, {name: again[1].get(name, [])}, kind)[1] == 0
        if label in known and same:
            print(f"FAIL {label}: no longer differs; take it out of differences.txt")
        passed += same and label not in known
        failed += same == (label in known)
        differs += not same and label in known
    return passed, failed, differs


def hung(text):
    """Cases that ran out of time: both sides may, and then nothing is shown."""
    return re.findall(r"^(\w+\.\w+): timeout$", text, re.M)


def host_side(part, case):
    """{(program, kind): output} and the number of cases in which the host disagrees with itself or hangs."""
    results, restless = {}, 0
    for program, kind in runs(part):
        first, second = (run_host(program, kind, case) for _ in range(2))
        if first != second:  # a slow moment of the host: what is true comes out twice in three
            third = run_host(program, kind, case)
            first = third if third == second else first
            restless += compare(cases(first), cases(third), f"the host, run three times ({kind})")[1]
        for name in hung(first):
            print(f"FAIL {name} ({kind}): it does not end on the host")
            restless += 1
        results[program, kind] = first
        (WORK / f"host.{program}.{kind}").write_text(first)
    return results, restless


def guest_side(options, oracle):
    """Runs all in one machine, in a new one after a crash: (passed, failed)."""
    passed = failed = 0
    known = known_differences()
    left = list(oracle)
    while left:
        try:
            with VM(os=options.os, mem=1024, smp=2, files={"bin": WORK / "bin"}, files_mb=DISK_MB,
                    cmdline="loglevel=3", limit=3600, debug=options.debug, name="abi") as vm:
                vm.login()
                vm.check("dmesg -n 1 || true")
                vm.check(f"mkdir -p {GUEST_TMPFS}; mount -t tmpfs tmpfs {GUEST_TMPFS}")
                folder = vm.mount_files()
                while left:
                    program, kind = left[0]
                    answer = run_guest(vm, folder, program, kind, options.case)
                    left.pop(0)
                    (WORK / f"guest.{program}.{kind}").write_text(answer)
                    counts = judge(vm, folder, program, kind, oracle[program, kind], answer, known)
                    passed, failed = passed + counts[0], failed + counts[1]
                    print(f"{program} on {kind}: {counts[0]} passed, {counts[1]} failed, {counts[2]} known differences",
                          flush=True)
        except VMError as error:
            print(f"FAIL the machine, in {left[0] if left else 'the end'}: {error}", flush=True)
            failed += 1
            left = left[1:]
    return passed, failed


def main():
    """Runs what was asked for; exits 1 on any difference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", default="", help="only programs whose name has it, or one of A,B,...")
    parser.add_argument("--case", default="", help="only cases whose name has it")
    parser.add_argument("--os", default="ambit", help="the guest: ambit, or linux to test the tests")
    parser.add_argument("--debug", action="store_true", help="the debug kernel")
    parser.add_argument("--host-only", action="store_true", help="only the host, against itself")
    options = parser.parse_args()
    oracle, restless = host_side(options.part, options.case)
    passed, failed = (0, 0) if options.host_only else guest_side(options, oracle)
    failed += restless
    results = BUILD / "results"
    results.mkdir(parents=True, exist_ok=True)
    if not options.host_only:
        (results / "abi.txt").write_text(f"passed {passed}\nfailed {failed}\n")
    print(f"abi: {passed} passed, {failed} failed")
    return 1 if failed or not (passed or options.host_only) else 0


if __name__ == "__main__":
    sys.exit(main())
