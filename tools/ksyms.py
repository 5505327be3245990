#!/usr/bin/env python3
"""Turn `nm -n` output (stdin) into the kernel's own symbol table for backtraces.

Output: ksyms_count, ksyms_addr[] (u64, ascending), ksyms_off[] (u32 into ksyms_name), names.
With --empty, the same symbols with no entries, for the first link.
"""
import sys


def main() -> None:
    syms = []
    if "--empty" not in sys.argv:
        for line in sys.stdin:
            addr, kind, name = line.split()
            if kind in "tT":
                syms.append((addr, name))
    out = ['.section .ksyms,"a"', ".globl ksyms_count, ksyms_addr, ksyms_off, ksyms_name", ".balign 8"]
    out.append(f"ksyms_count: .quad {len(syms)}")
    out.append("ksyms_addr:")
    out += [f".quad 0x{a}" for a, _ in syms]
    out.append("ksyms_off:")
    off = 0
    for _, name in syms:
        out.append(f".long {off}")
        off += len(name) + 1
    out.append("ksyms_name:")
    out += [f'.asciz "{n}"' for _, n in syms]
    out.append('.section .note.GNU-stack,"",@progbits')
    print("\n".join(out))


if __name__ == "__main__":
    main()
