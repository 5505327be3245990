"""The network as programs see it: transfers, IPv6, TLS, many connections, throughput, capture."""

import hashlib
import http.server
import os
import re
import ssl
import subprocess
import threading
import time

import pytest
from ambitvm import VM, default_os
from conftest import complaints
from netguest import BUSYBOX, GUEST, GUEST6, HOST, HOST6, KERNELS, on_tap, until
from nic import MODELS, User

MIB = 1 << 20
CONNECTIONS = 10000


@pytest.fixture(scope="module", name="pair", params=KERNELS)
def start_pair(request):
    """(guest, host's name space) on a tap."""
    with on_tap(mem=512, limit=2400, name="test_network", **request.param) as (vm, host):
        yield vm, host
        vm.keep_log()
        assert not complaints(vm.log())


@pytest.fixture(scope="module", name="nat")
def start_nat():
    """A guest behind QEMU's router, which is this host's loopback."""
    with VM(nics=[User()], limit=900, name="test_network.nat") as vm:
        vm.login()
        assert until(lambda: "10.0.2.15/24" in vm.run("ip addr show dev eth0")[1], 60)
        yield vm
        vm.keep_log()


class Web:
    """A web server of the host for a folder, plain or with a certificate."""

    def __init__(self, folder, certificate=None, address="127.0.0.1", family=None):
        handler = lambda *args: Quiet(*args, directory=str(folder))  # noqa: E731
        kind = http.server.ThreadingHTTPServer
        if family:
            kind = type("Server", (kind,), {"address_family": family})
        self.server = kind((address, 0), handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        """No more answers."""
        self.server.shutdown()
        self.server.server_close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Without a log."""

    def log_message(self, *_):
        """Nothing."""


@pytest.mark.parametrize("program", ["wget -qO-", "curl -sf"])
def test_download_arrives_whole(nat, tmp_path, program):
    data = os.urandom(8 * MIB)
    (tmp_path / "data").write_bytes(data)
    web = Web(tmp_path)
    try:
        text = nat.check(f"{program} http://10.0.2.2:{web.port}/data | sha256sum", 120)
        assert text.split()[0] == hashlib.sha256(data).hexdigest()
        assert nat.run(f"{program} http://10.0.2.2:{web.port}/none >/dev/null")[0] != 0
    finally:
        web.stop()


def test_refused_and_unreachable(nat):
    assert "refused" in nat.run("wget -O- http://10.0.2.2:1/")[1]
    assert "refused" in nat.run("wget -O- http://127.0.0.1:1/")[1]
    assert nat.run("ping -c 1 -w 5 10.0.2.77")[0] != 0


def test_address_of_ipv6_follows_the_router(nat):
    assert until(lambda: "inet6 fec0::" in nat.check("ip -6 addr show dev eth0"), 60)
    assert "default via fe80::2 dev eth0" in nat.check("ip -6 route")
    assert nat.run("ping6 -c 2 -w 20 fec0::2")[0] == 0


def openssl(*words):
    """The host's openssl."""
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def make_authority(folder):
    """A certificate authority of the test's own."""
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=Test CA",
            "-keyout", folder / "ca.key", "-out", folder / "ca.crt")
    (folder / "index.txt").touch()
    (folder / "ca.conf").write_text(f"""
[ca]
default_ca = it
[it]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
""")


def make_certificate(folder, name, start, end):
    """(certificate, key) for a name, signed by the authority, valid between two dates."""
    key, request, out = (folder / f"{name}.{end}.{kind}" for kind in ("key", "csr", "crt"))
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
            f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", request)
    openssl("ca", "-batch", "-notext", "-config", folder / "ca.conf", "-cert", folder / "ca.crt",
            "-keyfile", folder / "ca.key", "-startdate", start, "-enddate", end, "-in", request,
            "-out", out)
    return out, key


def make_self_signed(folder):
    """(certificate, key) that nobody vouches for."""
    out, key = folder / "self.crt", folder / "self.key"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=good.test",
            "-addext", "subjectAltName=DNS:good.test", "-keyout", key, "-out", out)
    return out, key


def test_only_good_certificates_are_taken(nat, tmp_path):
    make_authority(tmp_path)
    (tmp_path / "page").write_text("over TLS\n")
    now = time.time()
    day = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(now + days * 86400)) for days in (-9, -2, 9)]
    certificates = {
        "good": make_certificate(tmp_path, "good.test", day[0], day[2]),
        "expired": make_certificate(tmp_path, "good.test", day[0], day[1]),
        "wrong name": make_certificate(tmp_path, "other.test", day[0], day[2]),
        "self-signed": make_self_signed(tmp_path)}
    authority = (tmp_path / "ca.crt").read_text()
    nat.check(f"cat >> /etc/ssl/certs/ca-certificates.crt <<'END'\n{authority}END")
    nat.check(f"date -s @{int(now)}")
    for name, certificate in certificates.items():
        web = Web(tmp_path, certificate)
        fetch = (f"curl -sS --resolve good.test:{web.port}:10.0.2.2 "
                 f"https://good.test:{web.port}/page")
        code, text = nat.run(fetch, 120)
        assert nat.run(f"{fetch} -k", 120) == (0, "over TLS\n"), name
        web.stop()
        assert (code, text) == (0, "over TLS\n") if name == "good" else code == 60, (name, text)


@pytest.mark.parametrize("address", [GUEST, f"[{GUEST6}]"])
def test_host_reads_from_httpd(pair, address):
    vm, host = pair
    vm.check("sv up httpd")
    assert until(lambda: vm.run("wget -qO- http://127.0.0.1/ >/dev/null")[0] == 0, 60)
    page = host.run([BUSYBOX, "wget", "-qO-", f"http://{address}/"]).stdout
    assert "<h1>Ambit</h1>" in page
    vm.check("sv down httpd")


def test_echo_of_every_size(pair):
    vm, host = pair
    for size in (0, 1, 56, 1472, 1473, 8000, 65000):
        host.run([BUSYBOX, "ping", "-c", "1", "-w", "20", "-s", size, GUEST])
        host.run([BUSYBOX, "ping6", "-c", "1", "-w", "20", "-s", size, GUEST6])
        vm.check(f"ping -c 1 -w 20 -s {size} {HOST} && ping6 -c 1 -w 20 -s {size} {HOST6}")


def load(host, seconds, connections):
    """wrk with a new connection for each request: (answers, what went wrong)."""
    text = host.run(["wrk", "-t", "2", "-c", connections, "-d", f"{seconds}s", "--timeout", "60s",
                     "-H", "Connection: close", f"http://{GUEST}/"], timeout=seconds + 120).stdout
    wrong = re.findall(r"Socket errors.*|Non-2xx.*", text)
    return int(re.search(r"(\d+) requests in", text).group(1)), wrong


@pytest.mark.parametrize("server", [
    "nginx", pytest.param("httpd", marks=pytest.mark.slow)])
def test_ten_thousand_connections(pair, server):
    """No connection fails, not even those that meet the remains of the first ten thousand."""
    vm, host = pair
    vm.check({"nginx": "nginx", "httpd": "sv up httpd"}[server])
    assert until(lambda: vm.run("wget -qO- http://127.0.0.1/ >/dev/null")[0] == 0, 60)
    total = 0
    while total < 2 * CONNECTIONS:
        answers, wrong = load(host, 15, 50)
        assert answers and not wrong, (answers, wrong)
        total += answers
        print(f"{total} connections, {vm.check('netstat -tan | grep -c TIME_WAIT || true')} waiting")
    vm.check({"nginx": "nginx -s quit", "httpd": "sv down httpd"}[server])
    assert vm.run(f"wget -qO- http://{HOST}:1/")[0] != 0


def measure(vm, host, *options, seconds=3):
    """iperf3 against the guest: bits per second that arrived. Its server serves once."""
    vm.check("iperf3 -s -1 -D")
    assert until(lambda: vm.run("netstat -ltn | grep -q ':5201 '")[0] == 0, 30)
    text = host.run(["iperf3", "-c", GUEST, "-t", seconds, *options], timeout=seconds + 60).stdout
    assert until(lambda: vm.run("pidof iperf3")[0] != 0, 30)
    rate, unit = re.findall(r"([\d.]+) ([KMG])bits/sec", text)[-1]
    return float(rate) * {"K": 1e3, "M": 1e6, "G": 1e9}[unit]


def test_throughput_both_ways(pair):
    vm, host = pair
    for options in (("-P", "1"), ("-R",), ("-P", "4"), ("-u", "-b", "20M"), ("-u", "-b", "20M", "-R")):
        rate = measure(vm, host, *options)
        print(options, f"{rate / 1e6:.0f} Mbit/s")
        assert rate > 5e6, options


def test_tcpdump_sees_the_packets(pair):
    vm, host = pair
    vm.check("tcpdump -n -c 4 -i eth0 icmp > /tmp/seen 2>/tmp/said & sleep 0")
    assert until(lambda: "listening on eth0" in vm.check("cat /tmp/said"), 30)
    host.run([BUSYBOX, "ping", "-c", "2", "-w", "20", GUEST])
    assert until(lambda: vm.run("pidof tcpdump")[0] != 0, 30)
    seen = vm.check("cat /tmp/seen")
    assert len(re.findall(rf"IP {HOST} > {GUEST}: ICMP echo request", seen)) == 2, seen
    assert len(re.findall(rf"IP {GUEST} > {HOST}: ICMP echo reply", seen)) == 2, seen


def models():
    """The cards that the system under test has drivers for."""
    return MODELS if default_os() == "ambit" else MODELS[:1]


@pytest.mark.parametrize("model", models())
def test_every_card_carries_data(tmp_path, model):
    with on_tap(model, limit=400, name=f"test_network.{model}") as (vm, host):
        data = os.urandom(4 * MIB)
        (tmp_path / "data").write_bytes(data)
        server = host.popen([BUSYBOX, "httpd", "-f", "-p", f"{HOST}:80", "-h", tmp_path])
        try:
            text = vm.check(f"wget -qO- http://{HOST}/data | tee /srv/www/data | sha256sum", 180)
            assert text.split()[0] == hashlib.sha256(data).hexdigest()
            vm.check("sv up httpd")
            assert until(lambda: vm.run("wget -qO- http://127.0.0.1/ >/dev/null")[0] == 0, 60)
            host.run([BUSYBOX, "wget", "-qO", tmp_path / "back", f"http://{GUEST}/data"],
                     timeout=180)
            assert (tmp_path / "back").read_bytes() == data
            vm.check(f"ping -c 3 -w 20 -s 1472 {HOST}")
        finally:
            server.terminate()
            server.wait(10)
