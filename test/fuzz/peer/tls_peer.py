"""A peer that speaks TLS too, record by record: it reads, writes and ends only when it is told."""
import ssl

from contexts import make_context
from pattern import piece
from peer import CHUNK, Peer


class TlsPeer(Peer):
    async def do(self, command):
        try:
            return await super().do(command)
        except EOFError:
            return "eof"

    async def peerTls(self, side, version, certificate, verifies):
        """Which side to take, and what to show and ask for. Sends nothing."""
        context = make_context(side, version, certificate, verifies)
        if side == "server":
            context.num_tickets = 0
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=side == "server")
        return "ok"

    async def peerHello(self):
        """Sends the first bytes of a client."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            await self._flush()
        return "ok"

    async def peerHandshake(self):
        try:
            await self._until_done(self._tls.do_handshake)
        except ssl.SSLError as error:
            await self._flush()
            return ["failed", error.reason]
        return "ok"

    async def peerTlsWrite(self, n):
        self._tls.write(piece(self._sent, n))
        self._sent += n
        await self._flush()
        return "ok"

    async def peerTlsRead(self, n):
        """As `peerRead`; the end is `notify` where the other end has announced it."""
        count, right, end = 0, True, "open"
        while count < n:
            try:
                data = await self._until_done(lambda: self._tls.read(min(n - count, CHUNK)))
            except ssl.SSLZeroReturnError:
                end = "notify"
                break
            except ssl.SSLError as error:
                end = error.reason
                break
            except EOFError:
                end = "eof"
                break
            if not data:
                end = "notify"
                break
            right = right and data == piece(self._received, len(data))
            self._received += len(data)
            count += len(data)
        return [count, right, end]

    async def peerTlsReadEnd(self):
        return await self.peerTlsRead(1 << 40)

    async def peerNotify(self):
        """Announces the end; all that the other end has sent before must have been read."""
        try:
            self._tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        await self._flush()
        return "ok"

    async def _until_done(self, action):
        while True:
            try:
                result = action()
            except ssl.SSLWantReadError:
                await self._flush()
                data = await self._loop.sock_recv(self._sock, CHUNK)
                if not data:
                    raise EOFError from None
                self._incoming.write(data)
            else:
                await self._flush()
                return result

    async def _flush(self):
        if data := self._outgoing.read():
            await self._loop.sock_sendall(self._sock, data)
