"""Swap space: more memory in use than there is, on devices and in files; full, broken, taken away."""

import re

import pytest
from ambitvm import Disk
from conftest import complaints, guest_program
from disk import copy_sparse, fsck

MIB = 1 << 20
SIZE = 200  # MiB of each swap device


@pytest.fixture(name="swapping")
def start(boot, build, tmp_path):
    """A function that starts a machine with an empty drive of SIZE MiB and /tmp/swapper."""
    image = tmp_path / "swap.img"
    with open(image, "wb") as f:
        f.truncate(SIZE * MIB)

    def machine(mem=96, rules=(), disks=(), **options):
        drive = Disk(image, errors=list(rules))
        vm = boot(mem=mem, files={"swapper": guest_program("swapper")},
                  disks=[*(disks or [build / "root.ext2"]), drive], **options)
        vm.mount_files("/mnt")
        vm.check("cp /mnt/swapper /tmp/swapper; umount /mnt")
        return vm

    return machine


def swaps(vm):
    """{file: (type, kB, kB used, priority)}"""
    lines = vm.check("cat /proc/swaps").splitlines()[1:]
    return {name: (kind, int(size), int(used), int(priority))
            for name, kind, size, used, priority in (line.split() for line in lines)}


def power_off(vm):
    """As a user does."""
    vm.type("poweroff\n")
    assert vm.wait_exit(60) == 0


def run_swapper(vm, mib, children=0, rounds=2):
    """Runs it; every process must have found all its pages right."""
    code, text = vm.run(f"/tmp/swapper {mib} {children} {rounds}", 400)
    assert code == 0 and re.findall(r"wrong (\d+)", text) == ["0"] * (children + 1), text


@pytest.mark.parametrize("debug", [False, pytest.param(True, marks=pytest.mark.ambit)])
def test_programs_use_more_memory_than_there_is(swapping, debug):
    vm = swapping(mem=96 if debug else 160, debug=debug, smp=2)
    vm.check("mkswap /dev/nvme1n1; swapon /dev/nvme1n1")
    assert swaps(vm) == {"/dev/nvme1n1": ("partition", SIZE * 1024 - 4, 0, -2)}
    assert f"{SIZE * 1024 - 4} kB" in vm.check("grep SwapTotal /proc/meminfo")
    run_swapper(vm, 110 if debug else 200)
    run_swapper(vm, 40 if debug else 60, children=3)
    outs = int(vm.check("awk '/^pswpout/ {print $2}' /proc/vmstat"))
    ins = int(vm.check("awk '/^pswpin/ {print $2}' /proc/vmstat"))
    assert outs > 5000 and ins > 5000
    # What a program has there when it ends is free again: only what others have is left.
    assert swaps(vm)["/dev/nvme1n1"][2] < 8192
    vm.check("swapoff /dev/nvme1n1")
    assert not swaps(vm)
    assert not complaints(vm.log()), complaints(vm.log())


def test_swapoff_brings_a_programs_memory_back(swapping):
    vm = swapping(mem=256)
    vm.check("mkswap /dev/nvme1n1; swapon /dev/nvme1n1")
    # In a session of its own: else it is stopped and orphaned when this shell ends, and hung up.
    vm.check("setsid /tmp/swapper 120 0 1000000000 >/tmp/out & echo $! >/tmp/pid; "
             "until [ $(awk '/^VmRSS/ {print $2}' /proc/$!/status) -gt 120000 ]; do sleep 0.1; done; "
             "kill -STOP $!")
    run_swapper(vm, 200)
    assert swaps(vm)["/dev/nvme1n1"][2] > 60000
    assert int(vm.check("awk '/^VmSwap/ {print $2}' /proc/$(cat /tmp/pid)/status")) > 60000
    vm.check("swapoff /dev/nvme1n1", 120)
    assert not swaps(vm)
    assert vm.check("awk '/^VmSwap/ {print $2}' /proc/$(cat /tmp/pid)/status") == "0"
    vm.check("kill -TERM $(cat /tmp/pid); kill -CONT $(cat /tmp/pid); "
             "until [ -s /tmp/out ]; do sleep 0.1; done", 120)
    assert vm.check("cat /tmp/out") == "wrong 0"


def test_a_file_on_the_root(swapping, build, tmp_path):
    image = tmp_path / "root.ext2"
    copy_sparse(build / "root.ext2", image)
    vm = swapping(disks=[Disk(image, snapshot=False)])
    vm.check("dd if=/dev/zero of=/swap bs=1M count=40 2>/dev/null; chmod 600 /swap; mkswap /swap; "
             "swapon -p 7 /swap; mkswap /dev/nvme1n1; swapon /dev/nvme1n1")
    kinds = swaps(vm)
    assert kinds["/swap"] == ("file", 40 * 1024 - 4, 0, 7) and kinds["/dev/nvme1n1"][3] == -2
    run_swapper(vm, 90)
    for command, why in [("rm /swap", "not permitted"), ("mv /swap /other", "not permitted"),
                         ("echo x >>/swap", "Text file busy"), ("truncate -s 0 /swap", "busy"),
                         ("swapon /swap", "busy"), ("swapon /dev/nvme1n1", "busy"),
                         ("mkfs.ext2 /dev/nvme1n1 2>&1; mount -t ext2 /dev/nvme1n1 /mnt", "busy")]:
        code, text = vm.run(command)
        assert code != 0 and why in text, (command, text)
    vm.check("echo '/swap none swap sw 0 0' >>/etc/fstab")
    power_off(vm)
    assert fsck(image)[0] == 0, fsck(image)[1]
    vm = swapping(disks=[Disk(image, snapshot=False)])
    assert list(swaps(vm)) == ["/swap"]  # as fstab says
    run_swapper(vm, 90)
    vm.check("swapoff -a; rm /swap")
    power_off(vm)
    assert fsck(image)[0] == 0, fsck(image)[1]


def test_what_is_no_swap_space_is_refused(swapping):
    vm = swapping()
    vm.check("cd /root; dd if=/dev/zero of=none bs=4k count=20 2>/dev/null; "
             "cp none short; mkswap short >/dev/null; truncate -s 16k short; "
             "truncate -s 1M holes; mkswap holes >/dev/null; : >empty; "
             "mkdir -p /m; mount -t tmpfs t /m; cp none /m/f; mkswap /m/f >/dev/null; mkfifo p")
    for name, why in [("none", "Invalid"), ("short", "Invalid"), ("holes", "holes"),
                      ("empty", "Invalid"), ("/m/f", "Invalid"), ("p", "Invalid"),
                      ("/m", "Is a directory"), ("/dev/null", "Invalid"),
                      ("/dev/nvme0n1", "busy")]:
        code, text = vm.run(f"cd /root; swapon {name}")
        assert code != 0 and why in text, (name, text)
    code, text = vm.run("swapoff /root/none")
    assert code != 0 and "Invalid" in text
    assert not swaps(vm)


def test_full_swap_space_ends_one_program(swapping):
    vm = swapping()
    vm.check("mkswap /dev/nvme1n1; swapon /dev/nvme1n1")
    vm.check("sysctl -w vm.overcommit_memory=1")
    code, _ = vm.run("/tmp/swapper 400 0 1", 400)
    assert code == 137
    assert "out of memory" in vm.log()
    run_swapper(vm, 60)
    assert swaps(vm)["/dev/nvme1n1"][2] < 8192


def test_a_broken_device(swapping):
    rules = [{"event": "none", "iotype": kind, "errno": 5, "sector": sector, "once": "off",
              "immediately": "on"} for kind, sector in [("write", 4096), ("read", 40960)]]
    vm = swapping(rules=rules)
    vm.check("mkswap /dev/nvme1n1; swapon /dev/nvme1n1")
    size = swaps(vm)["/dev/nvme1n1"][1]
    code, text = vm.run("/tmp/swapper 120 0 3", 400)
    assert code == 128 + 7, text  # SIGBUS: a page that cannot be read
    assert re.search(r"swap: reading .* failed: -5", vm.log())
    # Slots that could not be written are used no more, and what was to go there stayed.
    assert swaps(vm)["/dev/nvme1n1"][1] < size and "swap: writing" in vm.log()
    assert vm.check("echo lives") == "lives"
