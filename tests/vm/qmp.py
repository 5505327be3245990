"""qmp - QEMU's control socket: commands, events, keys and screenshots."""

import json
import socket
import time


class QmpError(Exception):
    """QEMU refused a command or did not answer."""


NAMED = {
    "\n": "ret", "\t": "tab", " ": "spc", "\x1b": "esc", "\b": "backspace", "\x7f": "backspace",
}
US_PLAIN = {
    "-": "minus", "=": "equal", "[": "bracket_left", "]": "bracket_right", ";": "semicolon",
    "'": "apostrophe", "`": "grave_accent", "\\": "backslash", ",": "comma", ".": "dot",
    "/": "slash",
}
US_SHIFT = dict(zip('_+{}:"~|<>?', US_PLAIN.values()))
US_DIGITS = dict(zip(")!@#$%^&*(", "0123456789"))


def qcodes(char):
    """The keys of a US keyboard that give one character, in the order they go down."""
    if char in NAMED:
        return [NAMED[char]]
    if len(char) == 1 and 1 <= ord(char) <= 26:
        return ["ctrl", chr(ord(char) + 96)]
    if char.isascii() and char.isalnum():
        return ["shift", char.lower()] if char.isupper() else [char]
    if char in US_PLAIN:
        return [US_PLAIN[char]]
    if char in US_SHIFT:
        return ["shift", US_SHIFT[char]]
    if char in US_DIGITS:
        return ["shift", US_DIGITS[char]]
    raise ValueError(f"no key of a US keyboard gives {char!r}")


class Qmp:
    """One connection to the control socket at `path`."""

    def __init__(self, path, timeout=20, alive=lambda: True):
        self.events = []
        self._buffer = b""
        self._sock = self._connect(path, time.monotonic() + timeout, alive)
        self._sock.settimeout(timeout)
        self._message()
        self.command("qmp_capabilities")

    @staticmethod
    def _connect(path, end, alive):
        while True:
            sock = socket.socket(socket.AF_UNIX)
            try:
                sock.connect(path)
                return sock
            except OSError:
                sock.close()
                if time.monotonic() > end or not alive():
                    raise
                time.sleep(0.02)

    def _message(self):
        while b"\n" not in self._buffer:
            chunk = self._sock.recv(65536)
            if not chunk:
                raise QmpError("QEMU closed its control socket")
            self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\n", 1)
        return json.loads(line)

    def command(self, name, **arguments):
        """Runs one command and returns its answer."""
        request = {"execute": name}
        if arguments:
            request["arguments"] = arguments
        self._sock.sendall(json.dumps(request).encode() + b"\n")
        while True:
            answer = self._message()
            if "event" in answer:
                self.events.append(answer)
            elif "error" in answer:
                raise QmpError(f"{name}: {answer['error']['desc']}")
            else:
                return answer["return"]

    def monitor(self, line):
        """Runs a line of the human monitor and returns its text."""
        return self.command("human-monitor-command", **{"command-line": line})

    def press(self, *codes):
        """Presses the keys in order and lets them go in reverse order."""
        steps = [(code, True) for code in codes] + [(code, False) for code in reversed(codes)]
        for code, down in steps:
            key = {"type": "qcode", "data": code}
            event = {"type": "key", "data": {"down": down, "key": key}}
            self.command("input-send-event", events=[event])

    def keys(self, text, delay_s=0.03):
        """Types text on the machine's own keyboard."""
        for char in text:
            self.press(*qcodes(char))
            time.sleep(delay_s)

    def screendump(self, path):
        """Writes what the first display shows to a PNG file."""
        self.command("screendump", filename=str(path), format="png")

    def close(self):
        """Closes the connection; the machine goes on."""
        self._sock.close()
