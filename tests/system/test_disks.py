"""More drives, and drives that are wrong: every message names the device and the reason."""

import pathlib
import re
import subprocess

import pytest
from ambitvm import Disk, VMPanic, VMTimeout
from disk import copy_sparse, fsck, make_ext2, tool

REASON = "(not found|no such|does not exist|cannot|failed|bad|invalid|corrupt|unknown|error)"


def test_more_drives_appear(boot, build, tmp_path):
    one = make_ext2(tmp_path / "one", size_mb=8)
    two = make_ext2(tmp_path / "two", size_mb=12)
    vm = boot(disks=[build / "root.ext2", one, Disk(two, bus="virtio-blk")])
    vm.run("modprobe virtio_blk")
    text = vm.check("cat /proc/partitions")
    assert re.search(r"\b8192 nvme1n1$", text, re.M)
    if vm.os == "ambit":
        assert re.search(r"\b12288 vda$", text, re.M)
        assert vm.check("mkdir -p /tmp/v; mount -t ext2 /dev/vda /tmp/v && echo x >/tmp/v/f && "
                        "cat /tmp/v/f; umount /tmp/v") == "x"
    assert vm.check("mkdir -p /tmp/m; mount -t ext2 /dev/nvme1n1 /tmp/m && echo y >/tmp/m/f && "
                    "cat /tmp/m/f; umount /tmp/m") == "y"


@pytest.mark.ambit
def test_root_on_virtio(boot, build):
    vm = boot(disks=[Disk(build / "root.ext2", bus="virtio-blk")])
    assert "/dev/vda" in vm.check("cat /proc/cmdline /proc/mounts")


@pytest.mark.parametrize("block", [1024, 2048, 4096])
def test_block_sizes(boot, build, tmp_path, block):
    image = make_ext2(tmp_path / "fs", size_mb=40, block=block)
    vm = boot(disks=[build / "root.ext2", Disk(image, snapshot=False)])
    vm.check("mkdir -p /tmp/m; mount -t ext2 /dev/nvme1n1 /tmp/m")
    expected = vm.check("seq 1 2000000 | sha256sum | cut -c1-64", 120)
    vm.check("seq 1 2000000 >/tmp/m/big; umount /tmp/m; mount -t ext2 /dev/nvme1n1 /tmp/m", 120)
    assert vm.check("sha256sum /tmp/m/big | cut -c1-64", 120) == expected
    vm.check("umount /tmp/m")
    vm.powercut()
    assert fsck(image)[0] == 0, fsck(image)[1]


def refuses(vm, device, seconds=60):
    """Waits for one line with device and reason; then nothing may loop or panic."""
    try:
        vm.wait_for(f"(?i)(?=[^\n]*{device})[^\n]*{REASON}", seconds)
    except VMPanic:
        pytest.fail("the kernel panicked instead of saying what is wrong\n" + vm.console.tail())
    before = len(vm.log())
    with pytest.raises(VMTimeout):  # still there after 5 seconds, and quiet
        vm.wait_for("no text matches this", 5)
    assert len(vm.log()) - before < 2000, "it goes on and on"
    assert len(re.findall(device, vm.log())) < 20


@pytest.mark.ambit
def test_no_drive_at_all(boot):
    refuses(boot(disks=[], root=None), "root")


@pytest.mark.ambit
def test_wrong_root(boot):
    refuses(boot(root="/dev/nvme7n1"), "nvme7n1")


@pytest.mark.ambit
def test_missing_partition(boot, build):
    refuses(boot(disks=[build / "ambit.img"], root="/dev/nvme0n1p9"), "nvme0n1p9")


@pytest.mark.ambit
@pytest.mark.parametrize("offset,raw", [(56, b"\0\0"), (24, b"\xff\xff\xff\xff"),
                                        (32, b"\0\0\0\0"), (40, b"\0\0\0\0"),
                                        (96, b"\0\0\0\x80"), (0, bytes(1024))],
                         ids=["magic", "block-size", "blocks-per-group", "inodes-per-group",
                              "unknown-feature", "zeros"])
def test_corrupt_superblock(boot, build, tmp_path, offset, raw):
    image = tmp_path / "root"
    copy_sparse(build / "root.ext2", image)
    with open(image, "r+b") as file:
        file.seek(1024 + offset)
        file.write(raw)
    refuses(boot(disks=[image]), "nvme0n1")


@pytest.mark.ambit
def test_bad_partition_table(boot, build, tmp_path):
    image = tmp_path / "img"
    copy_sparse(build / "ambit.img", image)
    size = pathlib.Path(image).stat().st_size
    with open(image, "r+b") as file:
        for place in (512 + 16, size - 512 + 16):
            file.seek(place)
            file.write(b"\xde\xad\xbe\xef")
    refuses(boot(disks=[image], root="/dev/nvme0n1p3"), "nvme0n1")


@pytest.mark.ambit
def test_backup_partition_table_is_used(boot, build, tmp_path):
    image = tmp_path / "img"
    copy_sparse(build / "ambit.img", image)
    with open(image, "r+b") as file:
        file.seek(512 + 16)
        file.write(b"\xde\xad\xbe\xef")
    vm = boot(disks=[image], root="/dev/nvme0n1p3")
    assert vm.check("echo up") == "up"


def faulty(tmp_path, build, iotype):
    """Drives of a machine whose second one fails in the middle of the file `victim`."""
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "victim").write_bytes(b"v" * 65536)
    image = make_ext2(tmp_path / "fs", folder, size_mb=16)
    text = subprocess.run([tool("debugfs"), "-R", "bmap /victim 8", image], check=True,
                          capture_output=True, text=True).stdout
    rule = {"event": "none", "iotype": iotype, "errno": 5, "sector": int(text) * 8,
            "once": "off", "immediately": "on"}
    return [build / "root.ext2", Disk(image, errors=[rule])]


def test_read_error_reaches_the_program(boot, build, tmp_path):
    vm = boot(disks=faulty(tmp_path, build, "read"))
    vm.check("mkdir -p /tmp/m; mount -t ext2 /dev/nvme1n1 /tmp/m")
    code, text = vm.run("cat /tmp/m/victim >/dev/null")
    assert code != 0 and re.search("(I/O|Input/output) error", text)
    assert vm.check("head -c 4096 /tmp/m/victim | wc -c") == "4096"
    assert re.search("nvme1n1.*error|error.*nvme1n1", vm.check("dmesg"), re.I)


def test_write_error_reaches_the_program(boot, build, tmp_path):
    vm = boot(disks=faulty(tmp_path, build, "write"))
    vm.check("mkdir -p /tmp/m; mount -t ext2 /dev/nvme1n1 /tmp/m")
    code, text = vm.run("dd if=/dev/zero of=/tmp/m/victim bs=64k count=1 conv=notrunc,fsync")
    assert code != 0 and re.search("(I/O|Input/output) error", text)
    assert re.search("nvme1n1.*error|error.*nvme1n1", vm.check("dmesg"), re.I)
    if vm.os == "ambit":
        code, text = vm.run("touch /tmp/m/new")
        assert code != 0 and "Read-only file system" in text
        assert vm.check("echo root still works >/x; cat /x") == "root still works"
