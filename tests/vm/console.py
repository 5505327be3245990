"""console - the serial line of a virtual machine, as a test sees it.

A thread reads the line all the time, so the guest never waits for the test and nothing is lost;
a test waits for text in what has arrived since the text it last matched. Every wait has a limit,
and ends at once when the machine is gone or its kernel reported a panic.
"""

import os
import re
import threading
import time

PANIC = re.compile(rb"^(?:\[[^\]\n]*\] ?)?(?:PANIC|Kernel panic)[^\n]*", re.M)
PANIC_SETTLE_S = 2.0


class VMError(Exception):
    """Something about the machine, not about what runs in it."""


class VMTimeout(VMError):
    """What was waited for did not come in time."""


class VMPanic(VMError):
    """The guest's kernel gave up."""


class VMExit(VMError):
    """The machine ended while something was expected of it."""


class Console:
    """Reads `out` into memory and a log file, writes to `inp`; both are file descriptors."""

    def __init__(self, out, inp, log_path):
        self._out, self._inp = out, inp
        self._log = open(log_path, "wb")
        self._data = bytearray()
        self._scanned = 0
        self._cond = threading.Condition()
        self._marks = []
        self.pos = 0
        self.closed = False
        self.panic = None
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while True:
            try:
                chunk = os.read(self._out, 65536)
            except OSError:
                chunk = b""
            self._log.write(chunk)
            self._log.flush()
            with self._cond:
                self._data += chunk
                self.closed = not chunk
                self._scan()
                self._cond.notify_all()
            if not chunk:
                self._log.close()
                return

    def _scan(self):
        """Looks at lines not looked at yet: a panic, or a mark somebody asked for."""
        found = PANIC.search(self._data, self._scanned)
        if found and not self.panic:
            self.panic = found.group().decode("utf-8", "replace").strip()
        for mark, call in list(self._marks):
            if self._data.find(mark, max(0, self._scanned - len(mark))) >= 0:
                self._marks.remove((mark, call))
                call()
        self._scanned = max(self._scanned, self._data.rfind(b"\n") + 1)

    def on_mark(self, mark, call):
        """Calls call() from the reading thread as soon as `mark` arrives."""
        with self._cond:
            self._marks.append((mark.encode(), call))

    def write(self, data):
        """Sends bytes or text to the guest."""
        data = data.encode() if isinstance(data, str) else data
        while data:
            try:
                data = data[os.write(self._inp, data):]
            except OSError as error:
                raise VMExit(f"the serial line is closed\n{self.tail()}") from error

    def text(self):
        """All that has arrived, as text."""
        with self._cond:
            return self._data.decode("utf-8", "replace").replace("\r\n", "\n")

    def tail(self, lines=40):
        """The last lines of the log, for a message."""
        last = self.text().splitlines()[-lines:]
        return "--- console, last lines ---\n" + "\n".join(last) + "\n---"

    def wait_for(self, pattern, timeout, panic_ok=False):
        """Waits until the regular expression matches; returns the match and moves past it."""
        regex = re.compile(pattern.encode() if isinstance(pattern, str) else pattern, re.M)
        end = time.monotonic() + timeout
        with self._cond:
            while True:
                found = regex.search(self._data, self.pos)
                if found:
                    self.pos = found.end()
                    return found
                if self.panic and not panic_ok:
                    break
                left = end - time.monotonic()
                if self.closed:
                    raise VMExit(f"the machine ended before {pattern!r}\n{self.tail()}")
                if left <= 0:
                    raise VMTimeout(f"no {pattern!r} in {timeout:g} s\n{self.tail()}")
                self._cond.wait(left)
        time.sleep(PANIC_SETTLE_S)
        raise VMPanic(f"{self.panic}\n{self.tail(80)}")

    def show(self, fd, shown):
        """Writes what arrived after the first `shown` bytes to fd; returns the new count."""
        with self._cond:
            data = bytes(self._data[shown:])
        if data:
            os.write(fd, data)
        return shown + len(data)

    def drain(self):
        """Forgets what has arrived so far: the next wait looks only at what is new."""
        with self._cond:
            self.pos = len(self._data)

    def join(self, timeout=5):
        """Waits until the last output has been read."""
        self._thread.join(timeout)
