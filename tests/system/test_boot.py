"""Ambit starts on every machine it should: firmware, processors, memory, kernels."""

import time

import pytest


def settled_screen(vm, path):
    """What the screen shows once that has stayed the same for two seconds."""
    shown = None
    while True:
        vm.screenshot(path)
        before, shown = shown, path.read_bytes()
        if shown == before:
            return shown
        time.sleep(2)


@pytest.mark.ambit
@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_image_boots_from_nvme_to_login(boot, firmware):
    vm = boot(boot=firmware, mem=512, limit=300)
    vm.login(240)
    assert vm.check("uname -s") != ""
    assert "/dev/nvme0n1p3" in vm.check("cat /proc/cmdline /proc/mounts")


@pytest.mark.ambit
def test_screen_shows_the_login_prompt(boot, tmp_path):
    vm = boot(boot="bios", mem=256, limit=240)
    vm.wait_for("login: ?$", 200)
    prompt = settled_screen(vm, tmp_path / "screen.png")  # getty forgets what was typed before it
    vm.keys("root\n")
    settled_screen(vm, tmp_path / "screen.png")  # and so does login
    vm.keys("echo typed-$((40+2)) > /dev/ttyS0\n")
    vm.wait_for("typed-42", 60)
    assert settled_screen(vm, tmp_path / "screen.png") != prompt


@pytest.mark.parametrize("smp", [1, 2, 4, 8])
def test_all_processors_run(boot, smp):
    vm = boot(smp=smp)
    assert vm.check("grep -c ^processor /proc/cpuinfo") == str(smp)
    assert vm.check("nproc") == str(smp)
    for cpu in range(smp):
        mask = vm.check(f"taskset {1 << cpu:x} sh -c 'echo ran; taskset -p $$'")
        assert "ran" in mask and f"mask: {1 << cpu:x}" in mask


@pytest.mark.parametrize("mem", [pytest.param(64, marks=pytest.mark.ambit), 16384])
def test_small_and_big_memory(boot, mem):
    vm = boot(mem=mem, smp=1)
    total = int(vm.check("awk '/MemTotal/ {print $2}' /proc/meminfo")) // 1024
    assert mem * 0.6 < total <= mem
    assert vm.check("seq 1 1000 | sort -r | tail -n 1") == "1"


@pytest.mark.ambit
def test_checking_kernel_boots(boot):
    vm = boot(debug=True, smp=4)
    assert vm.check("echo $((6*7))") == "42"
