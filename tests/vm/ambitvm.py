"""ambitvm - one virtual machine: boot it, talk to it, take it away.

    with VM(mem=256, smp=2) as vm:
        code, text = vm.run("uname -a")

Boots straight into the kernel (QEMU's -kernel, a second), or the image by BIOS or UEFI through
GRUB, or an ISO. Ambit by default; os="linux" boots Debian's kernel on the same root file system,
which is the oracle of many tests. The processor is always emulated (TCG), so results do not hang
on what the host offers. Every machine has a hard time limit and is killed by its own process id.
"""

import ctypes
import os
import pathlib
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from console import Console, VMError, VMExit, VMPanic, VMTimeout
from disk import Disk, make_transfer, read_file
from nic import forwarded
from qmp import Qmp, QmpError

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("AMBIT_BUILD", TREE / "build")).resolve()
OVMF = pathlib.Path("/usr/share/OVMF")
CPU = "max,-erms,-fsrm,-la57"
LINE_MAX = 700
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)

__all__ = ["VM", "VMError", "VMExit", "VMPanic", "VMTimeout", "Disk", "BUILD", "TREE"]


def die_with_parent():
    """In the child: the kernel kills the machine when the test process is gone."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class VM:
    """A machine. Arguments that are not given have the values a test wants most often.

    os:       "ambit" or "linux"; default from $AMBIT_OS, else ambit
    boot:     "direct", "bios", "uefi" or "iso"
    disks:    Disk or path; default the bare root file system (direct) or the image
    files:    {name: host file, folder or bytes} carried in on one more drive, see mount_files()
    cmdline:  more words for the kernel's command line (direct boot only)
    root:     value of root=; None leaves it out
    nics:     its network cards: User, Plug or Tap of nic.py; none when empty
    icount:   one instruction is one nanosecond, repeatable, one processor
    limit:    seconds after which the machine is killed, whatever it does
    """

    def __init__(self, os=None, boot="direct", disks=None, files=None, files_mb=None, mem=256,
                 smp=2, cmdline="", root="auto", init=None, debug=False, icount=False,
                 nics=(), reboot=False, limit=600, gdb=None, paused=False, kernel=None,
                 iso=None, name="vm", extra=()):
        self.os = os or default_os()
        self.boot_mode, self.mem, self.smp, self.debug = boot, mem, smp, debug
        self.cmdline, self.root, self.init = cmdline, root, init
        self.icount, self.nics, self.reboot, self.limit = icount, list(nics), reboot, limit
        self.gdb, self.paused, self.extra, self.name = gdb, paused, list(extra), name
        self.kernel = kernel or self.default_kernel()
        self.iso = iso or BUILD / "ambit.iso"
        self.files, self.files_mb, self.files_image = files, files_mb, None
        self.disks = [d if isinstance(d, Disk) else Disk(d) for d in self.default_disks(disks)]
        self.dir = tempfile.mkdtemp(prefix="ambitvm.")
        self.proc = self.console = self.qmp = None
        self.timed_out = False
        self._timer = None
        self._agent = False

    # What to start.

    def default_kernel(self):
        """The kernel that direct boot hands to QEMU."""
        if self.os == "linux":
            return BUILD / "linux" / "vmlinuz"
        return BUILD / ("kernel-debug" if self.debug else "kernel") / "ambit.elf"

    def default_disks(self, disks):
        """The drives asked for, or the one this kind of boot needs."""
        if disks is not None:
            return list(disks)
        if self.boot_mode == "iso":
            return []
        return [BUILD / ("root.ext2" if self.boot_mode == "direct" else "ambit.img")]

    def kernel_line(self):
        """The command line of a direct boot."""
        words = ["console=ttyS0"]
        root = self.root
        if root == "auto":
            root = f"/dev/{ {'nvme': 'nvme0n1', 'virtio-blk': 'vda'}[self.disks[0].bus] }" \
                if self.disks else None
        if root:
            words.append(f"root={root}")
        if self.init:
            words += [f"init={self.init}", "rw"]  # nobody else makes the root writable
        if self.os == "linux":
            words += ["quiet", "mitigations=off", "panic=-1", "devtmpfs.mount=1",
                      "no_timer_check"]
        return " ".join(words + [self.cmdline]).strip()

    def arguments(self):
        """The whole command for QEMU."""
        args = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-machine", "q35",
                "-accel", "tcg" + ("" if self.icount else ",thread=multi"), "-cpu", CPU,
                "-m", f"{self.mem}M", "-smp", str(1 if self.icount else self.smp),
                "-display", "none", "-vga", "std", "-serial", "stdio",
                "-qmp", f"unix:{self.dir}/qmp,server=on,wait=off",
                "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        if self.icount:
            args += ["-icount", "shift=0,sleep=off"]
        if not self.reboot:
            args.append("-no-reboot")
        if self.paused:
            args.append("-S")
        if self.gdb:
            args += ["-gdb", self.gdb]
        args += self.boot_arguments()
        for index, disk in enumerate(self.disks):
            args += disk.arguments(self.dir, index)
        args += ["-nic", "none"] if not self.nics else []
        for index, card in enumerate(self.nics):
            args += card.arguments(index)
        return args + self.extra

    def boot_arguments(self):
        """The part that says where the kernel comes from."""
        if self.boot_mode == "direct":
            # Debian's kernel has its network drivers as modules, in our initial RAM disk.
            more = ["-initrd", str(BUILD / "linux" / "initrd")] \
                if self.os == "linux" and self.nics else []
            return ["-kernel", str(self.kernel), "-append", self.kernel_line(), *more]
        args = []
        if self.boot_mode == "uefi":
            variables = shutil.copy(OVMF / "OVMF_VARS_4M.fd", f"{self.dir}/vars.fd")
            args += ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF}/OVMF_CODE_4M.fd",
                     "-drive", f"if=pflash,format=raw,file={variables}"]
        if self.boot_mode == "iso":
            args += ["-cdrom", str(self.iso), "-boot", "d"]
        return args

    # Its life.

    def start(self):
        """Starts the machine; it runs unless paused=True."""
        if self.files is not None:
            self.files_image = make_transfer(f"{self.dir}/files.img", self.files, self.files_mb)
            self.disks.append(Disk(self.files_image, snapshot=False))
        stderr = open(f"{self.dir}/qemu.log", "wb")
        self.proc = subprocess.Popen(
            self.arguments(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
            preexec_fn=die_with_parent,
            pass_fds=[fd for card in self.nics for fd in card.file_descriptors()])
        stderr.close()
        self._timer = threading.Timer(self.limit, self._expire)
        self._timer.daemon = True
        self._timer.start()
        self.console = Console(self.proc.stdout.fileno(), self.proc.stdin.fileno(),
                               f"{self.dir}/console.log")
        try:
            self.qmp = Qmp(f"{self.dir}/qmp", alive=lambda: self.proc.poll() is None)
        except (OSError, QmpError) as error:
            said = self.qemu_said()
            self.stop()
            raise VMError(f"QEMU did not start: {said}") from error
        return self

    def _expire(self):
        self.timed_out = True
        self._kill()

    def _kill(self):
        if self.proc and self.proc.poll() is None:
            self.proc.kill()

    def powercut(self):
        """Takes the power away now."""
        self._kill()
        return self.wait_exit(20)

    def stop(self):
        """Ends the machine and removes its private files."""
        if self._timer:
            self._timer.cancel()
        self._kill()
        if self.proc:
            self.proc.wait(20)
            self.console.join()
            for pipe in (self.proc.stdin, self.proc.stdout):
                try:
                    pipe.close()
                except OSError:
                    pass
        if self.qmp:
            self.qmp.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, error, trace):
        if kind:
            self.keep_log()
        self.stop()

    def keep_log(self):
        """Keeps the console's log where a person finds it after a failure."""
        folder = BUILD / "results" / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        stem = re.sub(r"[^\w.-]+", "_", self.name) or "vm"
        with open(folder / f"{stem}.log", "w", encoding="utf-8") as log:
            log.write(shlex.join(self.arguments_shown()) + "\n")
            log.write(self.console.text() if self.console else "")
            log.write(self.qemu_said())
        return folder / f"{stem}.log"

    def qemu_said(self):
        """QEMU's own messages."""
        try:
            return pathlib.Path(f"{self.dir}/qemu.log").read_text("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def arguments_shown(self):
        """The command as it was started, without starting it again."""
        return list(self.proc.args) if self.proc else []

    def wait_exit(self, timeout):
        """Waits until QEMU has ended and returns its exit code (isa-debug-exit: 2 * value + 1)."""
        try:
            code = self.proc.wait(timeout)
        except subprocess.TimeoutExpired:
            tail = self.console.tail()
            raise VMTimeout(f"the machine still runs after {timeout:g} s\n{tail}") from None
        self.console.join()
        return code

    def cpu_seconds(self):
        """Processor time that QEMU, all its threads together, has used on the host."""
        total = 0
        for task in pathlib.Path(f"/proc/{self.proc.pid}/task").iterdir():
            try:
                total += int((task / "schedstat").read_text().split()[0])
            except (OSError, IndexError):
                pass
        return total / 1e9

    # Its console.

    def wait_for(self, pattern, timeout=60, panic_ok=False):
        """Waits for a regular expression on the console; returns the match (of bytes)."""
        return self.console.wait_for(pattern, timeout, panic_ok)

    def type(self, text):
        """Sends text down the serial line."""
        self.console.write(text)

    def keys(self, text):
        """Types text on the machine's keyboard."""
        self.qmp.keys(text)

    def screenshot(self, path):
        """Writes what the screen shows to a PNG file."""
        self.qmp.screendump(path)

    def log(self):
        """The whole console so far, as text."""
        return self.console.text()

    def login(self, timeout=120, user="root"):
        """Waits for the login prompt, logs in and prepares the shell for run()."""
        # A message of the kernel may follow either prompt at once.
        self.wait_for(r"login: ", timeout)
        self.type(f"{user}\n")
        self.wait_for(r":[~/]\S*[#$] ", timeout)
        self.prepare(timeout)
        return self

    def prepare(self, timeout=60):
        """Turns a shell on the console into one that run() can use: no echo, no prompt."""
        nonce = secrets.token_hex(4)
        self.type(f"stty -echo; PS1= PS2=; printf '@%s@\\n' {nonce}\n")
        self.wait_for(f"@{nonce}@\r?\n", timeout)
        self._agent = True

    def run(self, command, timeout=60, check=False, tty=False):
        """Runs a command in a shell of its own: (exit code, output, both streams together).

        tty leaves the console as its standard input; otherwise that is empty.
        """
        if not self._agent:
            self.login()
        nonce = secrets.token_hex(6)
        self._send_command(command, timeout)
        source = "" if tty else " </dev/null"
        self.type(f"printf '\\n@B%s@\\n' {nonce}; sh -c \"$c\" 2>&1{source}; "
                  f"printf '\\n@E%s:%d@\\n' {nonce} $?\n")
        self.wait_for(f"@B{nonce}@\r?\n", timeout)
        begin = self.console.pos
        found = self.wait_for(f"\r?\n@E{nonce}:([0-9]+)@\r?\n", timeout)
        raw = found.string[begin:found.start()] if begin < found.start() else b""
        text = bytes(raw).decode("utf-8", "replace").replace("\r\n", "\n")
        code = int(found.group(1))
        if check and code:
            raise VMError(f"{command!r} gave {code}:\n{text}")
        return code, text

    def check(self, command, timeout=60):
        """Runs a command that must succeed and returns its output without the last newline."""
        return self.run(command, timeout, check=True)[1].rstrip("\n")

    def _send_command(self, command, timeout):
        """Puts the command into the shell's variable c, in lines that no terminal cuts."""
        coded = "".join(encode_char(char) for char in command.encode())
        pieces = cut(coded, LINE_MAX)
        self.type(f"c=$(printf '%b' '{pieces[0]}')\n" if len(pieces) == 1 else "c=\n")
        for piece in pieces if len(pieces) > 1 else ():
            nonce = secrets.token_hex(4)
            self.type(f"c=$c'{piece}'; printf '@%s@\\n' {nonce}\n")
            self.wait_for(f"@{nonce}@\r?\n", timeout)
        if len(pieces) > 1:
            self.type("c=$(printf '%b' \"$c\")\n")

    def port(self, inside):
        """The port of this host behind which a port of the guest is (see nic.User)."""
        return forwarded(self.qmp.monitor("info usernet"), inside)

    # Files.

    def mount_files(self, where="/mnt"):
        """Mounts the drive made from files= in the guest; returns the folder."""
        letter = sum(disk.bus == "nvme" for disk in self.disks) - 1
        self.check(f"mkdir -p {where}; mount -t ext2 /dev/nvme{letter}n1 {where}")
        return where

    def get(self, inside, target=None):
        """Reads a file back from the drive of files=; the guest must have synced it."""
        return read_file(self.files_image, inside, target or f"{self.dir}/get.{time.time_ns()}")


def default_os():
    """Which system to test: Ambit, unless the environment asks for the oracle."""
    return os.environ.get("AMBIT_OS", "ambit")


def encode_char(code):
    """One byte as printf %b takes it: plain where nothing on the way can misread it."""
    char = chr(code)
    if char.isascii() and (char.isalnum() or char in " _-+=./:,;@<>|&(){}[]$\"*?#~^"):
        return char
    return f"\\0{code:03o}"


def cut(text, size):
    """Cuts at most `size` characters at a time, never inside an escape of encode_char()."""
    pieces, last = [], 0
    for match in re.finditer(r"(?:\\0[0-7]{3}|[^\\]){1,%d}" % (size // 5), text):
        pieces.append(match.group())
        last = match.end()
    assert last == len(text)
    return pieces or [""]
