#!/usr/bin/env python3
"""coverage.py [--man DIR] - which errors of which system calls the ABI tests provoke.

Reads what the programs printed on the host in the last run (build/tests/abi/host.*): a line
`program.case: call(...) = -1 EWHAT` counts for that call, under the C library's name or the bare
one, and so does `call(...): EWHAT` or `: done`. With --man, or where Debian's manpages-dev is
installed, the errors that the call's manual page documents and no case provokes are shown behind
`missing:`, but for those of unprovokable.txt, which gives the reason why no case can.
"""

import argparse
import collections
import errno
import gzip
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
RESULTS = ROOT / "build" / "tests" / "abi"
PAGES = pathlib.Path("/usr/share/man/man2")
SAME = {"EWOULDBLOCK": "EAGAIN", "ENOTSUP": "EOPNOTSUPP", "EDEADLOCK": "EDEADLK"}
# The C library's name for a call, or a spelling the cases use -> the row of syscalls.tbl.
ALIASES = {
    "execl": "execve", "fstatat": "newfstatat", "getdents": "getdents64", "mkfifo": "mknod", "nice": "setpriority",
    "pread": "pread64", "pwrite": "pwrite64", "raise": "kill", "sigaction": "rt_sigaction",
    "sigaltstack": "sigaltstack", "sigpending": "rt_sigpending", "sigprocmask": "rt_sigprocmask",
    "sigqueue": "rt_sigqueueinfo", "sigsuspend": "rt_sigsuspend", "sigtimedwait": "rt_sigtimedwait",
    "umount": "umount2", "wait": "wait4", "waitpid": "wait4",
}
# A row whose manual page has another name.
PAGE_OF = {"newfstatat": "fstatat", "pread64": "pread", "pwrite64": "pwrite", "prlimit64": "prlimit",
           "umount2": "umount", "rt_sigqueueinfo": "rt_sigqueueinfo"}


def implemented():
    """Names of the rows of syscalls.tbl that have a handler."""
    rows = (line.split() for line in (ROOT / "compat" / "syscalls.tbl").read_text().splitlines())
    return [row[1] for row in rows if len(row) > 2 and row[0].isdigit() and row[2] != "-"]


def tested(calls):
    """{call: {error or "ok": count}} from the host's output."""
    found = collections.defaultdict(collections.Counter)
    for path in sorted(RESULTS.glob("host.*")):
        for line in path.read_text(errors="replace").splitlines():
            match = re.match(r"\w+\.\w+: (.*?)(?:(?: = -1|:) (E[A-Z0-9]+)| = .*|: ok|: done)$", line)
            if not match:
                continue
            for bare, name in re.findall(r"sc0?\((\w+)|(\w+)\(", match[1]):
                name = bare or ALIASES.get(name, name)
                if name in calls:
                    found[name][match[2] or "ok"] += 1
                    break
    return found


def page_text(directory, name):
    """The source of a manual page of section 2, through .so links, or nothing."""
    for suffix in (".2", ".2.gz"):
        path = directory / (name + suffix)
        if path.exists():
            text = gzip.open(path, "rt").read() if suffix.endswith("gz") else path.read_text()
            link = re.match(r"\.so man2/(\w+)\.2", text)
            return page_text(directory, link[1]) if link else text
    return ""


def documented(directory, call):
    """The errors that the page's section ERRORS names, in its order."""
    text = page_text(directory, PAGE_OF.get(call, call))
    section = re.search(r"^\.SH ERRORS\n(.*?)^\.SH ", text, re.M | re.S)
    names = re.findall(r"^\.BR? \"?(E[A-Z0-9]+)\b", section[1], re.M) if section else []
    return list(dict.fromkeys(SAME.get(name, name) for name in names if hasattr(errno, name)))


def unprovokable():
    """[(calls, not these calls, errors)] from unprovokable.txt; `*` stands for all calls."""
    rows = []
    for line in (ROOT / "tests" / "abi" / "unprovokable.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            calls, errors, _reason = line.split(None, 2)
            names = calls.split(",")
            rows.append(({name for name in names if name[0] != "-"},
                         {name[1:] for name in names if name[0] == "-"}, set(errors.split(","))))
    return rows


def excused(rows, call, error):
    """Whether the list has a reason for this error of this call."""
    return any(error in errors and call not in spared and calls & {call, "*"} for calls, spared, errors in rows)


def stale(rows, found, calls):
    """What unprovokable.txt names and yet a case provokes, or names and is no call: it must be true."""
    for named, spared, errors in rows:
        for call in sorted(named - {"*"}):
            if call not in calls:
                yield f"{call}: no such call"
            yield from (f"{call} {name}: a case provokes it" for name in sorted(errors) if name in found[call])
        yield from (f"-{call}: no such call" for call in sorted(spared - calls))


def main():
    """Prints one line for each implemented call; the total last. Exits 1 when unprovokable.txt is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--man", type=pathlib.Path, default=PAGES, help="directory of section 2")
    options = parser.parse_args()
    calls = implemented()
    found = tested(set(calls))
    if not found:
        sys.exit("no results in build/tests/abi: run make test-abi first")
    rows = unprovokable()
    absent = reasoned = 0
    for call in calls:
        have = found[call]
        lacking = [name for name in documented(options.man, call) if name not in have]
        missing = [name for name in lacking if not excused(rows, call, name)]
        absent += len(missing)
        reasoned += len(lacking) - len(missing)
        shown = " ".join(f"{name}:{count}" for name, count in sorted(have.items())) or "nothing"
        print(f"{call:24} {shown}" + (f"  missing: {' '.join(missing)}" if missing else ""))
    wrong = list(stale(rows, found, set(calls)))
    print("".join(f"unprovokable.txt: {line}\n" for line in wrong), end="")
    print(f"{len([c for c in calls if found[c]])} of {len(calls)} calls tried, "
          f"{absent} documented errors not provoked, {reasoned} that no case can provoke")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
