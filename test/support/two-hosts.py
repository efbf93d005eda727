"""Two hosts, each in a network namespace of its own, and the cable between them.

The cable carries Ethernet frames between two tap devices, and can delay, lose and reorder them, swallow what goes to an
address, or be pulled. It takes one JSON object of settings a line, and answers with what it did to frames since the last
one. All of it goes with this process. Needs root and Linux. Prints first where the namespaces are found.
"""

import fcntl
import heapq
import json
import os
import random
import selectors
import socket
import struct
import subprocess
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
LARGEST_FRAME = 65536

# Those of documentation: no real host has them.
ADDRESSES = {
    "near": ["192.0.2.1/24", "2001:db8::1/64"],
    "far": ["192.0.2.2/24", "192.0.2.3/24", "2001:db8::2/64", "2001:db8::3/64"],
}


def make_host(addresses):
    """Enters a new namespace. Returns descriptors of the namespace and of the host's end of the cable."""
    os.unshare(os.CLONE_NEWNET)
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", b"cable", IFF_TAP | IFF_NO_PI))
    for device in ("lo", "cable"):
        ip("link", "set", device, "up")
    for address in addresses:
        # Without "nodad" an IPv6 address cannot be used for a second.
        ip("address", "add", address, "dev", "cable", *(["nodad"] if ":" in address else []))
    return os.open("/proc/self/ns/net", os.O_RDONLY), tap


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


def destination(frame):
    """The IP address that a frame goes to; None if it carries no IP."""
    kind = frame[12:14]
    if kind == b"\x08\x00":
        return socket.inet_ntop(socket.AF_INET, frame[30:34])
    if kind == b"\x86\xdd":
        return socket.inet_ntop(socket.AF_INET6, frame[38:54])
    return None


class Cable:
    def __init__(self, ends):
        self.other = {ends[0]: ends[1], ends[1]: ends[0]}
        self.random = random.Random(1)
        self.flying = []
        self.count = 0
        self.done = {"lost": 0, "late": 0}
        self.set()

    def set(self, delay=0, loss=0, reorder=0, pulled=False, swallow=()):
        """`delay` in ms; `loss` and `reorder` as fractions of the frames; `swallow` as addresses."""
        self.delay = delay / 1000
        self.loss = loss
        self.reorder = reorder
        self.pulled = pulled
        self.swallow = frozenset(swallow)

    def take(self, end):
        try:
            frame = os.read(end, LARGEST_FRAME)
        except BlockingIOError:
            return
        if self.pulled or self.random.random() < self.loss or destination(frame) in self.swallow:
            self.done["lost"] += 1
            return
        # One that is late is overtaken by those behind it.
        late = self.delay + 0.01 if self.random.random() < self.reorder else 0
        self.done["late"] += late > 0
        self.count += 1
        heapq.heappush(self.flying, (time.monotonic() + self.delay + late, self.count, self.other[end], frame))

    def deliver(self):
        """Returns in how many seconds the next frame is due."""
        while self.flying:
            wait = self.flying[0][0] - time.monotonic()
            if wait > 0:
                return wait
            _, _, end, frame = heapq.heappop(self.flying)
            if not self.pulled:
                try:
                    os.write(end, frame)
                except BlockingIOError:
                    pass
        return None


def main():
    hosts = {name: make_host(addresses) for name, addresses in ADDRESSES.items()}
    ends = [tap for _, tap in hosts.values()]
    cable = Cable(ends)
    print(json.dumps({name: f"/proc/{os.getpid()}/fd/{namespace}" for name, (namespace, _) in hosts.items()}), flush=True)
    events = selectors.DefaultSelector()
    for source in [*ends, sys.stdin.fileno()]:
        events.register(source, selectors.EVENT_READ)
    commands = b""
    while True:
        for key, _ in events.select(cable.deliver()):
            if key.fd in cable.other:
                cable.take(key.fd)
                continue
            said = os.read(key.fd, LARGEST_FRAME)
            if not said:
                return
            *lines, commands = (commands + said).split(b"\n")
            for line in lines:
                cable.set(**json.loads(line))
                print(json.dumps(cable.done), flush=True)
                cable.done = dict.fromkeys(cable.done, 0)


main()
