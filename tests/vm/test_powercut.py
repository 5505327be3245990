"""The power-cut builder, on a log made by hand and on one that QEMU wrote."""

import pathlib
import random
import struct
import subprocess
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import powercut  # noqa: E402

UNIT = 512


def write_log(path, records):
    """Writes a log of (sector, data or a count for a discard, flags)."""
    body = b""
    for sector, data, flags in records:
        count = data if isinstance(data, int) else len(data) // UNIT
        payload = b"" if isinstance(data, int) else data
        head = struct.pack("<QQQQ", sector, count, flags, 0)
        body += head.ljust(UNIT, b"\0") + payload
    head = struct.pack("<QQQI", powercut.MAGIC, 1, len(records), UNIT)
    path.write_bytes(head.ljust(UNIT, b"\0") + body)
    return powercut.Log(path)


def fill(char, sectors):
    """Some sectors full of one letter."""
    return char.encode() * (UNIT * sectors)


def built(log, tmp_path, point, seed):
    """One letter per sector of the disk after a power cut."""
    disk = tmp_path / "disk"
    disk.write_bytes(b"." * UNIT * 16)
    powercut.build(log, disk, point, seed)
    raw = disk.read_bytes()
    for place in range(0, len(raw), UNIT):
        assert len(set(raw[place:place + UNIT])) == 1, "a sector was torn"
    return raw[::UNIT].decode()


@pytest.fixture
def log(tmp_path):
    """a a a a, flush, b b over them, c c c elsewhere, d with FUA, flush, e."""
    return write_log(tmp_path / "log", [
        (0, fill("a", 4), 0), (0, b"", powercut.FLUSH), (1, fill("b", 2), 0),
        (8, fill("c", 3), 0), (12, fill("d", 1), powercut.FUA), (0, b"", powercut.FLUSH),
        (14, fill("e", 1), 0)])


def test_flushed_writes_are_always_there(log, tmp_path):
    for seed in range(50):
        assert built(log, tmp_path, 2, seed) == "aaaa............"
        assert built(log, tmp_path, 6, seed) == "abba....ccc.d..."


def test_unflushed_writes_are_kept_dropped_or_torn(log, tmp_path):
    seen = {built(log, tmp_path, 4, seed)[8:11] for seed in range(300)}
    assert seen == {"ccc", "...", "c..", ".c.", "..c", "cc.", "c.c", ".cc"}
    assert {built(log, tmp_path, 1, seed)[:4] for seed in range(300)} >= {"aaaa", "...."}


def test_unflushed_writes_never_touch_other_sectors(log, tmp_path):
    for seed in range(100):
        disk = built(log, tmp_path, 4, seed)
        assert disk[0] == disk[3] == "a" and set(disk[1:3]) <= {"a", "b"}
        assert set(disk[4:8]) == {"."} and set(disk[11:]) == {"."}


def test_forced_unit_access_is_durable_at_once(log, tmp_path):
    assert {built(log, tmp_path, 5, seed)[12] for seed in range(50)} == {"d"}


def test_same_seed_same_disk(log, tmp_path):
    assert len({built(log, tmp_path, 4, 7) for _ in range(5)}) == 1
    assert powercut.points(log, 5, 3) == powercut.points(log, 5, 3)


def test_flush_that_carries_data_covers_only_what_came_before(tmp_path):
    log = write_log(tmp_path / "log", [(0, fill("a", 1), 0),
                                       (1, fill("b", 1), powercut.FLUSH)])
    assert {built(log, tmp_path, 2, seed)[:2] for seed in range(50)} == {"ab", "a."}


@pytest.mark.parametrize("damage", ["magic", "cut", "empty"])
def test_damaged_log_is_refused(log, tmp_path, damage):
    raw = pathlib.Path(log.path).read_bytes()
    bad = tmp_path / "bad"
    bad.write_bytes({"magic": b"x" + raw[1:], "cut": raw[:-100], "empty": b""}[damage])
    with pytest.raises(ValueError):
        powercut.Log(bad)


def test_log_written_by_qemu(tmp_path):
    """qemu-io writes through blklogwrites; the log builds the same disk that qemu-io left."""
    disk, log_path, start = tmp_path / "disk", tmp_path / "qlog", tmp_path / "start"
    disk.write_bytes(bytes(1 << 20))
    start.write_bytes(bytes(1 << 20))
    log_path.write_bytes(b"")
    rng = random.Random(5)
    commands = []
    for number in range(60):
        commands.append(f"write -P {rng.randint(1, 255)} {rng.randrange(1024) * 512} "
                        f"{rng.randint(1, 16) * 512}")
        if number % 7 == 0:
            commands.append("flush")
    commands.append("flush")
    arguments = [word for command in commands for word in ("-c", command)]
    options = (f"driver=blklogwrites,file.driver=file,file.filename={disk},log.driver=file,"
               f"log.filename={log_path},log-sector-size=512")
    subprocess.run(["qemu-io", "--image-opts", options] + arguments, check=True, timeout=60,
                   stdout=subprocess.DEVNULL)
    log = powercut.Log(log_path)
    assert len(log.entries) >= 60 and len(log.flushes()) >= 9
    powercut.build(log, start, len(log.entries), 1)
    assert start.read_bytes() == disk.read_bytes()
