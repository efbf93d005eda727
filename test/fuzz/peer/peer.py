"""The other end of a connection under test: a bare socket that does what it is told, and nothing of its own accord."""
import asyncio
import errno
import os
import socket
import struct
import tempfile

from kernel import is_connected
from pattern import piece

# Fixed, so that the kernel takes no more than this and what the other end may hold (net.ipv4.tcp_wmem).
RECEIVE_BUFFER = 256 * 1024
CHUNK = 256 * 1024
# How long what must come is waited for, in seconds.
LONGEST_WAIT = 20
# What a step has besides what its operation takes.
NOT_TAKEN = ("op", "differs", "extra", "atMost")


def code_of(error):
    return errno.errorcode.get(error.errno, str(error))


class Listeners:
    """Where connections to peers are made: one address of each family, with $FUZZ_FOLDER for files."""

    def __init__(self):
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        tcp.bind(("127.0.0.1", 0))
        unix = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        unix.bind(os.path.join(tempfile.mkdtemp(dir=os.environ["FUZZ_FOLDER"]), "s"))
        self._sockets = {"tcp": tcp, "unix": unix}
        for listener in self._sockets.values():
            listener.listen()
            listener.setblocking(False)

    def address(self, family):
        """As sockets of Python take it."""
        return self._sockets[family].getsockname()

    async def accept(self, family):
        sock, _ = await asyncio.get_running_loop().sock_accept(self._sockets[family])
        if family == "tcp":
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    async def connect(self, family):
        """Both ends of a connection: the one to test, and that of the peer."""
        sock = socket.socket(self._sockets[family].family, socket.SOCK_STREAM)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, self.address(family))
        return sock, await self.accept(family)


class Peer:
    def __init__(self, sock):
        sock.setblocking(False)
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._sent = 0
        self._received = 0
        self._is_tcp = sock.family == socket.AF_INET
        if self._is_tcp:
            self._ends = (sock.getpeername(), sock.getsockname())

    async def do(self, command):
        """Carries a command out, and gives what came of it."""
        action = getattr(self, command["op"])
        taken = {name: value for name, value in command.items() if name not in NOT_TAKEN}
        try:
            return await asyncio.wait_for(action(**taken), LONGEST_WAIT)
        except TimeoutError:
            return "never"
        except OSError as error:
            return code_of(error)

    async def peerWrite(self, n):
        await self._loop.sock_sendall(self._sock, piece(self._sent, n))
        self._sent += n
        return "ok"

    async def peerRead(self, n):
        """How many bytes came, whether they were the right ones, and what ended it if it was not their number."""
        count, right, end = 0, True, "open"
        while count < n:
            try:
                data = await self._loop.sock_recv(self._sock, min(n - count, CHUNK))
            except OSError as error:
                end = code_of(error)
                break
            if not data:
                end = "eof"
                break
            right = right and data == piece(self._received, len(data))
            self._received += len(data)
            count += len(data)
        return [count, right, end]

    async def peerReadEnd(self):
        return await self.peerRead(1 << 40)

    async def peerShutdown(self):
        self._sock.shutdown(socket.SHUT_WR)
        return "ok"

    async def peerClose(self):
        self._sock.close()
        return "ok"

    async def peerReset(self):
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()
        return "ok"

    async def peerGone(self):
        """Waits until the kernel no longer counts the other end as connected: a reset has reached it."""
        while is_connected(*self._ends):
            await asyncio.sleep(0.001)
        return "ok"

    def dispose(self):
        self._sock.close()
