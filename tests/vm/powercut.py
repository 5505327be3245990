"""powercut - what a disk may hold after the power failed at some moment.

A drive with `log=` (see disk.py) records, in the order in which they completed, its writes and
flushes: QEMU's blklogwrites, in the format of Linux's dm-log-writes. For a moment in that log the
disk is built anew: all before the last flush is there; each write after it is there, is missing,
or is there in part, as a seeded random generator says. A write with FUA is durable by itself. A
drive writes whole sectors, so a torn write is a random set of its sectors.
"""

import argparse
import dataclasses
import random
import struct
import sys

MAGIC = 0x6A736677736872
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8
SUPER = struct.Struct("<QQQI")
ENTRY = struct.Struct("<QQQQ")


@dataclasses.dataclass
class Entry:
    """One record: `sector` and `count` in units of the log; data lies at `offset` in the log."""

    sector: int
    count: int
    flags: int
    offset: int
    length: int


class Log:
    """The records of a blklogwrites file."""

    def __init__(self, path):
        self.path = str(path)
        with open(path, "rb") as file:
            self.unit, total = self._super(file)
            file.seek(0, 2)
            self.entries = list(self._read(file, total, file.tell()))

    @staticmethod
    def _super(file):
        raw = file.read(SUPER.size)
        if len(raw) < SUPER.size:
            raise ValueError("the log has no superblock")
        magic, version, total, unit = SUPER.unpack(raw)
        if magic != MAGIC or version != 1 or unit not in (512, 1024, 2048, 4096):
            raise ValueError("not a write log")
        return unit, total

    def _read(self, file, total, end):
        place = self.unit
        for number in range(total):
            file.seek(place)
            raw = file.read(ENTRY.size)
            if len(raw) < ENTRY.size:
                raise ValueError(f"the log ends in record {number} of {total}")
            sector, count, flags, length = ENTRY.unpack(raw)
            data = place + self.unit
            size = length if flags & MARK else 0 if flags & DISCARD else count * self.unit
            place = data + -(-size // self.unit) * self.unit
            if place > end:
                raise ValueError(f"the log ends in the data of record {number} of {total}")
            yield Entry(sector, count, flags, data, size)

    def flushes(self):
        """The positions after which everything before is durable."""
        return [i + 1 for i, entry in enumerate(self.entries) if entry.flags & FLUSH]

    def durable(self, point):
        """How many leading records are durable when the power fails after `point` records."""
        done = 0
        for position in self.flushes():
            # A record can carry FLUSH and data: the flush covers what came before it only.
            covered = position if not self.entries[position - 1].count else position - 1
            if position <= point:
                done = covered
        return done


def torn(entry, rng):
    """The sectors of a write that reached the medium: a random set, neither all nor none."""
    if entry.count < 2:
        return []
    kept = rng.sample(range(entry.count), rng.randint(1, entry.count - 1))
    return sorted(kept)


def choose(log, point, rng):
    """Yields (record, sectors kept or None for all) for a power cut after `point` records."""
    durable = log.durable(point)
    for number, entry in enumerate(log.entries[:point]):
        if entry.flags & MARK or not entry.count:
            continue
        if number < durable or entry.flags & FUA:
            yield entry, None
            continue
        fate = rng.choice(("kept", "dropped", "torn"))
        if fate == "kept":
            yield entry, None
        elif fate == "torn" and not entry.flags & DISCARD:
            yield entry, torn(entry, rng)


def build(log, disk, point, seed):
    """Applies the log to `disk`, a copy of the image as it was when the recording began."""
    rng = random.Random(seed)
    with open(log.path, "rb") as source, open(disk, "r+b") as target:
        for entry, sectors in choose(log, point, rng):
            _apply(source, target, entry, sectors, log.unit)


def _apply(source, target, entry, sectors, unit):
    """Writes one record, or some of its sectors. Its place is counted in units of the log."""
    if entry.flags & DISCARD:
        return  # discarded blocks may read as anything: the old content is the hardest case
    source.seek(entry.offset)
    data = source.read(entry.count * unit)
    for index in range(entry.count) if sectors is None else sectors:
        target.seek((entry.sector + index) * unit)
        target.write(data[index * unit:(index + 1) * unit])


def points(log, count, seed, first=1):
    """`count` moments of the log, spread at random over it; the same for the same seed."""
    rng = random.Random(seed)
    return [rng.randint(min(first, len(log.entries)), len(log.entries)) for _ in range(count)]


def main():
    """For people: `powercut.py LOG` lists, `powercut.py LOG DISK POINT SEED` builds."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("log")
    parser.add_argument("disk", nargs="?")
    parser.add_argument("point", nargs="?", type=int)
    parser.add_argument("seed", nargs="?", type=int, default=1)
    options = parser.parse_args()
    log = Log(options.log)
    if options.disk:
        build(log, options.disk, options.point or len(log.entries), options.seed)
        return 0
    for number, entry in enumerate(log.entries, 1):
        names = [name for bit, name in ((FLUSH, "FLUSH"), (FUA, "FUA"), (DISCARD, "DISCARD"),
                                        (MARK, "MARK")) if entry.flags & bit]
        print(number, entry.sector, entry.count, " ".join(names) or "WRITE")
    return 0


if __name__ == "__main__":
    sys.exit(main())
