"""Files that are watched (inotify(7)): the limits, and many watches while everything changes."""


import pytest
from conftest import complaints, guest_program



@pytest.fixture(scope="module")
def watches():
    """The program that watches and changes, static, so that it needs nothing inside."""
    return guest_program("watches", "-Wno-unused-result")


def test_limits_can_be_set(boot, watches):
    vm = boot(files={"watches": watches}, limit=300)
    vm.mount_files("/mnt")
    vm.check("mkdir /tmp/w; cd /proc/sys/fs/inotify; echo 5 >max_user_watches; echo 5 >max_user_instances")
    assert vm.check("cat /proc/sys/fs/inotify/max_user_watches") == "5"
    code, text = vm.run("/mnt/watches limits 5 /tmp/w", 60)
    assert code == 0, text
    assert vm.run("echo -1 >/proc/sys/fs/inotify/max_user_watches")[0] == 1
    assert not complaints(vm.log()), complaints(vm.log())


@pytest.mark.ambit
@pytest.mark.parametrize("where", ["/run", "/var"])
def test_everything_at_once_on_the_checking_kernel(boot, watches, where):
    vm = boot(smp=4, debug=True, files={"watches": watches}, limit=500)
    vm.mount_files("/mnt")
    vm.check(f"mkdir {where}/w; cp /mnt/watches /run/watches")
    code, text = vm.run(f"/run/watches 15 {where}/w", 300)
    assert code == 0, text
    assert int(text.split()[1]) > 1000, text
    vm.check("mkdir -p /run/at")
    code, text = vm.run("/run/watches mounts 40 /run/at", 300)
    assert code == 0, text
    vm.check(f"rm -r {where}/w; sync")
    assert not complaints(vm.log()), complaints(vm.log())


def test_inotifyd_runs_a_program_at_each_event(boot):
    vm = boot(limit=200)
    vm.check("mkdir /tmp/w; printf '#!/bin/sh\\necho \"$@\" >>/tmp/heard\\n' >/tmp/agent; chmod 755 /tmp/agent")
    vm.check("inotifyd /tmp/agent /tmp/w:nd >/dev/null 2>&1 & "
             "until ls -l /proc/$!/fd | grep -q inotify; do sleep 0.1; done; sleep 0.5")
    vm.check("touch /tmp/w/here; mkdir /tmp/w/sub; rm /tmp/w/here; "
             "until [ \"$(wc -l </tmp/heard)\" = 3 ]; do sleep 0.1; done")
    assert vm.check("cat /tmp/heard").splitlines() == ["n /tmp/w here", "n /tmp/w sub", "d /tmp/w here"]
    # What is watched is removed: nothing is left to wait for.
    vm.check("rm -r /tmp/w; while pidof inotifyd; do sleep 0.1; done", 30)
    assert "d /tmp/w sub" in vm.check("cat /tmp/heard")


def test_inotifyd_prints_what_happens_to_a_file(boot):
    vm = boot(limit=200)
    vm.check("echo one >/tmp/file; inotifyd - /tmp/file:cewDx >/tmp/heard & sleep 2; "
             "echo two >>/tmp/file; chmod 600 /tmp/file; rm /tmp/file; "
             "while pidof inotifyd; do sleep 0.1; done", 60)
    heard = vm.check("cat /tmp/heard").splitlines()
    assert [line.split() for line in heard] == [[letter, "/tmp/file"] for letter in "cweeDx"]
