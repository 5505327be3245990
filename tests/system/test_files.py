"""Real trees of files: whole inside, whole afterwards, whole after power cuts."""

import hashlib
import pathlib
import random
import re
import subprocess
import tarfile

import pytest
from ambitvm import Disk, TREE
from disk import copy_sparse, fsck, make_ext2, read_file
import powercut

CUTS = 20


def source_archives():
    """The source archives of musl and BusyBox, from the cache that the ports were built with."""
    paths = []
    for port in ("musl", "busybox"):
        text = (TREE / "ports" / port / "port").read_text()
        digest, name = re.search(r"^([0-9a-f]{64}) +(\S+orig\.tar\S+)$", text, re.M).groups()
        run = subprocess.run([TREE / "ports" / "fetch", "source", port, name, digest], check=True,
                             stdout=subprocess.PIPE, text=True)
        paths.append(pathlib.Path(run.stdout.strip()))
    return paths


def archive_sums(path):
    """{name: sha256} of the regular files in a tar archive."""
    with tarfile.open(path) as tar:
        return {member.name: hashlib.sha256(tar.extractfile(member).read()).hexdigest()
                for member in tar if member.isfile()}


def inside_sums(vm, folder):
    """{name: sha256} as the guest sees a folder."""
    lines = vm.check(f"cd {folder}; find . -type f -print0 | xargs -0 sha256sum", 300).splitlines()
    return {line[66:].removeprefix("./"): line[:64] for line in lines}


def test_unpacked_sources_equal_the_host_s(boot, build, tmp_path):
    archives = source_archives()
    sums = {}
    for path in archives:
        sums.update(archive_sums(path))
    image = make_ext2(tmp_path / "fs", size_mb=300)
    vm = boot(disks=[build / "root.ext2", Disk(image, snapshot=False)], mem=512, limit=900,
              files={f"{number}.tar": path for number, path in enumerate(archives)})
    vm.mount_files("/mnt")
    vm.check("mkdir -p /tmp/m; mount -t ext2 /dev/nvme1n1 /tmp/m")
    empty = vm.check("df -k /tmp/m | tail -n 1 | awk '{print $3}'")
    for number in range(len(archives)):
        vm.check(f"cd /tmp/m && tar xf /mnt/{number}.tar", 400)
    vm.check("umount /tmp/m; mount -t ext2 /dev/nvme1n1 /tmp/m")
    assert inside_sums(vm, "/tmp/m") == sums
    vm.check("find /tmp/m -mindepth 1 -maxdepth 1 ! -name 'lost+found' -exec rm -rf {} +", 300)
    vm.check("sync")
    assert vm.check("df -k /tmp/m | tail -n 1 | awk '{print $3}'") == empty
    vm.check("umount /tmp/m")
    vm.powercut()
    assert fsck(image)[0] == 0, fsck(image)[1]


def test_root_is_clean_after_poweroff(boot, build, tmp_path):
    image = tmp_path / "root"
    copy_sparse(build / "root.ext2", image)
    vm = boot(disks=[Disk(image, snapshot=False)])
    vm.check("mkdir /work; for i in $(seq 1 300); do echo $i >/work/f$i; done; rm /work/f1*; "
             "ln /work/f2 /work/hard; ln -s f2 /work/soft; mv /work/f3 /work/g; "
             "dd if=/dev/zero of=/work/sparse bs=1k seek=90000 count=1")
    vm.type("poweroff\n")
    assert vm.wait_exit(60) == 0
    assert fsck(image)[0] == 0, fsck(image)[1]
    assert read_file(image, "/work/g", tmp_path / "g") == b"3\n"


def record_session(boot, build, tmp_path):
    """Works on a recorded drive; returns (log, image before, {name: (sha256, position)})."""
    start, log = make_ext2(tmp_path / "start", size_mb=48), tmp_path / "writes"
    vm = boot(disks=[build / "root.ext2", Disk(start, log=str(log))], limit=600)
    vm.check("mkdir -p /tmp/m; mount -t ext2 /dev/nvme1n1 /tmp/m")
    synced = {}
    for number in range(24):
        vm.check(f"cd /tmp/m; mkdir -p d{number}; seq {number} {2000 + 700 * number} >d{number}/f; "
                 f"cp d{number}/f d{number}/junk; fsync d{number}/f d{number} . || sync; "
                 f"rm d{number}/junk; mv d{number}/f d{number}/g; seq 1 300 >d{number}/late")
        content = "".join(f"{i}\n" for i in range(number, 2001 + 700 * number))
        synced[number] = (hashlib.sha256(content.encode()).hexdigest(), log_length(log))
    vm.qmp.command("quit")
    vm.wait_exit(30)
    return powercut.Log(log), start, synced


def log_length(path):
    """How many records the log holds by now: those after an fsync returned cover its file."""
    try:
        return len(powercut.Log(path).entries)
    except ValueError:
        return 1 << 60  # the superblock is behind the records at this moment: claim nothing


def check_cut(log, start, synced, point, seed, disk):
    """Builds one disk, repairs it, and looks whether every synced file is whole."""
    copy_sparse(start, disk)
    powercut.build(log, disk, point, seed)
    code, text = fsck(disk, repair=True)
    assert code in (0, 1), f"point {point} seed {seed}: e2fsck could not repair it\n{text}"
    assert fsck(disk)[0] == 0
    for number, (wanted, position) in synced.items():
        if position > point:
            continue
        target = pathlib.Path(f"{disk}.{number}")
        found = []
        for name in (f"/d{number}/f", f"/d{number}/g"):
            try:
                found.append(hashlib.sha256(read_file(disk, name, target)).hexdigest())
                target.unlink()
            except FileNotFoundError:
                pass
        assert wanted in found, f"point {point} seed {seed}: synced file d{number} is damaged"


def test_power_cuts(boot, build, tmp_path):
    log, start, synced = record_session(boot, build, tmp_path)
    assert len(log.entries) > 100
    assert len(log.flushes()) >= 24, "fsync must reach the drive as a flush"
    assert sum(position <= len(log.entries) for _, position in synced.values()) >= 20
    rng = random.Random(2)
    for number, point in enumerate(powercut.points(log, CUTS, 1, first=10)):
        disk = tmp_path / f"cut{number}"
        check_cut(log, start, synced, point, rng.randrange(1 << 30), disk)
        disk.unlink()


@pytest.mark.slow
def test_ambit_mounts_what_a_power_cut_left(boot, build, tmp_path):
    """Without a repair: the guest must live with a torn file system and not fall over it."""
    log, start, _ = record_session(boot, build, tmp_path)
    for number, point in enumerate(powercut.points(log, 5, 7, first=10)):
        disk = tmp_path / f"cut{number}"
        copy_sparse(start, disk)
        powercut.build(log, disk, point, number)
        vm = boot(disks=[build / "root.ext2", disk])
        vm.run("mkdir -p /tmp/m; mount -t ext2 /dev/nvme1n1 /tmp/m; find /tmp/m -type f | "
               "xargs cat >/dev/null; rm -rf /tmp/m/d*; echo x >/tmp/m/x; umount /tmp/m", 120)
        assert vm.check("echo alive") == "alive"
        vm.stop()
