"""Extended attributes across machines: what Ambit writes the host reads, and the other way round.

The judge is the host's e2fsck, which checks places, hashes and counts; debugfs is the reader.
"""

import subprocess

import pytest
from ambitvm import Disk
from conftest import guest_program
from disk import fsck, make_ext2, tool

FILES = 12


@pytest.fixture(name="attr", scope="module")
def fixture_attr():
    """The little program, static."""
    return guest_program("attr", "-Wextra")


def seen_by_host(image, file, name):
    """The value that the host's debugfs finds, or None."""
    run = subprocess.run([tool("debugfs"), "-R", f"ea_get -V {file} {name}", str(image)],
                         capture_output=True, text=True, check=True)
    return run.stdout.removesuffix("\n") if run.stdout else None


def set_by_host(image, file, name, text):
    """By debugfs, as the host's own file systems may have no attributes."""
    subprocess.run([tool("debugfs"), "-w", "-R", f"ea_set {file} {name} {text}", str(image)],
                   capture_output=True, check=True)


def machine(boot, build, attr, image):
    """A machine with the image mounted at /tmp/m and the program at /tmp/attr."""
    vm = boot(disks=[build / "root.ext2", Disk(image, snapshot=False)], files={"attr": attr})
    vm.mount_files()
    vm.check("cp /mnt/attr /tmp/attr; mkdir -p /tmp/m; mount -t ext2 /dev/nvme1n1 /tmp/m")
    return vm


def value(number, size):
    """What attribute `number` holds."""
    return f"{number}-" + "v" * size


def write(vm, sizes):
    """Attributes of files, a directory and a link; what is on the disk already is replaced, some removed."""
    small, large = sizes
    vm.check("cd /tmp/m && mkdir d && ln -s d l")
    for number in range(FILES):
        vm.check(f"cd /tmp/m && echo {number} >f{number} && /tmp/attr set f{number} user.small {value(number, 5)} && "
                 f"/tmp/attr set f{number} user.large {value(number, small)} && "
                 f"/tmp/attr set f{number} trusted.gone x && /tmp/attr set f{number} security.kept s{number}")
    vm.check("sync")
    for number in range(FILES):
        vm.check(f"cd /tmp/m && /tmp/attr set f{number} user.small {value(number, 3)} && "
                 f"/tmp/attr set f{number} user.large {value(number, large)} && /tmp/attr remove f{number} trusted.gone")
    vm.check("cd /tmp/m && /tmp/attr set d user.dir directory && /tmp/attr set l trusted.link link && "
             "rm f1 f3 && /tmp/attr remove f5 user.large")


def check_on_host(image, large):
    """What write() has left is on the disk, and nothing is wrong with it."""
    code, text = fsck(image)
    assert code == 0, text
    assert seen_by_host(image, "d", "user.dir") == "directory"
    assert seen_by_host(image, "l", "trusted.link") == "link"
    for number in set(range(FILES)) - {1, 3}:
        file = f"f{number}"
        assert seen_by_host(image, file, "user.small") == value(number, 3)
        assert seen_by_host(image, file, "user.large") == (None if number == 5 else value(number, large))
        assert seen_by_host(image, file, "security.kept") == f"s{number}"
        assert seen_by_host(image, file, "trusted.gone") is None


@pytest.mark.parametrize("block,sizes,end", [(1024, (400, 700), "umount /tmp/m"), (4096, (90, 3500), "sync")])
def test_host_reads_what_was_written_before_the_power_went(boot, build, attr, tmp_path, block, sizes, end):
    image = make_ext2(tmp_path / "fs", size_mb=16, block=block)
    vm = machine(boot, build, attr, image)
    write(vm, sizes)
    vm.check(f"cd / && {end}")
    vm.powercut()
    check_on_host(image, sizes[1])
    again = machine(boot, build, attr, image)
    assert again.check("/tmp/attr get /tmp/m/f7 user.large") == value(7, sizes[1])
    assert sorted(again.check("/tmp/attr list /tmp/m/f5").split()) == ["security.kept", "user.small"]


@pytest.mark.parametrize("block", [1024, 4096])
def test_attributes_that_the_host_made(boot, build, attr, tmp_path, block):
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(3):
        (folder / f"f{number}").write_text("text")
    image = make_ext2(tmp_path / "fs", folder, size_mb=16, block=block)
    for number in range(3):
        set_by_host(image, f"f{number}", "user.small", value(number, 3))
        set_by_host(image, f"f{number}", "user.large", value(number, 600))
    assert seen_by_host(image, "f0", "user.large") == value(0, 600)
    vm = machine(boot, build, attr, image)
    for number in range(3):
        assert vm.check(f"/tmp/attr get /tmp/m/f{number} user.small") == value(number, 3)
        assert vm.check(f"/tmp/attr get /tmp/m/f{number} user.large") == value(number, 600)
    vm.check("cd /tmp/m && /tmp/attr set f0 user.small changed && /tmp/attr set f0 user.new new && "
             "/tmp/attr remove f1 user.large && rm f2 && cd / && umount /tmp/m")
    vm.powercut()
    code, text = fsck(image)
    assert code == 0, text
    assert seen_by_host(image, "f0", "user.small") == "changed"
    assert seen_by_host(image, "f0", "user.new") == "new"
    assert seen_by_host(image, "f0", "user.large") == value(0, 600)
    assert seen_by_host(image, "f1", "user.large") is None
    assert seen_by_host(image, "f1", "user.small") == value(1, 3)
