#!/usr/bin/env python3
"""Generate from syscalls.tbl: typed handler prototypes, the dispatch table, the tracer's descriptions.

usage: gen_syscalls.py TABLE OUTDIR     writes OUTDIR/syscall_protos.h and OUTDIR/syscall_table.h
       gen_syscalls.py TABLE --coverage prints which calls are there, for people

A row is: number name handler arg:type ...   handler "-" means not implemented (ENOSYS).
"""
import pathlib
import re
import sys

# type in the table -> (C type, how to take it from a register, tracer kind)
TYPES = {
    "fd": ("int", "(int)({})", "FD"),
    "dirfd": ("int", "(int)({})", "DIRFD"),
    "int": ("int", "(int)({})", "INT"),
    "uint": ("unsigned", "(unsigned)({})", "UINT"),
    "pid": ("pid_t", "(pid_t)({})", "INT"),
    "uid": ("uid_t", "(uid_t)({})", "INT"),
    "sig": ("int", "(int)({})", "SIG"),
    "mode": ("mode_t", "(mode_t)({})", "OCT"),
    "oflags": ("unsigned", "(unsigned)({})", "OFLAGS"),
    "flags": ("unsigned", "(unsigned)({})", "HEX"),
    "prot": ("unsigned", "(unsigned)({})", "PROT"),
    "long": ("long", "(long)({})", "LONG"),
    "ulong": ("unsigned long", "(unsigned long)({})", "HEX"),
    "size": ("size_t", "(size_t)({})", "SIZE"),
    "off": ("int64_t", "(int64_t)({})", "LONG"),
    "ptr": ("void __user *", "(void __user *)({})", "PTR"),
    "path": ("const char __user *", "(const char __user *)({})", "STR"),
    "str": ("const char __user *", "(const char __user *)({})", "STR"),
    "frame": ("struct frame *", "{}", "NONE"),
}
REGS = ["rdi", "rsi", "rdx", "r10", "r8", "r9"]
MAX_NR = 512


def fail(where: int, text: str) -> None:
    sys.exit(f"syscalls.tbl:{where}: {text}")


def parse(path: pathlib.Path) -> list[dict]:
    rows, seen_nr, seen_name = [], set(), set()
    for n, line in enumerate(path.read_text().splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        words = line.split()
        if len(words) < 3 or not words[0].isdigit():
            fail(n, "expected: number name handler [arg:type ...]")
        nr, name, handler, args = int(words[0]), words[1], words[2], []
        for word in words[3:]:
            m = re.fullmatch(r"(\w+):(\w+)", word)
            if not m or m[2] not in TYPES:
                fail(n, f"argument {word}: expected name:type")
            args.append((m[1], m[2]))
        if nr in seen_nr or name in seen_name or nr >= MAX_NR:
            fail(n, f"{nr} {name} stands twice or is out of range")
        if sum(t != "frame" for _, t in args) > len(REGS):
            fail(n, f"{name} has too many arguments")
        seen_nr.add(nr)
        seen_name.add(name)
        rows.append({"nr": nr, "name": name, "handler": handler, "args": args})
    if [r["nr"] for r in rows] != sorted(seen_nr):
        fail(0, "rows are not in number order")
    return rows


def done(rows: list[dict]) -> list[dict]:
    return [r for r in rows if r["handler"] != "-"]


def protos(rows: list[dict]) -> str:
    out = ["/* Generated from compat/syscalls.tbl. */", "#pragma once", "#include <types.h>", "struct frame;"]
    seen = set()
    for r in done(rows):
        if r["handler"] in seen:
            continue
        seen.add(r["handler"])
        params = ", ".join(f"{TYPES[t][0]} {a}".replace("* ", "*") for a, t in r["args"]) or "void"
        out.append(f"long {r['handler']}({params});")
    return "\n".join(out) + "\n"


def table(rows: list[dict]) -> str:
    out = ["/* Generated from compat/syscalls.tbl. */", '#include "syscall_protos.h"']
    for r in done(rows):
        regs = iter(REGS)
        values = []
        for _, t in r["args"]:
            values.append("f" if t == "frame" else TYPES[t][1].format(f"f->{next(regs)}"))
        out.append(f"static long call_{r['name']}(struct frame *f)\n{{\n\t(void)f;\n\treturn {r['handler']}({', '.join(values)});\n}}")
    out.append("const struct syscall_entry syscall_table[] = {")
    for r in rows:
        call = f"call_{r['name']}" if r["handler"] != "-" else "NULL"
        kinds = [f"ARG_{TYPES[t][2]}" for _, t in r["args"] if t != "frame"]
        out.append(f'\t[{r["nr"]}] = {{.call = {call}, .name = "{r["name"]}", .nargs = {len(kinds)}, .args = {{{", ".join(kinds) or "0"}}}}},')
    out.append("};")
    out.append(f"const unsigned syscall_count = {rows[-1]['nr'] + 1};")
    return "\n".join(out) + "\n"


def main() -> None:
    rows = parse(pathlib.Path(sys.argv[1]))
    if sys.argv[2] == "--coverage":
        print(f"{len(done(rows))} of {len(rows)} system calls\n")
        for r in rows:
            print(f"{r['nr']:4} {'yes' if r['handler'] != '-' else ' - '}  {r['name']}")
        return
    outdir = pathlib.Path(sys.argv[2])
    outdir.mkdir(parents=True, exist_ok=True)
    for name, text in (("syscall_protos.h", protos(rows)), ("syscall_table.h", table(rows))):
        path = outdir / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


if __name__ == "__main__":
    main()
