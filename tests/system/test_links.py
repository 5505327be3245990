"""Bridges and VLANs: the checking kernel between others, and under changes while packets flow."""

import contextlib
import hashlib
import os
import random
import re
import subprocess
import time

import pytest
from ambitvm import VM
from conftest import complaints, guest_program
from frames import BROADCAST, IPV4, UDP, ether, ipv4, udp
from hostnet import HostNet
from netguest import (BUSYBOX, GUEST, HOST, leave_alone, start_tun, two_guests, until)
from wire import Wire

OTHER, TAPPED = "10.77.0.3", "10.77.0.50"
MIB = 1 << 20
STATIONS_MAX = 4096  # bridge.h: FDB_MAX
TIMES = 200


@pytest.fixture(scope="module", name="net")
def start_net():
    """(guest, left, right, wires): the guest's br0 joins two networks of the host."""
    with contextlib.ExitStack() as stack:
        left, right = (stack.enter_context(HostNet([f"{a}/24"])) for a in (HOST, OTHER))
        wires = [stack.enter_context(Wire(seed=n)) for n in (1, 2)]
        for wire, host in zip(wires, (left, right)):
            wire.attach(1, host)
        vm = stack.enter_context(VM(nics=[w.plug(0) for w in wires], debug=True, smp=2, limit=1500,
                                    files={"tun": guest_program("tun")}, name="test_links"))
        vm.login()
        leave_alone(vm)
        vm.mount_files("/mnt")
        vm.check("cp /mnt/tun /tmp/tun; ip link set lo up; ip link set eth0 up; ip link set eth1 up")
        make_bridge(vm)
        yield vm, left, right, wires
        vm.keep_log()
        assert not complaints(vm.log()), complaints(vm.log())


def make_bridge(vm):
    """br0 of both cards, with the guest's address."""
    vm.check("brctl addbr br0 && brctl addif br0 eth0 && brctl addif br0 eth1 && "
             f"ip link set br0 up && ip addr add {GUEST}/24 dev br0")


def ping(host, address, count=3):
    """Whether all answers come."""
    done = host.run([BUSYBOX, "ping", "-c", count, "-i", "0.2", "-w", "60", address], 90, check=False)
    return f"{count} packets received" in done.stdout


def transfer(source, sink, address, folder, size=2 * MIB):
    """Bytes by TCP from one name space to another: equal ones arrive."""
    mine, there = folder / "mine", folder / "there"
    mine.write_bytes(os.urandom(size))
    with open(mine, "rb") as data, open(there, "wb") as got:
        server = sink.popen([BUSYBOX, "nc", "-l", "-p", "7000"], stdin=subprocess.DEVNULL, stdout=got)
        try:
            assert until(lambda: ":7000" in sink.run([BUSYBOX, "netstat", "-ltn"]).stdout, 20)
            source.run([BUSYBOX, "nc", address, "7000"], 200, stdin=data)
            server.wait(60)
        finally:
            server.kill()
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (mine, there)]
    assert digests[0] == digests[1]


@pytest.mark.ambit
def test_bridge_joins_two_networks(net, tmp_path):
    vm, left, right, _ = net
    assert ping(left, OTHER) and ping(right, GUEST)
    transfer(left, right, OTHER, tmp_path)
    transfer(right, left, HOST, tmp_path)
    assert re.search(r"\bbr0\s+8000\.\S+\s+no\s+eth0\s+eth1$", vm.check("brctl show"))
    macs = vm.check("brctl showmacs br0")
    for host, port in ((left, 1), (right, 2)):
        text = host.run([BUSYBOX, "ip", "link", "show", "wire0"]).stdout
        address = re.search(r"ether (\S+)", text)[1]
        assert re.search(rf"^\s+{port}\s+{address}\s+no\b", macs, re.M), (address, macs)


@pytest.mark.ambit
def test_only_what_must_passes(net):
    """Known stations are spoken to at their port alone; reserved groups stay."""
    _, left, right, wires = net
    seen = []
    assert ping(left, OTHER) and ping(left, GUEST)
    wires[1].listen(1, seen.append)
    assert ping(left, GUEST, 5)
    mine = ether("01:80:c2:00:00:0e", "02:00:00:00:00:99", 0x88CC, b"stays here")
    goes = ether("01:80:c2:00:00:10", "02:00:00:00:00:99", 0x88CC, b"passes")
    assert wires[0].inject(0, mine) and wires[0].inject(0, goes)
    assert until(lambda: goes in seen, 20)
    assert mine not in seen
    assert not [f for f in seen if f[12:14] == b"\x08\x00" and f[23] == 1], "ICMP of others"
    assert ping(right, HOST)


@pytest.mark.ambit
def test_senders_that_do_not_exist(net):
    """More addresses than the table has places for: it stays within them, and what works goes on."""
    vm, left, _, wires = net
    rand = random.Random(3)
    packet = ipv4("10.77.0.99", "10.77.0.255", UDP, udp("10.77.0.99", 9, "10.77.0.255", 9, b"x"))
    for _ in range(2 * STATIONS_MAX):
        src = "02:" + ":".join(f"{rand.randrange(256):02x}" for _ in range(5))
        frame = ether(BROADCAST, src, IPV4, packet)
        while not wires[0].inject(0, frame):
            time.sleep(0.001)
    known = int(vm.check("cat /sys/class/net/br0/brforward | wc -c")) // 16
    assert STATIONS_MAX // 2 < known <= STATIONS_MAX
    assert ping(left, OTHER)
    vm.check("brctl setageing br0 1; sleep 15")
    assert int(vm.check("cat /sys/class/net/br0/brforward | wc -c")) // 16 < 10
    vm.check("brctl setageing br0 300")
    assert ping(left, OTHER)


@pytest.mark.ambit
def test_program_behind_a_bridged_tap(net):
    vm, left, right, _ = net
    start_tun(vm, "mirror tapped tap vnet")
    vm.check("ip link set tapped up; ip link set tapped master br0")
    assert ping(left, TAPPED) and ping(right, TAPPED)
    vm.check("killall tun; sleep 1; ! grep tapped /proc/net/dev; ls /sys/class/net/br0/brif")
    assert ping(left, OTHER)


@pytest.mark.ambit
def test_ports_leave_and_bridge_goes_while_frames_flow(net):
    vm, left, right, _ = net
    floods = [h.popen([BUSYBOX, "ping", "-f", a], stdout=subprocess.DEVNULL)
              for h, a in ((left, OTHER), (right, GUEST))]
    try:
        vm.check("for i in 1 2 3 4 5 6 7 8 9 10; do brctl delif br0 eth1; brctl addif br0 eth1; "
                 "ip link set eth0 nomaster; ip link set eth0 master br0; "
                 "ip link del br0; brctl addbr br0; brctl addif br0 eth0; ip link set br0 up; "
                 f"ip addr add {GUEST}/24 dev br0; ip link set eth1 master br0; sleep 0.3; done", 120)
    finally:
        for flood in floods:
            flood.kill()
            flood.wait()
    assert ping(left, OTHER) and ping(right, GUEST)


def objects(vm):
    """How many there are of each size in the kernel."""
    rows = re.findall(r"^(kmalloc-\S+|pkt)\s+(\d+)", vm.check("cat /proc/slabinfo"), re.M)
    return {name: int(count) for name, count in rows}


@pytest.mark.slow
@pytest.mark.ambit
def test_what_was_made_is_gone(net):
    """Less than one object in four rounds stays behind, whatever its size."""
    vm = net[0]
    cycle = ("i=0; while [ $i -lt {} ]; do ip link add v0 type veth; ip link set v0 up; "
             "brctl addbr br1; brctl addif br1 v0; ip link set br1 up; vconfig add v0 7; "
             "ip link del br1; ip link del v0; i=$((i+1)); done; sleep 5")
    vm.check(cycle.format(5), 120)
    before = objects(vm)
    vm.check(cycle.format(TIMES), 900)
    more = lambda: {n: (before[n], c) for n, c in objects(vm).items()  # noqa: E731
                    if c - before[n] > TIMES // 4}
    assert until(lambda: not more(), 30), more()
    assert vm.check("ls --color=never /sys/class/net").split() == ["br0", "eth0", "eth1", "lo"]


@pytest.mark.ambit
def test_vlan_between_two_guests():
    """One end made by vconfig, the other by ip; tags are on the wire and in no program's way."""
    tags = set()
    with two_guests((None, None), 4, debug=True, smp=2, mem=256) as (one, two, wire):
        wire.listen(0, lambda f: tags.add(bytes(f[12:16])))
        wire.listen(1, lambda f: tags.add(bytes(f[12:16])))
        one.check("vconfig add eth0 5; ip link set eth0.5 up; ip addr add 10.78.0.1/24 dev eth0.5")
        two.check("ip link add link eth0 name eth0.5 type vlan id 5; ip link set eth0.5 up; "
                  "ip addr add 10.78.0.2/24 dev eth0.5")
        two.check("tcpdump -eni eth0 -c 4 vlan 5 and icmp >/tmp/tags 2>/tmp/tags.err & "
                  "until grep -q listening /tmp/tags.err; do sleep 0.2; done")
        assert "3 packets received" in one.check("ping -c 3 -w 60 10.78.0.2", 90)
        assert until(lambda: two.run("pidof tcpdump")[0] != 0, 30)
        lines = two.check("cat /tmp/tags").splitlines()
        assert len(lines) == 4 and all("vlan 5, " in line for line in lines), lines
        assert b"\x81\x00\x00\x05" in tags
        two.check("nc -l -p 7000 >/tmp/there </dev/null & sleep 1")
        one.check("dd if=/dev/urandom of=/tmp/mine bs=64k count=32 2>/dev/null; "
                  "nc 10.78.0.2 7000 </tmp/mine", 200)
        assert one.check("sha256sum </tmp/mine") == two.check("sha256sum </tmp/there")
        one.check("vconfig rem eth0.5")
        assert one.run("ping -c 1 -w 2 10.78.0.2")[0] != 0
        for vm in (one, two):
            assert not complaints(vm.log()), complaints(vm.log())
