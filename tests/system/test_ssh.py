"""Login from another machine: what the host's OpenSSH client does with Ambit's SSH server."""

import hashlib
import os
import re
import subprocess
import threading
import time

import pexpect
import pytest
from ambitvm import VM
from nic import User
from sshclient import Ssh

MIB = 1 << 20
SESSIONS = 50


@pytest.fixture(scope="module", name="guest")
def start_guest():
    """A machine whose ssh port can be reached, with a user who has a password."""
    with VM(mem=256, smp=2, nics=[User(forwards=(22,))], limit=1800, name="test_ssh") as vm:
        vm.login()
        vm.check("adduser -D -s /bin/sh guest && echo guest:correct-horse | chpasswd")
        wait_for_ssh(vm)
        yield vm
        vm.keep_log()


@pytest.fixture(name="ssh")
def connect(guest):
    """The client, by key."""
    return Ssh(guest.port(22))


def wait_for_ssh(vm, limit=120):
    """Until the server answers: it starts beside the login prompt."""
    end = time.monotonic() + limit
    while Ssh(vm.port(22)).run("true").returncode:
        assert time.monotonic() < end, "no ssh server\n" + vm.run("sv status dropbear")[1]
        time.sleep(1)


def digest(path):
    """sha256 of a file of the host."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digest_there(ssh, path):
    """sha256 of a file of the guest."""
    return ssh.check(f"sha256sum {path}", 300).split()[0]


def test_key_logs_in_and_runs_a_command(ssh):
    assert ssh.check("echo $((6*7)); id -un").split() == ["42", "root"]


@pytest.mark.parametrize("command,code", [("true", 0), ("exit 3", 3), ("nonsuch", 127),
                                          ("kill -9 $$", 255)])
def test_exit_code_comes_back(ssh, command, code):
    assert ssh.run(command).returncode == code


def test_streams_stay_apart_and_input_ends(ssh):
    done = ssh.run("cat; echo wrong >&2", input="first\nsecond\n")
    assert (done.stdout, done.stderr) == ("first\nsecond\n", "wrong\n")


def test_password_logs_in(guest):
    ssh = Ssh(guest.port(22), user="guest", password="correct-horse")
    assert ssh.check("id -un; pwd").split() == ["guest", "/home/guest"]


def test_empty_password_is_refused(guest):
    assert guest.check("awk -F: '$1 == \"root\" {print $2 \".\"}' /etc/shadow") == "."
    done = Ssh(guest.port(22), password="").run("true")
    assert done.returncode != 0


def test_wrong_passwords_are_slowed_and_logged(guest):
    begin = time.monotonic()
    words = Ssh(guest.port(22), user="guest", password="x").words("true")
    words[words.index("NumberOfPasswordPrompts=1")] = "NumberOfPasswordPrompts=4"
    ssh = pexpect.spawn(words[3], words[4:], timeout=60)
    for attempt in range(4):
        ssh.expect("password: ")
        asked = time.monotonic()
        ssh.sendline(f"wrong-{attempt}")
    ssh.expect("Permission denied|closed")
    assert time.monotonic() - asked > 0.2, "the answer to a wrong password comes at once"
    ssh.close()
    assert time.monotonic() - begin > 4 * 0.2
    log = guest.check("cat /var/log/dropbear/current")
    assert len(re.findall("Bad password attempt for 'guest' from", log)) >= 4


def transfer(ssh, tmp_path, size, timeout):
    """A file there and back, by today's scp, the old protocol and sftp."""
    mine = tmp_path / "mine"
    mine.write_bytes(os.urandom(size))
    want = digest(mine)
    ssh.scp(mine, ssh.place("/root/copy"), timeout)
    assert digest_there(ssh, "/root/copy") == want
    ssh.scp(ssh.place("/root/copy"), tmp_path / "back", timeout, ["-O"])
    assert digest(tmp_path / "back") == want
    ssh.check("rm /root/copy")  # the disk is not large
    ssh.sftp(f"put {mine} /root/copy2\nget /root/copy2 {tmp_path}/back2\n", timeout)
    assert digest_there(ssh, "/root/copy2") == want and digest(tmp_path / "back2") == want
    ssh.check("rm /root/copy2")


def test_files_arrive_as_they_were(ssh, tmp_path):
    transfer(ssh, tmp_path, 20 * MIB, 300)


@pytest.mark.slow
def test_big_files_arrive_as_they_were(boot, tmp_path):
    vm = boot(nics=[User()], limit=3600)
    vm.login()
    wait_for_ssh(vm)
    ssh = Ssh(vm.port(22))
    transfer(ssh, tmp_path, 200 * MIB, 1200)


def test_sftp_names_and_modes(ssh, tmp_path):
    (tmp_path / "a").write_text("text\n")
    listing = ssh.sftp(f"mkdir /tmp/s\nput {tmp_path}/a /tmp/s/ä\nchmod 640 /tmp/s/ä\n"
                       "rename /tmp/s/ä /tmp/s/b\nsymlink b /tmp/s/c\nls -l /tmp/s\n"
                       f"get /tmp/s/c {tmp_path}/c\nrm /tmp/s/b\nrm /tmp/s/c\nrmdir /tmp/s\n")
    assert re.search(r"^-rw-r----- .* 5 .* (/tmp/s/)?b$", listing, re.M)
    assert (tmp_path / "c").read_text() == "text\n"


def test_forwarding_to_the_guest(ssh, guest):
    guest.check("mkdir -p /tmp/w && echo forwarded > /tmp/w/f && "
                "httpd -p 127.0.0.1:8080 -h /tmp/w")
    tunnel = subprocess.Popen(ssh.words("sleep 60", options=["-L", "0.0.0.0:18080:127.0.0.1:8080"]))
    try:
        assert fetched("127.0.0.1", 18080, "/f").endswith(b"forwarded\n")
    finally:
        tunnel.terminate()
        tunnel.wait(20)
    guest.check("killall httpd")


def fetched(host, port, path, limit=60):
    """A page, as soon as somebody answers."""
    end = time.monotonic() + limit
    while True:
        done = subprocess.run(["python3", "-c", FETCH, host, str(port), path], check=False,
                              capture_output=True, timeout=limit)
        if done.returncode == 0:
            return done.stdout
        assert time.monotonic() < end, done.stderr.decode()
        time.sleep(0.5)


FETCH = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 20) as s:
    s.sendall(f"GET {sys.argv[3]} HTTP/1.0\\r\\n\\r\\n".encode())
    while data := s.recv(65536):
        sys.stdout.buffer.write(data)
"""


def test_forwarding_from_the_guest(ssh, tmp_path):
    (tmp_path / "f").write_text("from the host\n")
    server = subprocess.Popen(["python3", "-m", "http.server", "--bind", "127.0.0.1", "-d",
                               str(tmp_path), "18081"], stderr=subprocess.DEVNULL)
    try:
        assert fetched("127.0.0.1", 18081, "/f").endswith(b"from the host\n")
        done = subprocess.run(
            ssh.words("wget -qO- http://127.0.0.1:9090/f", options=["-R", "9090:127.0.0.1:18081"]),
            capture_output=True, text=True, timeout=120, check=False)
        assert (done.returncode, done.stdout) == (0, "from the host\n"), done.stderr
    finally:
        server.terminate()
        server.wait(20)


def test_fifty_sessions_at_once(ssh):
    """All are open at the same time, and each gets its own words back."""
    sessions, failures = [], []

    def begin(number):
        proc = subprocess.Popen(ssh.words("echo ready; read word; echo got $word"), text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        sessions.append((number, proc))
        if proc.stdout.readline() != "ready\n":
            failures.append(f"session {number} does not begin")

    threads = [threading.Thread(target=begin, args=(n,)) for n in range(SESSIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    alive = sum(proc.poll() is None for _, proc in sessions)
    for number, proc in sessions:
        out, _ = proc.communicate(f"word-{number}\n", timeout=120)
        if out != f"got word-{number}\n" or proc.returncode:
            failures.append(f"session {number}: {out!r}, {proc.returncode}")
    assert not failures and alive == SESSIONS


def terminal(ssh):
    """A login shell on a terminal of its own."""
    words = ssh.words(options=["-tt"])
    child = pexpect.spawn(words[0], words[1:], timeout=60, dimensions=(24, 80), encoding="utf-8")
    child.expect("[#$] $")
    return child


def test_terminal_has_the_size_of_the_clients(ssh):
    child = terminal(ssh)
    child.sendline("stty size; tty")
    child.expect("24 80\r\n/dev/pts/[0-9]+\r\n")
    child.setwinsize(50, 132)
    time.sleep(1)
    child.sendline("stty size")
    child.expect("50 132\r\n")
    child.sendline("exit")
    child.expect(pexpect.EOF)


def test_interrupt_reaches_the_program(ssh):
    child = terminal(ssh)
    child.sendline("sleep 100; echo code $?")
    time.sleep(2)
    begin = time.monotonic()
    child.send("\x03")
    child.expect("[#$] $")
    assert time.monotonic() - begin < 30
    child.sendline("false; echo code $?")
    child.expect("code 1\r\n")
    child.close(force=True)


def test_hang_up_ends_the_program(ssh):
    child = terminal(ssh)
    child.sendline("sleep 4711")
    end = time.monotonic() + 60
    while ssh.run("pgrep -f 'sleep 471[1]'").returncode and time.monotonic() < end:
        time.sleep(1)
    child.close(force=True)
    while ssh.run("pgrep -f 'sleep 471[1]'").returncode == 0 and time.monotonic() < end:
        time.sleep(1)
    assert time.monotonic() < end


def test_ambit_as_the_client(ssh):
    ssh.check("cd /root && rm -f k && dropbearkey -t ed25519 -f k 2>/dev/null | grep ^ssh- >> "
              ".ssh/authorized_keys")
    assert ssh.check("ssh -y -i /root/k root@127.0.0.1 'echo inside; exit 0' 2>/dev/null") == "inside"
    assert ssh.run("ssh -y -i /root/k root@127.0.0.1 'exit 5'").returncode == 5


@pytest.mark.slow
def test_session_of_ten_minutes(ssh):
    child = terminal(ssh)
    for minute in range(10):
        child.sendline(f"echo minute-$(({minute}+100))")
        child.expect(f"minute-{minute + 100}\r\n")
        time.sleep(60)
    child.sendline("exit 7")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 7
