"""A connection of CPython's asyncio under test: operations by name, and what a trace shows of them."""
import asyncio
import errno
import ssl

from pattern import piece
from peer import LONGEST_WAIT

WRONG = {"none": None, "number": 5, "numbers": [1], "bytes": b"ab"}


def describe(error):
    name = type(error).__name__
    if isinstance(error, ssl.SSLCertVerificationError):
        return [name, error.verify_code]
    if isinstance(error, ssl.SSLError):
        return [name, error.reason]
    if isinstance(error, OSError) and error.errno is not None:
        return [name, errno.errorcode[error.errno]]
    if isinstance(error, asyncio.IncompleteReadError):
        return [name, len(error.partial), error.expected]
    return [name, str(error)]


async def turns():
    for _ in range(4):
        await asyncio.sleep(0)


class Connection:
    """One script's connection: each method is an operation, and gives what the trace shows of it."""

    def __init__(self):
        self._written = 0
        self._consumed = 0
        self._handles = {}

    def made(self, reader, writer):
        self._reader = reader
        self._writer = writer
        self._protocol = writer._protocol

    def do(self, step):
        return getattr(self, step["op"])(step)

    # Writing.

    def write(self, step):
        self._writer.write(piece(self._written, step["n"]))
        self._written += step["n"]

    def writelines(self, step):
        pieces, end = [], self._written
        for size in step["sizes"]:
            pieces.append(piece(end, size))
            end += size
        self._writer.writelines(pieces)
        self._written = end

    def writeWrong(self, step):
        self._writer.write(WRONG[step["value"]])

    def writelinesWrong(self, step):
        self._writer.writelines(WRONG[step["value"]])

    def writeEof(self, step):
        self._writer.write_eof()

    def canWriteEof(self, step):
        return self._writer.can_write_eof()

    def close(self, step):
        self._writer.close()

    def abort(self, step):
        self._writer.transport.abort()

    def isClosing(self, step):
        return self._writer.is_closing()

    def setLimits(self, step):
        self._writer.transport.set_write_buffer_limits(step.get("high"), step.get("low"))

    def limits(self, step):
        return list(self._writer.transport.get_write_buffer_limits())

    # What waits has a handle, and begins at once.

    def drain(self, step):
        return self._start(step, self._writer.drain())

    def waitClosed(self, step):
        return self._start(step, self._writer.wait_closed())

    def read(self, step):
        return self._start(step, self._read(self._reader.read(step["n"])))

    def readExactly(self, step):
        return self._start(step, self._read(self._reader.readexactly(step["n"])))

    def readLine(self, step):
        return self._start(step, self._read(self._reader.readline()))

    async def look(self, step):
        return self._look(step["handle"])

    async def join(self, step):
        await asyncio.wait([self._handles[step["handle"]]], timeout=LONGEST_WAIT)
        return self._look(step["handle"])

    async def cancel(self, step):
        self._handles[step["handle"]].cancel()
        await turns()
        return self._look(step["handle"])

    # Reading.

    def atEof(self, step):
        return self._reader.at_eof()

    def exception(self, step):
        error = self._reader.exception()
        return error and ["error", *describe(error)]

    # What has to come.

    async def turn(self, step):
        await turns()

    async def untilReceived(self, step):
        return await self._until(lambda: self._consumed + len(self._reader._buffer) >= step["n"])

    async def untilPaused(self, step):
        return await self._until(lambda: not self._writer.transport.is_reading())

    async def untilEof(self, step):
        return await self._until(lambda: self._reader._eof)

    async def untilLost(self, step):
        return await self._until(lambda: self._protocol._connection_lost)

    async def untilReleased(self, step):
        """Only the other side does that."""
        await turns()
        return "ok"

    # Steps.

    def _start(self, step, coroutine):
        loop = asyncio.get_running_loop()
        self._handles[step["handle"]] = asyncio.Task(coroutine, loop=loop, eager_start=True)

    def _look(self, handle):
        task = self._handles[handle]
        if not task.done():
            return "pending"
        if task.cancelled():
            return "cancelled"
        error = task.exception()
        return ["ok", task.result()] if error is None else ["error", *describe(error)]

    async def _read(self, reading):
        try:
            data = await reading
        except asyncio.IncompleteReadError as error:
            self._consumed += len(error.partial)
            raise
        right = data == piece(self._consumed, len(data))
        self._consumed += len(data)
        return [len(data), right]

    async def _until(self, condition):
        end = asyncio.get_running_loop().time() + LONGEST_WAIT
        rounds = 0
        while not condition():
            if asyncio.get_running_loop().time() > end:
                return "never"
            rounds += 1
            await asyncio.sleep(0 if rounds < 100 else 0.001)
        return "ok"

    async def dispose(self):
        for task in self._handles.values():
            task.cancel()
        if not self._protocol._connection_lost:
            self._writer.transport.abort()
        await turns()


async def carry_out(steps, connection, peer):
    """What came of each step."""
    trace = []
    for step in steps:
        if step["op"].startswith("peer"):
            trace.append(await peer.do(step))
            continue
        try:
            result = connection.do(step)
            trace.append(await result if asyncio.iscoroutine(result) else result)
        except Exception as error:
            trace.append(["error", *describe(error)])
    await connection.dispose()
    peer.dispose()
    return trace
