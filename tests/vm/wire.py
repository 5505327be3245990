"""wire - an Ethernet cable in user space that can be made as bad as a test wants.

    with Wire(seed=7, both=Impair(loss=0.05, delay=0.1)) as wire:
        a = VM(nics=[wire.plug(0)]); b = VM(nics=[wire.plug(1)])

Each of its two ends is a virtual machine (plug), an interface of the host (attach a HostNet's file)
or the test itself (listen, inject). What happens to the n-th frame of a direction depends on the seed
and n alone: the same traffic is hurt in the same way each time. Without a rate or delay the wire is
lossless and waits for its receiver, as the sockets below it do.
"""

import collections
import dataclasses
import heapq
import itertools
import os
import random
import select
import socket
import tempfile
import shutil
import threading
import time

from nic import Plug

FRAME_MAX = 70000
QUEUE_FRAMES = 2000
BATCH = 64


@dataclasses.dataclass
class Impair:
    """What happens to the frames of one direction; shares are between 0 and 1, times in seconds.

    reorder: share of the frames that later ones overtake: they arrive `hold` later than otherwise
    rate:    bits per second, behind a queue of `queue` bytes whose overflow is lost
    """

    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    corrupt: float = 0.0
    delay: float = 0.0
    hold: float = 0.02
    rate: float = 0.0
    queue: int = 256 * 1024


class Direction:
    """The way from one end to the other: decides about each frame and keeps it until it is due."""

    def __init__(self, impair, seed):
        self.impair, self.random = impair, random.Random(seed)
        self.due, self.order = [], itertools.count()
        self.counts = collections.Counter()
        self.free_at = 0.0

    def take(self, frame, now):
        """A frame enters."""
        how = self.impair
        lost, doubled, late, bad = (self.random.random() for _ in range(4))
        where = self.random.randrange(1 << 30)
        self.counts["frames"] += 1
        self.counts["bytes"] += len(frame)
        if lost < how.loss or not self._queue(len(frame), now):
            self.counts["lost"] += 1
            return
        if bad < how.corrupt:
            self.counts["corrupted"] += 1
            frame = flip(frame, where)
        when = max(now, self.free_at) + how.delay
        if late < how.reorder:
            self.counts["reordered"] += 1
            when += how.hold
        self._put(when, frame)
        if doubled < how.duplicate:
            self.counts["duplicated"] += 1
            self._put(when, frame)

    def _queue(self, size, now):
        """Room behind the limit of the rate; False when the queue is full."""
        how = self.impair
        if not how.rate:
            return True
        if (self.free_at - now) * how.rate / 8 > how.queue:
            return False
        self.free_at = max(now, self.free_at) + size * 8 / how.rate
        return True

    def _put(self, when, frame):
        heapq.heappush(self.due, (when, next(self.order), frame))

    def full(self):
        """Whether the sender has to wait: what is kept is bounded."""
        return len(self.due) >= QUEUE_FRAMES

    def wait(self, now):
        """Seconds until the next frame is due; None when there is none."""
        return max(0.0, self.due[0][0] - now) if self.due else None


class End:
    """One end of a wire: a pair of Unix sockets' names, a file of the host, or a function."""

    def __init__(self, folder, number):
        self.here, self.there = f"{folder}/wire{number}", f"{folder}/guest{number}"
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.here)
        self.sock.setblocking(False)
        self.fd, self.calls = None, []

    def fileno(self):
        """What select(2) looks at."""
        return self.sock.fileno() if self.fd is None else self.fd

    def read(self):
        """A frame, or None when there is none."""
        try:
            return self.sock.recv(FRAME_MAX) if self.fd is None else os.read(self.fd, FRAME_MAX)
        except (BlockingIOError, OSError):
            return None

    def write(self, frame):
        """Delivers a frame; False when the receiver has no room. Without a receiver it is lost."""
        for call in self.calls:
            call(frame)
        try:
            if self.fd is None:
                self.sock.sendto(frame, self.there)
            else:
                os.write(self.fd, frame)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True


class Wire:
    """Two ends and the thread that carries frames between them."""

    def __init__(self, seed=1, both=None, there=None, back=None):
        """both: impairment of both directions; there (0 to 1) and back: of one."""
        self.dir = tempfile.mkdtemp(prefix="wire.")
        self.ends = [End(self.dir, 0), End(self.dir, 1)]
        how = [there or both or Impair(), back or both or Impair()]
        self.ways = [Direction(how[i], f"{seed}.{i}") for i in (0, 1)]
        self.lock = threading.Lock()
        self._wake = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._stopped = False

    def plug(self, end, model="virtio-net-pci", **more):
        """The card of a virtual machine at this end."""
        return Plug(model=model, local=self.ends[end].there, remote=self.ends[end].here, **more)

    def attach(self, end, host):
        """Makes a HostNet this end."""
        os.set_blocking(host.fd, False)
        self.ends[end].fd = host.fd

    def listen(self, end, call):
        """Calls call(frame) from the wire's thread for each frame that reaches this end."""
        self.ends[end].calls.append(call)

    def impair(self, there=None, back=None):
        """Changes what happens from now on."""
        with self.lock:
            for way, how in zip(self.ways, (there, back)):
                way.impair = how or way.impair

    def inject(self, end, frame):
        """Delivers a frame of the test's own to this end, unharmed; False when there is no room."""
        with self.lock:
            return self.ends[end].write(bytes(frame))

    def counts(self, way):
        """How many frames were carried and hurt: 0 is from end 0 to end 1."""
        return dict(self.ways[way].counts)

    def _run(self):
        while not self._stopped:
            with self.lock:
                now = time.monotonic()
                blocked = [not self._deliver(i, now) for i in (0, 1)]
                waits = [way.wait(now) for way, full in zip(self.ways, blocked) if not full]
            readers = [end for end, way in zip(self.ends, self.ways) if not way.full()]
            # A full socket of Unix cannot be waited for; it is looked at again soon.
            limit = min([w for w in waits if w is not None] + [0.0005 if any(blocked) else 1.0])
            ready = select.select(readers + [self._wake[0]], [], [], limit)[0]
            with self.lock:
                now = time.monotonic()
                for i in (0, 1):
                    if self.ends[i] in ready:
                        self._collect(i, now)

    def _collect(self, i, now):
        for _ in range(BATCH):
            frame = self.ends[i].read()
            if not frame:
                return
            self.ways[i].take(frame, now)

    def _deliver(self, i, now):
        """Hands over what is due; False when the receiver has no room."""
        due = self.ways[i].due
        while due and due[0][0] <= now:
            if not self.ends[1 - i].write(due[0][2]):
                return False
            heapq.heappop(due)
        return True

    def start(self):
        """Carries frames from now on."""
        self._thread.start()
        return self

    def stop(self):
        """Ends the thread and removes the sockets."""
        self._stopped = True
        os.write(self._wake[1], b"x")
        self._thread.join(5)
        for end in self.ends:
            end.sock.close()
        for fd in self._wake:
            os.close(fd)
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, error, trace):
        self.stop()


def flip(frame, where):
    """The frame with one bit the other way round, behind its Ethernet header if there is more."""
    start = 14 if len(frame) > 14 else 0
    bit = where % ((len(frame) - start) * 8)
    changed = bytearray(frame)
    changed[start + bit // 8] ^= 1 << bit % 8
    return bytes(changed)
