"""The shell and the terminal as a person at the console meets them."""

import time

import pytest

CASES = [
    ("pipe", "echo one two | wc -w", "2"),
    ("long pipe", "seq 1 20000 | sort -n | tail -n 1 | cat | cat", "20000"),
    ("big pipe", "head -c 3000000 /dev/zero | cat | wc -c", "3000000"),
    ("and or", "true && echo a || echo b; false && echo c || echo d", "a\nd"),
    ("exit code", "(exit 7); echo $?", "7"),
    ("signal code", "sh -c 'kill -9 $$'; echo $?", "Killed\n137"),
    ("variables", "x=$(printf 'a b'); echo \"${x#a }\"", "b"),
    ("arithmetic", "echo $((12345 * 6789 % 1000))", "205"),
    ("redirection", "cd /tmp; echo x >f; echo y >>f; cat <f; rm f", "x\ny"),
    ("here document", "cat <<X\nline $((1+1))\nX", "line 2"),
    ("background", "sleep 1 & p=$!; wait $p; echo $?", "0"),
    ("trap", "trap 'echo caught' USR1; kill -USR1 $$; sleep 0.1", "caught"),
    ("closed pipe", "yes | head -n 2", "y\ny"),
    ("devices", "head -c 4 /dev/zero | od -An -tx1; echo gone >/dev/null; cat /dev/null",
     " 00 00 00 00"),
    ("full device", "{ echo x >/dev/full; } 2>/dev/null || echo failed", "failed"),
    ("symbolic link", "cd /tmp; ln -s /etc/passwd l; readlink l; rm l", "/etc/passwd"),
    ("directories", "cd /tmp; mkdir -p a/b/c; find a | sort; rm -r a; test -e a; echo $?",
     "a\na/b\na/b/c\n1"),
    ("environment", "A=1 env | grep ^A=", "A=1"),
    ("script", "printf '#!/bin/sh\\necho $1-$#\\n' >/tmp/s; chmod +x /tmp/s; /tmp/s q r; rm /tmp/s",
     "q-2"),
    ("bad program", "printf '\\177ELFjunk' >/tmp/e; chmod +x /tmp/e; /tmp/e 2>/dev/null; "
     "test $? -ne 0 && echo refused; rm /tmp/e", "refused"),
    ("not found", "no-such-program 2>/dev/null; echo $?", "127"),
    ("mounts", "df / | tail -n 1 | awk '{print $NF}'", "/"),
    ("time passes", "a=$(date +%s); sleep 2; b=$(date +%s); test $((b-a)) -ge 2 -a "
     "$((b-a)) -le 5 && echo ok", "ok"),
]


@pytest.mark.parametrize("command,expected", [case[1:] for case in CASES],
                         ids=[case[0] for case in CASES])
def test_shell(vm, command, expected):
    assert vm.run(command)[1].rstrip("\n") == expected


@pytest.mark.parametrize("command", ["ps", "top -b -n 1", "free", "df", "mount", "uptime"])
def test_tools_that_read_proc(vm, command):
    code, text = vm.run(command)
    assert code == 0 and len(text) > 20


def prompt(vm):
    """Brings the machine's console back to an ordinary interactive shell."""
    vm.login()
    vm.type("stty echo; PS1='ready# '\n")
    vm.wait_for("ready# ")
    return vm


def test_interrupt_stop_and_foreground(boot):
    vm = prompt(boot())
    vm.type("sh -c 'echo started; sleep 1000'\n")
    vm.wait_for("started\r?\n")
    vm.type("\x03")
    vm.wait_for("ready# ")
    vm.type("sh -c 'echo started; exec cat'\n")
    vm.wait_for("started\r?\n")
    vm.type("some text\n")
    vm.wait_for("some text\r?\nsome text\r?\n")
    vm.type("\x1a")
    vm.wait_for("Stopped")
    vm.wait_for("ready# ")
    vm.type("jobs\n")
    vm.wait_for("Stopped.*exec cat")
    vm.wait_for("ready# ")
    vm.type("fg\n")
    vm.wait_for("exec cat.*\n")
    vm.type("more\n")
    vm.wait_for("more\r?\nmore\r?\n")
    vm.type("\x04")
    vm.wait_for("ready# ")
    vm.type("sleep 1000 & sleep 1; kill %1; wait %1; echo done-$?\n")
    vm.wait_for("done-143")


def test_vi_edits_a_file(boot):
    vm = prompt(boot())
    vm.type("vi /tmp/note\n")
    vm.wait_for("/tmp/note 1/1")
    vm.type("ifirst line\nsecond\x1b")
    vm.wait_for(r"\[Modified\] 2/2")
    time.sleep(1)  # vi takes an escape with keys close behind it for a function key
    vm.type("1G0xjA-end\x1b")
    vm.wait_for(r"\[Modified\] [12]/2")
    time.sleep(1)
    vm.type(":wq\n")
    vm.wait_for("ready# ")
    vm.prepare()
    assert vm.check("cat /tmp/note") == "irst line\nsecond-end"


def test_window_size(boot):
    vm = prompt(boot())
    vm.prepare()
    assert vm.run("stty rows 33 cols 101; stty size", tty=True)[1].strip() == "33 101"


def test_poweroff_ends_the_machine(boot):
    vm = boot(limit=200)
    vm.login()
    vm.type("poweroff\n")
    assert vm.wait_exit(60) == 0
    assert not vm.timed_out


def test_reboot_starts_again(boot):
    vm = boot(reboot=True, limit=300)
    vm.login()
    vm.check("echo here >/tmp/marker")
    vm.type("reboot\n")
    vm.login()
    assert vm.run("test -e /tmp/marker")[0] == 1
