"""gdbstub - just enough of gdb's remote protocol to stop a machine at an address."""

import socket
import time


class GdbStub:
    """A connection to QEMU's gdb stub on a Unix socket."""

    def __init__(self, path, timeout=120):
        self._sock = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + 20
        while True:
            try:
                self._sock.connect(path)
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)
        self._sock.settimeout(timeout)

    def _send(self, text):
        data = text.encode()
        self._sock.sendall(b"$" + data + b"#%02x" % (sum(data) & 0xFF))

    def _packet(self):
        data = b""
        while b"#" not in data or len(data) < data.index(b"#") + 3:
            chunk = self._sock.recv(4096)
            if not chunk:
                raise ConnectionError("the gdb stub closed the connection")
            data = (data + chunk).lstrip(b"+")
        self._sock.sendall(b"+")
        return data[data.index(b"$") + 1:data.index(b"#")].decode()

    def ask(self, text):
        """Sends one packet and returns the answer."""
        self._send(text)
        return self._packet()

    def run_to(self, address):
        """Lets the machine run until it is about to execute the instruction at `address`."""
        if self.ask(f"Z1,{address:x},1") != "OK":
            raise RuntimeError("the gdb stub refused a breakpoint")
        self.ask("c")
        self.ask(f"z1,{address:x},1")

    def detach(self):
        """Lets the machine go on without a debugger."""
        self.ask("D")
        self._sock.close()
