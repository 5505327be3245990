"""A bad network: loss, disorder, delay and hostile packets; what is sent arrives all the same."""

import hashlib
import os
import random
import re
import statistics
import threading
import time

import pytest
from conftest import complaints
from frames import (ARP, BROADCAST, ICMP, ICMP6, IPV4, IPV6, SYN, TCP, UDP, arp, ether, icmp_echo,
                    ipv4, ipv6, tcp, udp)
from netguest import GUEST, GUEST6, HOST, KERNELS, login, on_wire, two_guests, until
from wire import Impair

MIB = 1 << 20
BAD = {
    "loss": Impair(loss=0.05),
    "reordering": Impair(reorder=0.1, hold=0.01),
    "duplicates": Impair(duplicate=0.1),
    "delay": Impair(delay=0.1),
    "corruption": Impair(corrupt=0.02),
    "everything": Impair(loss=0.05, reorder=0.05, duplicate=0.05, corrupt=0.005, delay=0.02)}
MEASURED = {  # and KiB of each transfer
    "loss": (Impair(loss=0.05, delay=0.01), 1024),
    "reordering": (Impair(reorder=0.1, hold=0.01, delay=0.01), 4096),
    "duplicates": (Impair(duplicate=0.1, delay=0.01), 4096),
    "delay": (Impair(delay=0.1), 4096)}
TRANSFERS = 5
STORM_MEMORY_KIB = 48 * 1024
FRAGMENTS_KIB = 4 * 1024 + 64  # net.ipv4.ipfrag_high_thresh, and the packet that goes over it


@pytest.fixture(scope="module", name="trio", params=KERNELS)
def start_trio(request):
    """(guest, host's name space, wire)."""
    with on_wire(mem=256, limit=2400, name="test_wire", **request.param) as (vm, host, wire):
        yield vm, host, wire
        vm.keep_log()
        assert not complaints(vm.log())


@pytest.mark.parametrize("kind", BAD)
def test_bytes_arrive_over_a_bad_wire(trio, tmp_path, kind):
    """2 MiB each way at once, by ssh: both the network's checks and its own."""
    vm, host, wire = trio
    ssh = login(host)
    data = os.urandom(2 * MIB)
    (tmp_path / "mine").write_bytes(data)
    wire.impair(BAD[kind], BAD[kind])
    try:
        want = hashlib.sha256(data).hexdigest()
        begin = time.monotonic()
        with open(tmp_path / "mine", "rb") as source:
            text = ssh.run("cat > /tmp/there; sha256sum /tmp/there", 400, stdin=source).stdout
        assert text.split()[0] == want
        ssh.scp(ssh.place("/tmp/there"), tmp_path / "back", 400)
        assert (tmp_path / "back").read_bytes() == data
        print(f"{kind}: {time.monotonic() - begin:.1f} s, {wire.counts(0)}, {wire.counts(1)}")
    finally:
        wire.impair(Impair(), Impair())
        vm.check("rm -f /tmp/there")


def arrivals(system):
    """{kind: seconds of each of several transfers} between two guests of a system, bytes compared."""
    result = {}
    with two_guests((system, system), 5, mem=256, smp=1) as (one, two, wire):
        one.run("echo 1 > /proc/sys/net/ipv4/tcp_no_metrics_save")
        two.check("nc -lk -p 7000 -e sh -c 'cat > /tmp/there; echo arrived' & sleep 0")
        assert until(lambda: two.run("netstat -ltn | grep -q ':7000 '")[0] == 0, 30)
        for kind, (how, kib) in MEASURED.items():
            one.check(f"dd if=/dev/urandom of=/tmp/mine bs=1k count={kib} 2>/dev/null")
            wire.impair(how, how)
            result[kind] = [transfer(one, two) for _ in range(TRANSFERS)]
            wire.impair(Impair(), Impair())
    return result


def transfer(one, two):
    """Sends a file and returns the seconds until the other side said that it had all of it."""
    code, text = one.run("read t x < /proc/uptime; echo $t; "
                         f"nc {HOST} 7000 < /tmp/mine; read t x < /proc/uptime; echo $t", 300)
    begin, said, end = text.split()
    assert (code, said) == (0, "arrived")
    assert one.check("sha256sum < /tmp/mine") == two.check("sha256sum < /tmp/there")
    return float(end) - float(begin)


@pytest.mark.slow
@pytest.mark.ambit
def test_throughput_is_near_linux():
    """The wire is the limit, not the processor: it has a delay and the transfers are small."""
    ours, theirs = arrivals("ambit"), arrivals("linux")
    slower = []
    for kind in MEASURED:
        mine, other = statistics.median(ours[kind]), statistics.median(theirs[kind])
        print(f"{kind}: {mine:.2f} s, Linux {other:.2f} s; {ours[kind]}, {theirs[kind]}")
        if mine * 0.8 > other:
            slower.append(kind)
    assert not slower


def guest_mac(vm):
    """The guest's Ethernet address."""
    return re.search(r"link/ether (\S+)", vm.check("ip link show dev eth0")).group(1)


def syn_flood(rand, target):
    """Connections that are never completed, from addresses that do not answer."""
    src = f"10.77.0.{rand.randrange(3, 255)}"
    segment = tcp(src, rand.randrange(1024, 65536), GUEST, 22, SYN, rand.randrange(1 << 32),
                  options=b"\x02\x04\x05\xb4")
    return ether(target, "02:00:00:00:00:99", IPV4, ipv4(src, GUEST, TCP, segment))


def fragment_storm(rand, target):
    """First, middle and last pieces of packets that never become whole."""
    src = f"10.77.0.{rand.randrange(3, 255)}"
    piece = ipv4(src, GUEST, UDP, rand.randbytes(8 * rand.randrange(1, 180)),
                 ident=rand.randrange(1 << 16), flags=rand.randrange(2),
                 offset=8 * rand.randrange(0, 8000))
    return ether(target, "02:00:00:00:00:99", IPV4, piece)


def arp_storm(rand, target):
    """Requests and answers in the name of everybody but the host's own end."""
    src = f"10.77.0.{rand.randrange(3, 255)}"
    fake = "02:" + ":".join(f"{rand.randrange(256):02x}" for _ in range(5))
    return ether(rand.choice([target, BROADCAST]), fake, ARP,
                 arp(rand.randrange(1, 3), fake, src, target, GUEST))


def malformed(rand, target):
    """A good packet of some kind with a few bytes that are not, or cut off."""
    src, src6, port = "10.77.0.77", "fd77::77", rand.randrange(1, 65536)
    packets = (
        (IPV4, ipv4(src, GUEST, TCP, tcp(src, port, GUEST, 22, rand.randrange(256),
                                         options=rand.randbytes(4 * rand.randrange(0, 11))))),
        (IPV4, ipv4(src, GUEST, UDP, udp(src, port, GUEST, rand.randrange(65536), b"x" * 50))),
        (IPV4, ipv4(src, GUEST, ICMP, icmp_echo(1, 2, rand.randbytes(40)))),
        (IPV4, ipv4(src, GUEST, rand.randrange(256), rand.randbytes(60))),
        (IPV6, ipv6(src6, GUEST6, TCP, tcp(src6, port, GUEST6, 22, rand.randrange(256)))),
        (IPV6, ipv6(src6, GUEST6, ICMP6, bytes([rand.choice([1, 2, 128, 133, 134, 135, 136])])
                    + rand.randbytes(60))),
        (IPV6, ipv6(src6, GUEST6, rand.choice([0, 43, 44, 60, 59]), rand.randbytes(80))),
        (ARP, arp(rand.randrange(4), "02:00:00:00:00:77", src, target, GUEST)))
    kind, packet = rand.choice(packets)
    packet = bytearray(packet)
    for _ in range(rand.randrange(4)):
        packet[rand.randrange(len(packet))] = rand.randrange(256)
    frame = ether(target, "02:00:00:00:00:77", kind, bytes(packet))
    return frame[:rand.randrange(14, len(frame) + 1)] if rand.random() < 0.3 else frame


STORMS = {"SYN flood": syn_flood, "ARP": arp_storm, "malformed headers": malformed,
          "fragments": fragment_storm}


class Storm:
    """Frames of one kind, as fast as the guest takes them, until stopped."""

    def __init__(self, wire, make, target, seed=11):
        self.count, self._stopped = 0, False
        self._args = wire, make, target, random.Random(seed)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        wire, make, target, rand = self._args
        while not self._stopped:
            frame = make(rand, target)
            while not wire.inject(0, frame) and not self._stopped:
                time.sleep(0.0005)
            self.count += 1

    def stop(self):
        """Ends it and says how many frames there were."""
        self._stopped = True
        self._thread.join(10)
        return self.count


def kernel_memory(ssh):
    """KiB by name: what programs could still get, slab, what fragments and TCP wait with."""
    text = ssh.check("cat /proc/meminfo /proc/net/sockstat")
    number = lambda pattern: int(re.search(pattern, text, re.M).group(1))  # noqa: E731
    return {"free": number(r"^MemAvailable:\s+(\d+)"), "slab": number(r"^Slab:\s+(\d+)"),
            "fragments": number(r"^FRAG: .* memory (\d+)") // 1024,
            "tcp": 4 * number(r"^TCP: .* mem (\d+)")}


@pytest.mark.parametrize("kind", STORMS)
def test_storm_does_no_harm(trio, kind):
    """A session goes on, others can begin, memory stays bounded, and it all comes back."""
    vm, host, wire = trio
    ssh = login(host)
    before = kernel_memory(ssh)
    storm = Storm(wire, STORMS[kind], guest_mac(vm))
    try:
        done = ssh.run("i=0; while [ $i -lt 6 ]; do echo $i; sleep 1; i=$((i+1)); done", 240)
        during = kernel_memory(ssh)
    finally:
        count = storm.stop()
    print(f"{kind}: {count} frames; before {before}, during {during}, after {kernel_memory(ssh)}")
    assert done.stdout.split() == [str(n) for n in range(6)], done
    assert count > 2000
    assert before["free"] - during["free"] < STORM_MEMORY_KIB
    assert during["slab"] - before["slab"] < STORM_MEMORY_KIB
    assert (during["fragments"] > 100) == (kind == "fragments")
    assert during["fragments"] <= FRAGMENTS_KIB and during["tcp"] < 1024
    assert until(lambda: before["free"] - kernel_memory(ssh)["free"] < STORM_MEMORY_KIB / 4, 90)
    assert vm.run(f"ping -c 1 -w 20 {HOST}")[0] == 0


def test_two_guests_on_a_wire():
    with two_guests((None, "linux"), 1) as (one, two, _):
        two.check("cd /srv/www && dd if=/dev/urandom of=data bs=64k count=64 2>/dev/null; "
                  "httpd -p 80 -h /srv/www")
        want = two.check("sha256sum /srv/www/data").split()[0]
        assert one.check(f"wget -qO- http://{HOST}/data | sha256sum", 120).split()[0] == want
