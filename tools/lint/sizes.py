#!/usr/bin/env python3
"""Check sizes and marks: functions of at most 100 lines, files of at most 1000, no unfinished marks, a header comment."""
import pathlib
import re
import sys

MARK = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def functions(lines: list[str]):
    """Yield (name line, length) for every brace block that starts in column one."""
    start = None
    for n, line in enumerate(lines):
        if line.startswith("{"):
            start = n
        elif line.startswith("}") and start is not None:
            yield start, n - start + 1
            start = None


def main() -> int:
    bad = []
    for root in ("kernel", "compat", "tests", "tools", "ports", "iso", "rootfs"):
        for path in sorted(pathlib.Path(root).rglob("*")):
            if path.suffix not in (".c", ".h", ".S", ".py") or not path.is_file():
                continue
            lines = path.read_text().splitlines()
            if len(lines) > 1000:
                bad.append(f"{path}:1000: the file has {len(lines)} lines")
            for n, line in enumerate(lines, 1):
                if MARK.search(line) and path.name != "sizes.py":
                    bad.append(f"{path}:{n}: unfinished mark")
            if path.suffix == ".c":
                if not lines or not lines[0].startswith("/*"):
                    bad.append(f"{path}:1: no header comment")
                for start, length in functions(lines):
                    head = "".join(lines[max(0, start - 3) : start])
                    if length > 100 and "long:" not in head:
                        bad.append(f"{path}:{start + 1}: function of {length} lines")
    print("\n".join(bad), end="\n" if bad else "")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
