"""nic - the network cards of a virtual machine and what they are plugged into.

A card is User (behind QEMU's own router, whose DHCP, DNS and forwarded ports need no rights on the
host), Plug (one end of a Wire, see wire.py) or Tap (an interface of the host, see hostnet.py).
"""

import dataclasses
import itertools
import re

MODELS = ("virtio-net-pci", "e1000", "e1000e", "rtl8139")
_cards = itertools.count(1)


@dataclasses.dataclass
class Nic:
    """What every card has: its model, its address, more properties of the device."""

    model: str = "virtio-net-pci"
    mac: str = ""
    properties: str = ""

    def __post_init__(self):
        if not self.mac:
            number = next(_cards) & 0xFFFF
            self.mac = f"52:54:00:a7:{number >> 8:02x}:{number & 255:02x}"

    def device(self, index):
        """QEMU's arguments for the card itself."""
        more = f",{self.properties}" if self.properties else ""
        return ["-device", f"{self.model},netdev=n{index},mac={self.mac}{more}"]

    def arguments(self, index):
        """QEMU's arguments for the card and what it is plugged into."""
        return ["-netdev", f"{self.netdev()},id=n{index}"] + self.device(index)

    def netdev(self):
        """What it is plugged into."""
        raise NotImplementedError

    def file_descriptors(self):
        """Open files of this process that QEMU needs."""
        return ()


@dataclasses.dataclass
class User(Nic):
    """10.0.2.0/24 and fec0::/64 behind a router at 10.0.2.2, which is also this host's loopback.

    forwards: guest ports to be reached through ports of this host; see VM.port()
    isolated: nothing beyond the router can be reached
    """

    forwards: tuple = (22,)
    isolated: bool = False

    def netdev(self):
        text = "user" + ",restrict=on" * self.isolated
        return text + "".join(f",hostfwd=tcp:127.0.0.1:0-:{port}" for port in self.forwards)


@dataclasses.dataclass
class Plug(Nic):
    """One end of a wire: frames as datagrams of two Unix sockets."""

    local: str = ""
    remote: str = ""

    def netdev(self):
        return (f"dgram,local.type=unix,local.path={self.local},"
                f"remote.type=unix,remote.path={self.remote}")


@dataclasses.dataclass
class Tap(Nic):
    """An interface of a HostNet; offloads work between the guest and the host."""

    host: object = None

    def netdev(self):
        return f"tap,fd={self.host.fd}"

    def file_descriptors(self):
        return (self.host.fd,)


def forwarded(text, port):
    """The host's port behind which a guest's port is, from the monitor's `info usernet`."""
    found = re.search(rf"TCP\[HOST_FORWARD\]\s+\d+\s+\S+\s+(\d+)\s+\S+\s+{port}\s", text)
    if not found:
        raise LookupError(f"guest port {port} is not forwarded:\n{text}")
    return int(found.group(1))
