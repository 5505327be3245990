"""What all system tests share: machines that are taken away and leave their log on a failure."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "vm"))
from ambitvm import BUILD, VM, default_os  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent


def pytest_addoption(parser):
    """--results FILE: where tests/run finds the counts."""
    parser.addoption("--results", type=pathlib.Path)


def pytest_sessionfinish(session):
    """Writes `passed N` and `failed N`; an error outside a test counts as a failure."""
    target = session.config.getoption("--results")
    if target:
        stats = session.config.pluginmanager.get_plugin("terminalreporter").stats
        failed = len(stats.get("failed", [])) + len(stats.get("error", []))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"passed {len(stats.get('passed', []))}\nfailed {failed}\n")


def pytest_configure(config):
    """Names the markers; a misspelt one is an error."""
    config.addinivalue_line("markers", "slow: too long for `make test`; in `make test-long`")
    config.addinivalue_line("markers", "ambit: about Ambit's own messages or image, not for the "
                                       "oracle run under Linux")


def pytest_collection_modifyitems(config, items):
    """Under AMBIT_OS=linux (a check of the tests themselves) leaves Ambit's own tests out."""
    if default_os() == "ambit":
        return
    mine = [item for item in items if item.get_closest_marker("ambit")]
    config.hook.pytest_deselected(items=mine)
    items[:] = [item for item in items if item not in mine]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Keeps each phase's report with the test, so that the fixture below knows how it went."""
    outcome = yield
    report = outcome.get_result()
    setattr(item, f"report_{report.when}", report)


@pytest.fixture
def boot(request):
    """A function that starts a machine; all are stopped after the test, logs kept if it failed."""
    machines = []

    def start(**options):
        options.setdefault("name", f"{request.node.path.stem}.{request.node.name}"
                                   f"{'.' + str(len(machines)) if machines else ''}")
        vm = VM(**options)
        machines.append(vm)
        return vm.start()

    yield start
    failed = getattr(getattr(request.node, "report_call", None), "failed", True)
    for vm in machines:
        if failed:
            print("log:", vm.keep_log())
        vm.stop()


@pytest.fixture(scope="module")
def vm(request):
    """One machine for all tests of a file that only look."""
    with VM(name=request.module.__name__, limit=900) as machine:
        machine.login()
        yield machine
        machine.keep_log()


@pytest.fixture
def build():
    """The folder with what make built."""
    return BUILD


def guest_program(name, *options):
    """NAME.c of this folder as a program for the guest: static, so that it needs nothing inside."""
    target = BUILD / "tests" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    compiler = os.environ.get("AMBIT_CC", str(BUILD / "sysroot" / "bin" / "ambit-cc"))
    subprocess.run([compiler, "-static", "-O1", "-Wall", "-Werror", *options, "-o", target,
                    HERE / f"{name}.c"], check=True)
    return target


def complaints(log):
    """Lines by which a kernel says that it found a fault in itself."""
    pattern = r"(?i)^.*(PANIC|lock.?order|BUG:|\bWARN(ING)?:|assertion failed|\bUBSAN|\bKASAN).*$"
    return [match.group() for match in re.finditer(pattern, log, re.M)]
