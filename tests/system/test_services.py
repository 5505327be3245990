"""Services start beside the login prompt, come back when they crash, and say how they are."""

import re
import subprocess
import time

import pytest
from ambitvm import VM
from hostnet import HostNet
from netguest import BUSYBOX, GUEST, login, on_wire, settle, until
from nic import User
from wire import Wire

UP = ("crond", "dropbear", "klogd", "network", "ntpd", "syslogd")
IDLE_MIB = 20


@pytest.fixture(scope="module", name="guest")
def start_guest():
    """A machine on QEMU's own network, services up."""
    with VM(mem=256, smp=2, nics=[User(forwards=(22, 80))], limit=1200,
            name="test_services") as vm:
        vm.login()
        until(lambda: all(re.search(rf"^run: .*/{name}:", status(vm), re.M) for name in UP), 60)
        yield vm
        vm.keep_log()


def status(vm):
    """What sv says about all services."""
    return vm.run("sv status /etc/service/*")[1]


def pid(vm, name):
    """The process of a service, 0 when it does not run."""
    found = re.search(rf"^run: .*/{name}: \(pid (\d+)\)", status(vm), re.M)
    return int(found.group(1)) if found else 0


def test_sv_shows_them(guest):
    text = status(guest)
    for name in UP:
        assert re.search(rf"^run: .*/{name}: \(pid \d+\) \d+s", text, re.M), text
    assert re.search(r"^down: .*/httpd: \d+s", text, re.M), text
    assert re.search(r"^run: .*/dropbear: .*; run: log: \(pid \d+\)", text, re.M), text


def test_killed_service_comes_back(guest):
    before = pid(guest, "dropbear")
    guest.check(f"kill -KILL {before}")
    after = until(lambda: pid(guest, "dropbear") not in (0, before) and pid(guest, "dropbear"), 60)
    assert after and after != before
    assert "dropbear was killed by signal 9; again in 1 s" in guest.check(
        "cat /var/log/dropbear/current")


def test_crashes_are_slowed(guest):
    guest.check("mkdir -p /tmp/bad && cd /tmp/bad && printf '#!/bin/sh\\n"
                "cut -d\" \" -f1 /proc/uptime >> /tmp/starts\\nexit 1\\n' > run && "
                "chmod +x run && ln -s /usr/libexec/sv/finish finish && "
                "ln -s /tmp/bad /etc/service/bad")
    assert until(lambda: guest.run("[ $(cat /tmp/starts | wc -l) -ge 4 ]")[0] == 0, 90)
    guest.check("rm /etc/service/bad")
    starts = [float(word) for word in guest.check("cat /tmp/starts").split()]
    gaps = [after - before for before, after in zip(starts, starts[1:])]
    assert gaps[0] >= 1 and gaps[1] >= 2 and gaps[2] >= 4, gaps


def test_one_waits_for_another(guest):
    guest.check("""
        for name in first second; do mkdir -p /tmp/$name; done
        printf '#!/bin/sh\\nsleep 3; touch /tmp/is-ready; exec sleep 1000\\n' > /tmp/first/run
        printf '#!/bin/sh\\n[ -e /tmp/is-ready ]\\n' > /tmp/first/check
        printf '#!/bin/sh\\nsv -w 60 start first || exit 1\\n[ -e /tmp/is-ready ] && touch /tmp/good
        exec sleep 1000\\n' > /tmp/second/run
        chmod +x /tmp/first/* /tmp/second/*
        ln -s /tmp/second /tmp/first /etc/service/""")
    assert until(lambda: guest.run("[ -e /tmp/good ]")[0] == 0, 90)
    guest.check("rm /etc/service/first /etc/service/second; sv exit /tmp/first /tmp/second")


def test_httpd_is_off_until_wanted(guest):
    address = f"http://127.0.0.1:{guest.port(80)}/"
    assert guest.run("wget -qO- http://127.0.0.1/")[0] != 0
    guest.check("sv up httpd")
    assert until(lambda: guest.run("wget -qO- http://127.0.0.1/ | grep -q Ambit")[0] == 0, 60)
    page = subprocess.run(["python3", "-c", "import sys, urllib.request as u;"
                           "print(u.urlopen(sys.argv[1], timeout=30).read().decode())", address],
                          capture_output=True, text=True, check=True, timeout=60).stdout
    assert "<h1>Ambit</h1>" in page
    guest.check("sv down httpd")
    assert guest.run("wget -qO- http://127.0.0.1/")[0] != 0


def test_logs(guest):
    guest.check("logger -t tester -p user.notice a message from a program")
    assert until(lambda: "tester: a message from a program" in
                 guest.check("cat /var/log/messages"), 30)
    assert until(lambda: re.search(r"kern\.\S+ kernel: ", guest.check("cat /var/log/messages")), 30)


def test_host_key_is_private(guest):
    assert guest.check("stat -c '%a %U' /etc/dropbear/dropbear_ed25519_host_key") == "600 root"


def test_loopback_is_up(guest):
    text = guest.check("ip addr show dev lo")
    assert "inet 127.0.0.1/8" in text and "inet6 ::1/128" in text


def test_address_comes_by_dhcp(guest):
    assert until(lambda: "inet 10.0.2.15/24" in guest.check("ip addr show dev eth0"), 60)
    assert until(lambda: "default via 10.0.2.2 dev eth0" in guest.check("ip route"), 20)
    assert until(lambda: "nameserver 10.0.2.3" in guest.check("cat /etc/resolv.conf"), 20)
    assert guest.check("sv status /run/dhcp/eth0").startswith("run:")


@pytest.mark.ambit
def test_memory_when_idle(guest):
    time.sleep(3)
    kib = int(guest.check("awk '/^MemAvailable/ {print $2}' /proc/meminfo"))
    print(f"{256 * 1024 - kib} KiB are not available, everything running")
    assert 256 * 1024 - kib < IDLE_MIB * 1024


def test_stopping_takes_them_along(guest):
    begin = time.monotonic()
    assert guest.check("sv stop crond; sv status crond").splitlines()[-1].startswith("down:")
    assert time.monotonic() - begin < 30
    guest.check("sv start crond")


@pytest.mark.slow
def test_commands_at_given_times(guest):
    guest.check("echo '* * * * * touch /tmp/cron-ran' | crontab -")
    assert until(lambda: guest.run("[ -e /tmp/cron-ran ]")[0] == 0, 150)


def test_fixed_address(boot):
    with HostNet(["10.77.1.1/24"]) as host, Wire() as wire:
        wire.attach(1, host)
        vm = boot(nics=[wire.plug(0)])
        vm.login()
        vm.check("printf 'auto eth0\\niface eth0 inet static\\n\\taddress 10.77.1.2\\n"
                 "\\tnetmask 255.255.255.0\\n\\tgateway 10.77.1.1\\n' > /etc/network/interfaces")
        vm.check("sv -w 30 restart network")
        assert until(lambda: "10.77.1.2/24" in vm.check("ip addr show dev eth0"), 60)
        assert until(lambda: "default via 10.77.1.1" in vm.check("ip route"), 20)
        assert vm.run("ping -c 3 -w 20 10.77.1.1")[0] == 0


@pytest.mark.ambit
def test_filter_rules_are_in_force_after_a_boot():
    with on_wire(reboot=True, mem=128, limit=400, name="test_services.filter") as (vm, host, _):
        ping = [BUSYBOX, "ping", "-c", "1", "-w", "5", GUEST]
        host.run(ping)
        vm.check("printf 'default in block\npass in on lo\npass in proto tcp to any port 22\n' > "
                 "/etc/filter.rules; filter check && sync")
        vm.console.drain()
        vm.type("reboot\n")
        settle(vm)
        assert "default in block" in vm.check("filter show")
        assert login(host).check("echo let in") == "let in"
        assert host.run(ping, check=False).returncode != 0
        vm.check("filter off")
        host.run(ping)


class Udhcpd:
    """A DHCP server on the host's end of a wire."""

    def __init__(self, host, folder, pool, lease):
        config = folder / "udhcpd.conf"
        config.write_text(f"start {pool}\nend {pool}\ninterface wire0\nlease_file {folder}/leases\n"
                          f"pidfile {folder}/pid\nmin_lease 1\noption lease {lease}\n"
                          "option subnet 255.255.255.0\noption router 10.77.2.1\n"
                          "option dns 10.77.2.1\noption domain test\n")
        (folder / "leases").unlink(missing_ok=True)
        (folder / "leases").touch()
        self.log = open(folder / "log", "ab")
        self.proc = host.popen([BUSYBOX, "udhcpd", "-f", str(config)], stdout=self.log,
                               stderr=self.log)

    def stop(self):
        """Ends it; it answers no more."""
        self.proc.terminate()
        self.proc.wait(10)
        self.log.close()


def has(vm, address):
    """Whether eth0 has the address."""
    return f"inet {address}/" in vm.check("ip -4 addr show dev eth0")


def test_lease_is_renewed_lost_and_found(boot, tmp_path):
    with HostNet(["10.77.2.1/24"]) as host, Wire() as wire:
        wire.attach(1, host)
        server = Udhcpd(host, tmp_path, "10.77.2.50", 8)
        vm = boot(nics=[wire.plug(0)])
        vm.login()
        assert until(lambda: has(vm, "10.77.2.50"), 60)
        assert until(lambda: "nameserver 10.77.2.1" in vm.check("cat /etc/resolv.conf"), 20)
        # Two renewals later it is still there, and a connection made before still works.
        time.sleep(12)
        assert has(vm, "10.77.2.50") and vm.run("ping -c 1 -w 20 10.77.2.1")[0] == 0
        server.stop()
        assert until(lambda: not has(vm, "10.77.2.50"), 60), "a lease that ended is still used"
        assert "default" not in vm.check("ip route")
        assert until(lambda: "nameserver" not in vm.check("cat /etc/resolv.conf"), 20)
        server = Udhcpd(host, tmp_path, "10.77.2.60", 600)
        assert until(lambda: has(vm, "10.77.2.60"), 90)
        assert until(lambda: "default via 10.77.2.1" in vm.check("ip route"), 20)
        server.stop()
