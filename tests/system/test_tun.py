"""TUN and TAP: interfaces whose other end is a program."""

import pathlib
import re
import time

import pytest
from conftest import complaints, guest_program
from netguest import start_tun

HERE = pathlib.Path(__file__).resolve().parent


@pytest.fixture(name="vm")
def machine(boot):
    """The checking kernel with the program at /tmp/tun."""
    vm = boot(files={"tun": guest_program("tun")}, debug=True, smp=2, limit=300)
    vm.login()
    vm.mount_files("/mnt")
    vm.check("cp /mnt/tun /tmp/tun; ip link set lo up")
    yield vm
    assert not complaints(vm.log()), complaints(vm.log())


def counted(vm, name, column):
    """A number of an interface in /proc/net/dev."""
    line = vm.check(f"grep {name}: /proc/net/dev").split(":")[1]
    return int(line.split()[column])


@pytest.mark.ambit
def test_requests_are_answered_as_linux_does(vm):
    assert vm.check("/tmp/tun requests") == (HERE / "tun_requests.txt").read_text().strip()


@pytest.mark.ambit
@pytest.mark.parametrize("arguments", ["tun", "tun vnet", "tap", "tap vnet"])
def test_mirror(vm, arguments):
    """Pings and a transfer by way of a program that sends back what it gets."""
    start_tun(vm, f"mirror mirror0 {arguments}")
    vm.check("ip addr add 10.9.0.1/24 dev mirror0; ip link set mirror0 up")
    assert re.search(r"\b3 packets received", vm.check("ping -c 3 -i 0.2 10.9.0.2"))
    vm.check("dd if=/dev/urandom of=/tmp/sent bs=64k count=32 2>/dev/null")
    vm.check("nc -l -p 7000 >/tmp/got & sleep 1; nc 10.9.0.2 7000 </tmp/sent; wait $!", 100)
    vm.check("cmp /tmp/sent /tmp/got")
    packets = counted(vm, "mirror0", 1)
    assert counted(vm, "mirror0", 0) > 2 << 20
    assert packets < 1000 if "vnet" in arguments else packets > 1400  # whole or in segments
    vm.check("killall tun; sleep 1; ! grep mirror0 /proc/net/dev")


@pytest.mark.ambit
def test_interface_goes_before_its_program(vm):
    start_tun(vm, "mirror gone0 tun")
    vm.check("ip link set gone0 up; ip link del gone0; sleep 1; ! grep gone0 /proc/net/dev")
    assert "bad state" in vm.check("cat /tmp/tun.out")


@pytest.mark.ambit
def test_a_program_that_does_not_read(vm):
    """What it does not take is bounded, counted, and given back at its end."""
    start_tun(vm, "hold hold0")
    vm.check("ip addr add 10.9.0.1/24 dev hold0; ip link set hold0 up")
    before = int(vm.check("awk '/MemFree/ {print $2}' /proc/meminfo"))
    vm.check("nc -u 10.9.0.2 9 </dev/zero & sleep 8; kill $!", 60)
    assert counted(vm, "hold0", 11) > 0
    assert counted(vm, "hold0", 9) <= 500
    vm.check("killall tun")
    for _ in range(20):
        time.sleep(0.5)
        if before - int(vm.check("awk '/MemFree/ {print $2}' /proc/meminfo")) < 1024:
            return
    pytest.fail("memory did not come back")
