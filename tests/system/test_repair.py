"""File systems are made, checked and repaired inside Ambit; its own root repairs itself at boot.

The judge is the host's e2fsck, which must find nothing when Ambit says that all is well.
"""

import hashlib
import random
import re
import subprocess

import pytest
from ambitvm import Disk
from disk import copy_sparse, fsck, make_ext2, read_file, tool
import powercut

CUTS = 3
ROUNDS = 12


def damage(image, *requests):
    """Lets the host's debugfs change an image, one request after the other."""
    subprocess.run([tool("debugfs"), "-w", "-f", "-", str(image)], check=True, text=True,
                   input="".join(f"{line}\n" for line in requests), capture_output=True)


def content(number):
    """What file `number` of a session holds, as bytes."""
    return "".join(f"{i}\n" for i in range(number, 3000 + 900 * number)).encode()


def write_files(vm, log):
    """Writes synced files and others on the root: {number: records after which it must be whole}."""
    synced = {}
    for number in range(ROUNDS):
        vm.check(f"mkdir -p /d/{number} && cd /d/{number} && seq {number} {2999 + 900 * number} >f && "
                 f"cp f junk && fsync f . .. && seq 1 5000 >late && rm junk && mv late later")
        try:
            synced[number] = len(powercut.Log(log).entries)
        except ValueError:
            pass  # the log is in the middle of a change: nothing is claimed for this file
    return synced


@pytest.mark.ambit
def test_root_repairs_itself_after_a_power_cut(boot, build, tmp_path):
    start, path = build / "root.ext2", tmp_path / "writes"
    vm = boot(disks=[Disk(start, log=str(path))])
    vm.check("sync")
    first = len(powercut.Log(path).entries)
    synced = write_files(vm, path)
    vm.powercut()
    log, rng = powercut.Log(path), random.Random(4)
    assert len(synced) > ROUNDS // 2
    for number, point in enumerate(powercut.points(log, CUTS, 11, first=first)):
        disk = tmp_path / f"cut{number}"
        copy_sparse(start, disk)
        powercut.build(log, disk, point, rng.randrange(1 << 30))
        check_own_repair(boot, disk, [k for k, position in synced.items() if position <= point])
        disk.unlink()


def check_own_repair(boot, image, whole):
    """Boots from a damaged root, as nobody is there to help, and looks at it inside and outside."""
    vm = boot(disks=[Disk(image, snapshot=False)], reboot=True)
    vm.login(240)
    assert "check forced" in vm.log()
    for number in whole:
        wanted = hashlib.sha256(content(number)).hexdigest()
        assert vm.check(f"sha256sum /d/{number}/f")[:64] == wanted, f"file {number} is damaged"
    vm.check("echo new >/new; sync")
    power_off(vm)
    code, text = fsck(image)
    assert code == 0, text


def power_off(vm):
    """The orderly way."""
    vm.type("poweroff\n")
    assert vm.wait_exit(60) == 0


@pytest.mark.ambit
def test_root_with_errors_that_need_decisions_is_repaired(boot, build, tmp_path):
    image = tmp_path / "root"
    copy_sparse(build / "root.ext2", image)
    # A file whose first block is the inode table's, a name without an inode, and a wrong count.
    damage(image, "write /etc/hostname /victim", "sif /victim block[0] 3", "mkdir /lost",
           "clri /lost", "sif /etc/motd links_count 9", "ssv state 2")
    assert fsck(image)[0] & 4
    vm = boot(disks=[Disk(image, snapshot=False)], reboot=True)
    vm.wait_for("Nobody is asked", 120)
    vm.wait_for("was repaired: the system starts anew", 120)
    vm.wait_for(": clean, ", 120)
    vm.login()
    assert vm.check("stat -c %h /etc/motd; hostname") == "1\nambit"
    power_off(vm)
    code, text = fsck(image)
    assert code == 0, text


@pytest.mark.ambit
def test_root_that_cannot_be_repaired_leads_to_a_shell(boot, build, tmp_path):
    image = tmp_path / "root"
    copy_sparse(build / "root.ext2", image)
    damage(image, "ssv state 2")
    rule = {"event": "none", "iotype": "write", "errno": 5, "sector": 0, "once": "off",
            "immediately": "on"}
    rules = [dict(rule, sector=sector) for sector in range(8)]
    vm = boot(disks=[Disk(image, errors=rules)])
    vm.wait_for("cannot be repaired .*\\. A shell", 120)
    vm.wait_for("[#$] $", 60)
    vm.prepare()
    vm.check("grep -E '^/dev/nvme0n1 / ext2 ro' /proc/mounts")
    vm.type("exit\n")
    assert vm.wait_exit(60) == 0


@pytest.mark.ambit
def test_disk_of_fstab_is_repaired_before_it_is_mounted(boot, build, tmp_path):
    image, root, table = tmp_path / "fs", tmp_path / "root", tmp_path / "fstab"
    make_ext2(image, size_mb=32)
    damage(image, "ssv volume_name data", "mkdir /x", "clri /x", "ssv state 0")
    table.write_text((build / "rootfs/etc/fstab").read_text() + "LABEL=data /srv ext2 noatime 0 2\n")
    copy_sparse(build / "root.ext2", root)
    damage(root, "rm /etc/fstab", f"write {table} /etc/fstab")
    vm = boot(disks=[root, Disk(image, snapshot=False)])
    vm.login()
    assert vm.check("grep /srv /proc/mounts").startswith("/dev/nvme1n1 /srv ext2 rw,noatime")
    assert "data was not cleanly unmounted, check forced" in vm.log()
    vm.check("mkdir /srv/x && ls /tmp >/srv/x/y && umount /srv")
    vm.powercut()
    assert fsck(image)[0] == 0, fsck(image)[1]


def test_damaged_disk_is_repaired_inside(boot, build, tmp_path):
    folder = tmp_path / "d"
    folder.mkdir()
    for number in range(20):
        (folder / f"f{number}").write_bytes(content(number))
    image = make_ext2(tmp_path / "fs", folder, size_mb=64)
    damage(image, "mkdir /x", "clri /x", "freeb 600 40", "freei <15>", "sif <16> links_count 4",
           "set_bg 0 free_blocks_count 7", "ssv free_inodes_count 3")
    vm = boot(disks=[build / "root.ext2", Disk(image, snapshot=False)])
    code, text = vm.run("e2fsck -f -n /dev/nvme1n1", 120)
    assert code == 4, text
    code, text = vm.run("e2fsck -f -y /dev/nvme1n1", 120)
    assert code == 1, text
    assert vm.run("e2fsck -f -n /dev/nvme1n1", 120)[0] == 0
    vm.check("mkdir -p /tmp/m; mount -t ext2 /dev/nvme1n1 /tmp/m")
    for number in range(20):
        assert vm.check(f"sha256sum /tmp/m/f{number}")[:64] == \
            hashlib.sha256(content(number)).hexdigest()
    vm.check("umount /tmp/m")
    vm.powercut()
    assert fsck(image)[0] == 0, fsck(image)[1]


@pytest.mark.parametrize("block", [1024, 4096])
def test_file_system_made_inside(boot, build, tmp_path, block):
    image = tmp_path / "empty"
    with open(image, "wb") as file:
        file.truncate(48 << 20)
    vm = boot(disks=[build / "root.ext2", Disk(image, snapshot=False)])
    vm.check(f"mke2fs -q -b {block} -L made /dev/nvme1n1 {(24 << 20) // block}", 120)
    assert "filetype" in vm.check("dumpe2fs -h /dev/nvme1n1 2>/dev/null | grep features:")
    vm.check("mkdir -p /tmp/m; mount -t ext2 /dev/nvme1n1 /tmp/m; seq 1 300000 >/tmp/m/kept")
    code, text = vm.run("cat /dev/zero >/tmp/m/fill", 120)
    assert code and "No space left" in text
    assert vm.check("df /tmp/m | awk 'END { print $4 }'") == "0"
    vm.check("rm /tmp/m/fill; umount /tmp/m; e2fsck -f -p /dev/nvme1n1; resize2fs /dev/nvme1n1 && "
             "tune2fs -L grown -m 1 /dev/nvme1n1 && badblocks /dev/nvme1n1", 200)
    told = vm.check("debugfs -R 'stat /kept' /dev/nvme1n1 2>/dev/null | grep User:")
    assert told.split()[-1] == str(sum(len(str(i)) + 1 for i in range(1, 300001)))
    vm.check("mount -t ext2 /dev/nvme1n1 /tmp/m; echo more >/tmp/m/more; umount /tmp/m")
    vm.powercut()
    code, text = fsck(image)
    assert code == 0, text
    assert re.search(r"grown: .* (12288|49152) blocks", text.replace("/", " / ")), text
    assert read_file(image, "/more", tmp_path / "more") == b"more\n"
