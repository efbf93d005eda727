"""Carries scripts of TLS connections out with CPython's asyncio: a JSON script a line, a JSON trace a line."""
import asyncio
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "peer"))

from connection import Connection, carry_out  # noqa: E402
from contexts import make_context  # noqa: E402
from lines import answer_all  # noqa: E402
from peer import Listeners  # noqa: E402
from tls_peer import TlsPeer  # noqa: E402


class TlsConnection(Connection):
    def __init__(self, sock, side):
        super().__init__()
        self._sock = sock
        self._side = side

    async def open(self, step):
        """Plain: as a client's, or as that of a server, which start_tls() goes by."""
        if self._side == "client":
            self.made(*await asyncio.open_connection(sock=self._sock))
            return
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        made = loop.create_future()
        protocol = asyncio.StreamReaderProtocol(reader, lambda *streams: made.set_result(streams), loop=loop)
        await loop.connect_accepted_socket(lambda: protocol, self._sock)
        self.made(*await made)

    def openTls(self, step):
        return self._start(step, self._open_tls(step["tls"]))

    def startTls(self, step):
        tls = step["tls"]
        return self._start(
            step, self._writer.start_tls(self._context(tls), **self._name(tls), **timeouts(tls))
        )

    def startTlsWrong(self, step):
        return self._start(step, self._writer.start_tls(5))

    async def _open_tls(self, tls):
        self.made(
            *await asyncio.open_connection(
                sock=self._sock, ssl=self._context(tls), **self._name(tls), **timeouts(tls)
            )
        )

    def _context(self, tls):
        return make_context(self._side, tls["version"], tls["certificate"], tls["verifies"])

    def _name(self, tls):
        return {"server_hostname": "localhost"} if self._side == "client" else {}

    async def dispose(self):
        if hasattr(self, "_writer"):
            await super().dispose()
        self._sock.close()


def timeouts(tls):
    """In seconds."""
    handshake = tls.get("theirHandshakeTimeout", tls["handshakeTimeout"])
    return {"ssl_handshake_timeout": handshake / 1000, "ssl_shutdown_timeout": tls["shutdownTimeout"] / 1000}


async def main():
    listeners = Listeners()

    async def answer(script):
        sock, other = await listeners.connect("tcp")
        return await carry_out(script["steps"], TlsConnection(sock, script["side"]), TlsPeer(other))

    await answer_all(answer)


asyncio.run(main())
