"""Loop devices: mounted files, partitions in files, errors behind them, and little memory."""

import re

import pytest
from ambitvm import Disk
from disk import fsck, make_ext2

IMAGE = "dd if=/dev/zero of={0} bs=1M count={1} 2>/dev/null && mke2fs -F {0} >/dev/null"


def test_mounted_file_is_freed_by_umount(boot):
    vm = boot()
    vm.check(f"cd /root; {IMAGE.format('img', 8)}; mkdir -p /m; mount -o loop -t ext2 img /m")
    assert re.search(r"^/dev/loop0 /m ext2 rw", vm.check("cat /proc/mounts"), re.M)
    assert vm.check("losetup -a") == "/dev/loop0: 0 /root/img"
    assert re.search(r"\b7 +0 +8192 loop0$", vm.check("cat /proc/partitions"), re.M)
    vm.check("seq 1 200000 | sha256sum >/root/sum; seq 1 200000 >/m/f; umount /m")
    assert vm.check("losetup -a") == "" and "loop" not in vm.check("cat /proc/partitions")
    vm.check("mount -r -o loop -t ext2 /root/img /m; sha256sum </m/f | cmp - /root/sum")
    code, text = vm.run("touch /m/g")
    assert code != 0 and "Read-only" in text
    vm.check("umount /m; rm /root/img")


def test_unmounting_the_lower_file_system_waits_for_the_upper(boot):
    vm = boot()
    vm.check(f"mkdir -p /a /b; mount -t tmpfs t /a; cd /a; {IMAGE.format('/a/img', 4)}; cd /; "
             "mount -o loop -t ext2 /a/img /b")
    code, text = vm.run("umount /a")
    assert code != 0 and "busy" in text
    vm.check("umount /b; umount /a")


def test_partitions_in_a_file(boot):
    vm = boot()
    vm.check("cd /root; dd if=/dev/zero of=img bs=1M count=16 2>/dev/null; "
             "printf 'n\\np\\n1\\n\\n+4M\\nn\\np\\n2\\n\\n\\nw\\n' | fdisk img >/dev/null; "
             "losetup -P /dev/loop0 img; mkdir -p /m; mke2fs /dev/loop0p2 >/dev/null; "
             "mount -t ext2 /dev/loop0p2 /m; echo second >/m/f")
    assert vm.check("echo /dev/loop0*").split() == ["/dev/loop0", "/dev/loop0p1", "/dev/loop0p2"]
    vm.check("losetup -d /dev/loop0")
    assert vm.check("cat /m/f") == "second"  # still mounted: it goes with the last user
    vm.check("umount /m")
    assert vm.check("echo /dev/loop0*") == "/dev/loop0"


def test_errors_behind_are_errors_in_front(boot, build, tmp_path):
    image = make_ext2(tmp_path / "fs", size_mb=16)
    rule = {"event": "none", "iotype": "write", "errno": 5, "sector": 16000, "once": "off",
            "immediately": "on"}
    vm = boot(disks=[build / "root.ext2", Disk(image, errors=[rule])])
    vm.check("losetup /dev/loop0 /dev/nvme1n1")
    code, text = vm.run("dd if=/dev/zero of=/dev/loop0 bs=4k seek=2000 count=1 conv=fsync")
    assert code != 0 and re.search("(I/O|Input/output) error", text)
    vm.check("dd if=/dev/zero of=/dev/loop0 bs=4k seek=1000 count=1 conv=fsync; losetup -d /dev/loop0")
    vm.check("cd /root; dd if=/dev/zero of=img bs=64k count=16; losetup /dev/loop1 img; "
             "truncate -s 64k img")
    code, text = vm.run("dd if=/dev/loop1 of=/dev/null bs=64k skip=8 count=1")
    assert code != 0 and re.search("(I/O|Input/output) error", text)
    assert vm.check("dd if=/dev/loop1 bs=4k count=1 2>/dev/null | wc -c") == "4096"


def test_file_system_without_room_behind(boot):
    vm = boot()
    vm.check("mkdir -p /a /b; mount -t tmpfs -o size=2m t /a; truncate -s 8M /a/img; "
             "losetup /dev/loop0 /a/img")
    code, text = vm.run("dd if=/dev/zero of=/dev/loop0 bs=64k conv=fsync")
    assert code != 0 and re.search("(I/O|Input/output) error|No space", text)
    vm.check("losetup -d /dev/loop0; umount /a; echo up")


@pytest.mark.parametrize("place", ["disk", "tmpfs"])
def test_writing_much_with_little_memory(boot, build, tmp_path, place):
    """Twice the memory through two loop devices on top of each other, beside a program that wants
    all of it; then everything is there and both file systems are sound."""
    image = make_ext2(tmp_path / "fs", size_mb=300)
    vm = boot(disks=[build / "root.ext2", Disk(image, snapshot=False)], mem=96, limit=900)
    size = {"disk": 160, "tmpfs": 24}[place]
    if place == "disk":
        vm.check("mkdir -p /d; mount -t ext2 /dev/nvme1n1 /d")
    else:
        vm.check("mkdir -p /d; mount -t tmpfs -o size=40m t /d")
    vm.check(f"mkdir -p /a /b; truncate -s {size + 8}M /d/outer; mke2fs -F /d/outer >/dev/null; "
             f"mount -o loop -t ext2 /d/outer /a; truncate -s {size - 4}M /a/inner; "
             "mke2fs -F /a/inner >/dev/null; mount -o loop -t ext2 /a/inner /b", 300)
    vm.check("(while :; do dd if=/dev/zero of=/dev/null bs=24M count=1; done) 2>/dev/null & "
             f"dd if=/dev/urandom of=/b/big bs=1M count={size * 3 // 4} 2>/dev/null; "
             "sha256sum </b/big >/root/sum; sync; kill $!", 600)
    vm.check("umount /b; umount /a; mount -o loop -t ext2 /d/outer /a; "
             "mount -o loop -t ext2 /a/inner /b; sha256sum </b/big | cmp - /root/sum", 600)
    vm.check("umount /b; umount /a; umount /d", 120)
    assert not re.search("out of memory|lost|read-only from now", vm.log())
    if place == "disk":
        vm.powercut()
        assert fsck(image)[0] == 0, fsck(image)[1]
