"""hostnet - the host's side of a network: a name space of its own with one Ethernet interface.

    with HostNet(["10.77.0.1/24"]) as host, Wire() as wire:
        wire.attach(1, host)
        vm = VM(nics=[wire.plug(0)])
        host.run(["ping", "-c", "1", "10.77.0.2"])

The interface's other side is a file, carried by a Wire or given to QEMU (nic.Tap). What runs in the
name space sees this interface and its loopback alone, so tests side by side never meet. It needs
/dev/net/tun, and root or the right to make user name spaces.
"""

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
TUNSETIFF, TUNSETOFFLOAD, TUNSETVNETHDRSZ = 0x400454CA, 0x400454D0, 0x400454D8
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 2, 0x1000, 0x4000
NAME = "wire0"


class HostNet:
    """The name space; it lives as long as the helper process that holds it."""

    def __init__(self, addresses=("10.77.0.1/24", "fd77::1/64"), mtu=1500, offload=False):
        """offload: the file carries packets bigger than the MTU (for nic.Tap only)."""
        mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        words = [str(its.fileno()), str(mtu), str(int(offload)), *addresses]
        self.proc = subprocess.Popen([sys.executable, __file__, *words], stdin=subprocess.PIPE,
                                     pass_fds=(its.fileno(),))
        its.close()
        _, fds, _, _ = socket.recv_fds(mine, 1, 1)
        if not fds or mine.recv(1) != b"+":
            raise OSError("cannot make a network name space with a tap interface")
        mine.close()
        self.fd = fds[0]
        self.enter = ["nsenter", "-t", str(self.proc.pid), "--net"]
        if os.geteuid() != 0:
            self.enter += ["--user", "--preserve-credentials"]

    def run(self, words, timeout=60, **more):
        """Runs a command there and returns the finished process; a bad exit is an exception."""
        more = {"check": True, "capture_output": True, "text": True, **more}
        return subprocess.run(self.enter + [str(w) for w in words], timeout=timeout, **more)

    def popen(self, words, **more):
        """Starts a command there."""
        return subprocess.Popen(self.enter + [str(w) for w in words], **more)

    def stop(self):
        """Ends the name space; what still runs in it loses its network."""
        self.proc.stdin.close()
        self.proc.wait(10)
        os.close(self.fd)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.stop()


def become_private():
    """A network name space for this process, and a user name space if it is not root."""
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWNET | (CLONE_NEWUSER if uid else 0)):
        raise OSError(ctypes.get_errno(), "unshare")
    if uid:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"),
                           ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)


def open_tap(offload):
    """The interface; returns its file."""
    fd = os.open("/dev/net/tun", os.O_RDWR)
    flags = IFF_TAP | IFF_NO_PI | (IFF_VNET_HDR if offload else 0)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", NAME.encode(), flags))
    return fd


def ip(*words):
    """iproute2, wherever it lies."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    subprocess.run(["ip", *words], check=True, env={**os.environ, "PATH": path})


def main():
    """The helper: makes everything, hands the file over and waits for the end of its input."""
    parent = socket.socket(fileno=int(sys.argv[1]))
    mtu, offload, addresses = sys.argv[2], sys.argv[3] == "1", sys.argv[4:]
    become_private()
    fd = open_tap(offload)
    ip("link", "set", "lo", "up")
    ip("link", "set", NAME, "mtu", mtu, "up")
    for address in addresses:
        ip("addr", "add", address, "dev", NAME, *(["nodad"] if ":" in address else []))
    socket.send_fds(parent, [b"!"], [fd])
    parent.send(b"+")
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
