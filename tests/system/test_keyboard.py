"""What the keys of the machine's own keyboard give, in each layout."""

import pytest

# Layout, keys as a US keyboard names them, what they give.
LAYOUTS = [
    ("us", "qwerty;'\"#@\\|~", "qwerty;'\"#@\\|~"),
    ("uk", "qwerty;'\"#@\\|~", "qwerty;'@£\"#~¬"),
    ("de", "qwertz;'[{-_", "qwertyöäüÜß?"),
    ("fr", "qwerty;1234M.><", "azertym&é\"'?:/."),
]


def typed(vm, press):
    """What a program reads from terminal 5 when that is in front and keys are pressed."""
    vm.check("chvt 5; (head -n 1 </dev/tty5 >/tmp/typed; echo >/tmp/done) & sleep 0.5")
    press()
    vm.keys("\n")
    vm.check("until [ -e /tmp/done ]; do sleep 0.1; done; rm /tmp/done", 60)
    return vm.check("cat /tmp/typed")


@pytest.mark.ambit
@pytest.mark.parametrize("layout,keys,expected", LAYOUTS, ids=[row[0] for row in LAYOUTS])
def test_layout(boot, layout, keys, expected):
    vm = boot(cmdline=f"keymap={layout}")
    vm.login()
    assert typed(vm, lambda: vm.keys(keys)) == expected
    if layout != "us":
        assert typed(vm, lambda: vm.qmp.press("alt_r", "4" if layout == "uk" else "e")) == "€"
