"""disk - the drives of a virtual machine and the files carried in and out on them.

A drive is by default a snapshot: what the guest writes is gone with the machine. A drive that
injects errors or records its writes is a private copy instead, because both have to see the
writes on their way to the file.
"""

import dataclasses
import os
import pathlib
import shutil
import subprocess

MIB = 1 << 20


@dataclasses.dataclass
class Disk:
    """One drive.

    path:     raw image; bus: "nvme" or "virtio-blk"
    snapshot: False lets writes reach the file itself
    errors:   blkdebug rules, e.g. {"event": "none", "iotype": "write", "errno": 5, "sector": 2048}
    log:      file that records writes and flushes in order (see powercut.py)
    """

    path: str
    bus: str = "nvme"
    snapshot: bool = True
    errors: list = dataclasses.field(default_factory=list)
    log: str = ""

    def private(self, workdir, index):
        """The file that QEMU opens: the image, or a copy where writes must reach a file."""
        if not (self.errors or self.log) or not self.snapshot:
            return str(self.path)
        copy = os.path.join(workdir, f"disk{index}.img")
        copy_sparse(self.path, copy)
        return copy

    def arguments(self, workdir, index):
        """QEMU's arguments for this drive, the index-th of the machine."""
        name = f"d{index}"
        options = {"if": "none", "id": name, "driver": "raw"}
        path = self.private(workdir, index)
        if self.errors:
            options.update(self._blkdebug(path))
        elif self.log:
            open(self.log, "wb").close()
            options.update({
                "driver": "blklogwrites", "log-sector-size": "512",
                "file.driver": "file", "file.filename": path,
                "log.driver": "file", "log.filename": self.log})
        else:
            options.update({"file.driver": "file", "file.filename": path})
            if self.snapshot:
                options["snapshot"] = "on"
        drive = ",".join(f"{key}={value}" for key, value in options.items())
        model = {"nvme": "nvme,serial=ambit", "virtio-blk": "virtio-blk-pci,serial=ambit"}[self.bus]
        device = f"{model}{index},drive={name},bootindex={index + 1}"
        return ["-drive", drive, "-device", device]

    def _blkdebug(self, path):
        options = {"file.driver": "blkdebug", "file.image.driver": "file",
                   "file.image.filename": path, "werror": "report", "rerror": "report"}
        if self.bus == "nvme":
            del options["werror"], options["rerror"]
        for number, rule in enumerate(self.errors):
            for key, value in rule.items():
                options[f"file.inject-error.{number}.{key}"] = value
        return options


def copy_sparse(source, target):
    """Copies an image and keeps its holes."""
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", str(source), str(target)],
                   check=True)


def tool(name):
    """The path of a file-system tool, which may lie outside a user's PATH."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not found:
        raise FileNotFoundError(f"{name} is not installed")
    return found


def make_ext2(path, folder=None, size_mb=None, block=4096):
    """Writes an ext2 image, filled from a folder; without a size it is made big enough."""
    if size_mb is None:
        size_mb = 16 + 2 * tree_mb(folder)
    with open(path, "wb") as image:
        image.truncate(size_mb * MIB)
    command = [tool("mke2fs"), "-q", "-F", "-t", "ext2", "-b", str(block), "-E",
               "root_owner=0:0", "-m", "0"]
    if folder:
        command += ["-d", str(folder)]
    subprocess.run(command + [str(path)], check=True, stdout=subprocess.DEVNULL)
    return str(path)


def tree_mb(folder):
    """How many MiB a folder's files take, rounded up, with room for the blocks of each."""
    if not folder:
        return 0
    sizes = [entry.lstat().st_size + 4096 for entry in pathlib.Path(folder).rglob("*")]
    return sum(sizes) // MIB + 1


def make_transfer(path, files, size_mb=None):
    """Writes an ext2 image holding `files`: {name in the image: host file, folder or bytes}."""
    folder = pathlib.Path(str(path) + ".d")
    folder.mkdir()
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            target.write_bytes(content)
        elif os.path.isdir(content):
            shutil.copytree(content, target, symlinks=True)
        else:
            shutil.copy2(content, target)
    make_ext2(path, folder, size_mb)
    shutil.rmtree(folder)
    return str(path)


def read_file(image, inside, target):
    """Copies one file out of an ext2 image to the host and returns its bytes."""
    run = subprocess.run([tool("debugfs"), "-R", f"dump {inside} {target}", str(image)],
                         capture_output=True, text=True, check=True)
    if not os.path.exists(target):
        raise FileNotFoundError(f"{image}: {inside}: {run.stderr.strip()}")
    return pathlib.Path(target).read_bytes()


def fsck(image, repair=False):
    """Checks an ext2 image: (exit code, text). 0 clean, 1 repaired, 4 and more left damaged."""
    run = subprocess.run([tool("e2fsck"), "-f", "-y" if repair else "-n", str(image)],
                         capture_output=True, text=True, check=False)
    return run.returncode, run.stdout + run.stderr


def partition(image, number):
    """(first byte, length) of a GPT partition of a raw image."""
    with open(image, "rb") as file:
        file.seek(512)
        header = file.read(92)
        if header[:8] != b"EFI PART":
            raise ValueError(f"{image} has no GPT")
        table = int.from_bytes(header[72:80], "little")
        size = int.from_bytes(header[84:88], "little")
        file.seek(table * 512 + (number - 1) * size)
        entry = file.read(size)
    first = int.from_bytes(entry[32:40], "little")
    last = int.from_bytes(entry[40:48], "little")
    return first * 512, (last - first + 1) * 512
