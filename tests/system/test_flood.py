"""More packets than processors can handle, from inside or outside, and the machine is of use meanwhile."""

import contextlib
import re
import subprocess
import sys
import time

import pytest
from conftest import complaints
from netguest import GUEST, on_tap, until

ANSWER_S, CHANGE_S = 10, 20  # without a flood: 0.1 s; the limits are those of a loaded host
CIRCLING = 5000              # frames each second at least, which is a storm and no traffic
BACK_KB = 2048
SENDER = f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("{GUEST}", 9))
while True:
    try:
        s.send(b"x" * 64)
    except OSError:
        pass
"""


def seconds(vm, command, limit):
    """How long it takes; it must succeed within the limit."""
    begin = time.monotonic()
    vm.check(command, limit)
    return time.monotonic() - begin


def number(vm, command):
    """What the command prints. The kernel's own words may come in between: then once more."""
    ask = lambda: re.search(r"=(\d+)=", vm.run(f"echo =$({command})=", 60)[1])  # noqa: E731
    return int(until(ask, 60).group(1))


def free_kb(vm):
    """Memory that could be had."""
    return number(vm, "awk '/^MemAvailable/ {print $2}' /proc/meminfo")


def received(vm, name):
    """Packets that an interface received."""
    return number(vm, f"cat /sys/class/net/{name}/statistics/rx_packets")


def rate(vm, name):
    """Packets each second that an interface receives."""
    begin, first = time.monotonic(), received(vm, name)
    time.sleep(2)
    return (received(vm, name) - first) / (time.monotonic() - begin)


def of_use(vm):
    """The shell answers, programs run, and interfaces come and go."""
    answers = [seconds(vm, "echo", ANSWER_S) for _ in range(3)]
    answers.append(seconds(vm, "ls -lR /etc >/dev/null", 3 * ANSWER_S))
    answers.append(seconds(vm, "ip link add d0 type dummy && ip link set d0 up && "
                           "ip addr add 10.8.8.8/24 dev d0 && ip link del d0", CHANGE_S))
    print("seconds:", " ".join(f"{a:.2f}" for a in answers))


def make_ring(vm, pairs):
    """br0 with both ends of so many cables."""
    vm.check("ip link add br0 type bridge && ip addr add 10.9.9.1/24 dev br0 && ip link set br0 up && "
             f"for i in $(seq {pairs}); do ip link add left$i type veth || exit; done; "
             "for i in /sys/class/net/left* /sys/class/net/veth*; do "
             "ip link set ${i##*/} master br0 && ip link set ${i##*/} up || exit; done", 120)


def unmake(vm, pairs):
    """Cables and bridge go, while the bridge is down."""
    vm.check(f"for i in $(seq {pairs}); do ip link del left$i || exit; done; ip link del br0", 60)


@pytest.mark.ambit  # Debian's kernel comes without bridges here
@pytest.mark.parametrize("debug", [False, pytest.param(True, marks=pytest.mark.slow)],
                         ids=["release", "debug"])
@pytest.mark.parametrize("pairs", [1, 12])
def test_ring_of_cables(boot, pairs, debug):
    """One broadcast circles for ever. The bridge taken down ends it, and nothing stays behind."""
    vm = boot(smp=2, debug=debug, limit=600)
    for round_number in range(2):
        before = free_kb(vm)
        make_ring(vm, pairs)
        vm.run("arping -c 1 -w 2 -I br0 10.9.9.77")
        assert rate(vm, "br0") > CIRCLING / pairs / (10 if debug else 1)
        of_use(vm)
        during = free_kb(vm)
        print(f"stopped in {seconds(vm, 'ip link set br0 down', CHANGE_S):.2f} s")
        time.sleep(1)
        assert rate(vm, "br0") < 10
        unmake(vm, pairs)
        assert before - during < 32 << 10
        if round_number:  # the first fills what is filled once
            assert until(lambda: before - free_kb(vm) < BACK_KB, 30), before - free_kb(vm)
    assert not complaints(vm.log()), complaints(vm.log())


@pytest.mark.ambit
def test_ring_goes_with_its_bridge(boot):
    """Removed as it is, in the middle of the storm."""
    vm = boot(smp=2, limit=300)
    make_ring(vm, 2)
    vm.run("arping -c 1 -w 2 -I br0 10.9.9.77")
    vm.check("ip link del br0", CHANGE_S)
    assert rate(vm, "left1") < 10
    make_ring_again = "ip link add br0 type bridge; ip link set br0 up; ip link set left1 master br0"
    vm.check(f"{make_ring_again}; ip link set veth0 master br0")
    vm.run("arping -c 1 -w 2 -I left2 10.9.9.77")
    vm.check("ip link del left1 && ip link del left2 && ip link del br0", CHANGE_S)
    assert not complaints(vm.log()), complaints(vm.log())


def test_loopback(boot):
    vm = boot(smp=2, limit=300)
    vm.check("for i in 1 2; do iperf3 -s -D -p 600$i; "
             "(sleep 1; iperf3 -c 127.0.0.1 -p 600$i -u -b 0 -l 1400 -P 2 -t 100 >/dev/null 2>&1) & done")
    assert until(lambda: rate(vm, "lo") > CIRCLING / 2, 30)
    of_use(vm)
    vm.run("killall iperf3", CHANGE_S)  # clients end with their servers: some are gone before
    assert until(lambda: rate(vm, "lo") < 10, CHANGE_S)
    assert not complaints(vm.log()), complaints(vm.log())


@pytest.mark.parametrize("model", ["virtio-net-pci", "e1000"])
def test_card(model):
    """Datagrams as fast as a program of the host sends them, from two at once."""
    with on_tap(model, smp=2, limit=400) as (vm, host), contextlib.ExitStack() as stack:
        for _ in range(2):
            sender = host.popen([sys.executable, "-c", SENDER], stdout=subprocess.DEVNULL)
            stack.callback(sender.wait)
            stack.callback(sender.kill)
        assert rate(vm, "eth0") > CIRCLING / 2
        of_use(vm)
        stack.close()
        assert vm.run("ping -c 1 -w 20 10.77.0.1")[0] == 0
        assert not complaints(vm.log()), complaints(vm.log())
