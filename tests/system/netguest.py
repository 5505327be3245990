"""netguest - what the network tests share: a guest on a wire or tap with fixed addresses.

The host's end is always .1 and ::1, the guest's .2 and ::2; the guest's own services stay out of it.
"""

import contextlib
import pathlib
import time

import pytest
from ambitvm import BUILD, VM
from hostnet import HostNet
from nic import Tap
from sshclient import Ssh
from wire import Wire

HERE = pathlib.Path(__file__).resolve().parent
HOST, GUEST = "10.77.0.1", "10.77.0.2"
HOST6, GUEST6 = "fd77::1", "fd77::2"
# The debug kernel reports wrong order of locks, sleeping with one, and memory that is not one's own.
KERNELS = [pytest.param({"smp": 2}, id="plain"),
           pytest.param({"smp": 4, "debug": True}, id="debug",
                        marks=[pytest.mark.slow, pytest.mark.ambit])]
BUSYBOX = BUILD / "ports/busybox-static/bin/busybox.static"


def until(question, limit):
    """Asks again until the answer is true; returns it, the last one when time is up."""
    end = time.monotonic() + limit
    while True:
        answer = question()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(0.5)


def leave_alone(vm):
    """Stops what would configure eth0, as soon as that has begun."""
    until(lambda: vm.run("sv status /run/dhcp/eth0 | grep -q ^run:")[0] == 0, 60)
    vm.check("sv -w 30 stop network")


def settle(vm):
    """Gives eth0 its addresses and waits until the ssh server listens."""
    vm.login()
    leave_alone(vm)
    vm.check("ip link set lo up; ip link set eth0 up && "
             f"ip addr add {GUEST}/24 dev eth0 && ip addr add {GUEST6}/64 dev eth0")
    assert until(lambda: vm.run("netstat -ltn | grep -q ':22 '")[0] == 0, 90), "no ssh server"


def login(host):
    """The ssh client in the host's name space."""
    return Ssh(22, host=GUEST, enter=host.enter)


@contextlib.contextmanager
def on_tap(model="virtio-net-pci", **options):
    """(guest, host) on a tap: nothing between them."""
    with HostNet([f"{HOST}/24", f"{HOST6}/64"]) as host:
        with VM(nics=[Tap(model=model, host=host)], **options) as vm:
            settle(vm)
            yield vm, host


@contextlib.contextmanager
def on_wire(model="virtio-net-pci", seed=1, **options):
    """(guest, host, wire): the guest is the wire's end 0, way 0 goes from it to the host."""
    with HostNet([f"{HOST}/24", f"{HOST6}/64"]) as host, Wire(seed=seed) as wire:
        wire.attach(1, host)
        with VM(nics=[wire.plug(0, model)], **options) as vm:
            settle(vm)
            yield vm, host, wire


@contextlib.contextmanager
def two_guests(systems, seed, **options):
    """(first, second, wire): the wire's ends 0 and 1, at the addresses of guest and host."""
    with Wire(seed=seed) as wire, \
            VM(nics=[wire.plug(0)], os=systems[0], limit=1500, name="two-a", **options) as one, \
            VM(nics=[wire.plug(1)], os=systems[1], limit=1500, name="two-b", **options) as two:
        for vm, address in ((one, GUEST), (two, HOST)):
            vm.login()
            leave_alone(vm)
            vm.check(f"ip link set eth0 up && ip addr add {address}/24 dev eth0")
        assert until(lambda: one.run(f"ping -c 1 -w 5 {HOST}")[0] == 0, 60)
        yield one, two, wire


def start_tun(vm, arguments):
    """Starts it, as /tmp/tun, and waits until it has its interface."""
    vm.check(f"/tmp/tun {arguments} </dev/null >/tmp/tun.out 2>&1 & "
             "until [ -s /tmp/tun.out ]; do sleep 0.1; done")
