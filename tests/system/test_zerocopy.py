"""MSG_ZEROCOPY over a card: the bytes arrive, and the notices say that none was copied."""

import re
import subprocess
import sys

import pytest
from ambitvm import VM
from conftest import complaints, guest_program
from hostnet import HostNet
from netguest import GUEST, HOST, settle
from nic import Tap

MIB = 1 << 20
SIZE = 8 * MIB + 1234
MODELS = ["virtio-net-pci", "e1000"]
TOLD = re.compile(r"sends (\d+), noticed (\d+), copied (\d+)")
SINK = """
import hashlib, socket, sys
kind, size = sys.argv[1], int(sys.argv[2])
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 0))
if kind == "tcp":
    s.listen()
print(s.getsockname()[1], flush=True)
if kind == "tcp":
    s = s.accept()[0]
sum = hashlib.sha256()
while size and (data := s.recv(1 << 20)):
    sum.update(data)
    size -= len(data)
print(sum.hexdigest())
"""


@pytest.fixture(scope="module", name="pair", params=MODELS)
def machine(request):
    """(guest, host's name space): the checking kernel, /tmp/zerocopy and a file. The host's tap does
    checksums for virtio, without which nothing is lent."""
    with HostNet([f"{HOST}/24"], offload=True) as host, \
         VM(nics=[Tap(model=request.param, host=host)], debug=True, smp=2, mem=256, limit=600,
            files={"zerocopy": guest_program("zerocopy")}, name="test_zerocopy") as vm:
        settle(vm)
        vm.mount_files("/mnt")
        vm.check("cp /mnt/zerocopy /tmp/zerocopy; "
                 f"head -c {SIZE} /dev/urandom >/tmp/data; head -c 160000 /tmp/data >/tmp/short")
        yield vm, host
        vm.keep_log()
        assert not complaints(vm.log()), complaints(vm.log())


class Sink:
    """Takes a file's bytes by one connection or by datagrams; where, and their sum."""

    def __init__(self, host, kind, size):
        self.proc = host.popen([sys.executable, "-c", SINK, kind, size], stdout=subprocess.PIPE,
                               text=True)
        self.port = int(self.proc.stdout.readline())

    def result(self):
        """Hexadecimal digest of all that came."""
        return self.proc.communicate(timeout=60)[0].strip()


def digest(vm, name):
    """Of a file in the guest."""
    return vm.check(f"sha256sum {name}").split()[0]


@pytest.mark.ambit
@pytest.mark.parametrize("how", ["lend", "unmap", "fork"])
@pytest.mark.parametrize("step", [256 * 1024, 10000])
def test_pages_are_sent_as_they_are(pair, how, step):
    vm, host = pair
    sink = Sink(host, "tcp", SIZE)
    text = vm.check(f"/tmp/zerocopy {HOST} {sink.port} tcp {step} {how} /tmp/data", 120)
    print(text)
    sends, noticed, copied = map(int, TOLD.search(text).groups())
    assert sends == noticed >= SIZE // step
    assert copied == (SIZE % step < 4096)  # a last one that is not worth it
    assert sink.result() == digest(vm, "/tmp/data")


@pytest.mark.ambit
def test_a_program_that_dies_leaves_its_pages_to_the_packets(pair):
    """What was sent arrives though the sender is gone."""
    vm, host = pair
    sink = Sink(host, "tcp", 160000)
    vm.check(f"/tmp/zerocopy {HOST} {sink.port} tcp 100000 die /tmp/short", 60)
    assert sink.result() == digest(vm, "/tmp/short")


@pytest.mark.ambit
def test_datagrams(pair):
    """Each is more than the wire takes at once: fragments of pages."""
    vm, host = pair
    sink = Sink(host, "udp", 160000)
    text = vm.check(f"/tmp/zerocopy {HOST} {sink.port} udp 8000 lend /tmp/short", 60)
    assert TOLD.search(text).groups() == ("20", "20", "0")
    assert sink.result() == digest(vm, "/tmp/short")


@pytest.mark.ambit
def test_the_own_machine_gets_copies(pair):
    vm, _ = pair
    vm.check("nc -l -p 7001 >/tmp/got & until netstat -ltn | grep -q :7001; do sleep 0.1; done")
    text = vm.check(f"/tmp/zerocopy {GUEST} 7001 tcp 100000 lend /tmp/data", 60)
    sends, noticed, copied = map(int, TOLD.search(text).groups())
    assert sends == noticed == copied
    vm.check("sleep 1; cmp /tmp/data /tmp/got")
