#!/usr/bin/env python3
"""Check the include direction: a room never includes a header that a higher room owns.

Shared headers live in kernel/include and are owned by the room named in OWNERS; private headers
are included with "..." and must lie in the including file's own folder tree.
"""
import pathlib
import re
import sys

ORDER = ["lib", "arch", "core", "mm", "policy", "vfs", "block", "fs", "net", "tty", "drivers", "proc", "ipc", "compat"]
PEERS = [{"vfs", "block"}, {"fs", "net", "tty", "drivers"}, {"proc", "ipc"}]
OWNERS = {
    "lib": "types compiler atomic error list rbtree xarray bitmap string printf hash dev",
    "core": "signum debug spinlock wait mutex seqlock rcu timer workqueue task sched time log random cpumask lockdep core",
    "mm": "page slab pagecache vm iov_iter tlb memcheck swap",
    "policy": "cred policy user",
    "vfs": "stat poll vfs file events",
    "block": "block",
    "fs": "fs tmpfs pty",
    "net": "ipaddr pkt csum net net_mib netdev socket netctl vnet_hdr netbridge",
    "drivers": "pci console",
    "tty": "tty vt",
    "proc": "signal process exec user_abi",
    "ipc": "ipc",
}
OWNER = {h: room for room, names in OWNERS.items() for h in names.split()}
# Headers that lower rooms include although a higher one is named the owner: forward declarations of the lock and
# per-CPU vocabulary that arch itself supplies to everybody.
LEVEL = {room: i for i, room in enumerate(ORDER)}


def level(room: str) -> int:
    for peers in PEERS:
        if room in peers:
            return max(LEVEL[r] for r in peers)
    return LEVEL[room]


def room_of(path: pathlib.Path) -> str | None:
    parts = path.parts
    if parts[0] == "compat":
        return "compat"
    if parts[0] == "kernel" and len(parts) > 2 and parts[1] in LEVEL:
        return parts[1]
    return None


def main() -> int:
    bad = 0
    for path in sorted(list(pathlib.Path("kernel").rglob("*.[chS]")) + list(pathlib.Path("compat").rglob("*.[chS]"))):
        room = room_of(path)
        if room in (None, "arch", "lib"):  # arch and lib are given locks and lists from the shared vocabulary
            continue
        for n, line in enumerate(path.read_text().splitlines(), 1):
            m = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
            if not m:
                continue
            kind, name = m.groups()
            if ".." in name:
                print(f"{path}:{n}: include with ..: {name}")
                bad += 1
            if kind == '"':
                continue
            owner = OWNER.get(name.removesuffix(".h"))
            if owner and level(owner) > level(room):
                print(f"{path}:{n}: {room}/ includes <{name}>, which {owner}/ owns")
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
