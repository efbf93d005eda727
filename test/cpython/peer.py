"""CPython's asyncio Streams as the other end. `peer.py server` serves until its input ends; `peer.py client PORT` talks."""
import asyncio
import hashlib
import struct
import sys

BULK = bytes(range(251)) * (16 * 1024 * 1024 // 251 + 1)
BULK = BULK[: 16 * 1024 * 1024]


async def write_bulk(writer):
    for start in range(0, len(BULK), 65536):
        writer.write(BULK[start : start + 65536])
        await writer.drain()


# The server: the first line of a connection names what it wants.


async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def lines(reader, writer):
    async for line in reader:
        writer.write(line.upper())
        await writer.drain()
    writer.write(b"bye\n")


async def frames(reader, writer):
    try:
        while True:
            (size,) = struct.unpack(">I", await reader.readexactly(4))
            payload = await reader.readexactly(size)
            writer.write(struct.pack(">I", size) + payload[::-1])
            await writer.drain()
    except asyncio.IncompleteReadError as error:
        assert error.partial == b"", error


async def halfclose(reader, writer):
    data = await reader.read(-1)
    writer.write(b"%d bytes\n" % len(data))


async def bulk(reader, writer):
    received, _ = await asyncio.gather(reader.readexactly(len(BULK)), write_bulk(writer))
    writer.write(hashlib.sha256(received).hexdigest().encode() + b"\n")


SERVICES = {b"echo\n": echo, b"lines\n": lines, b"frames\n": frames, b"halfclose\n": halfclose, b"bulk\n": bulk}


async def handle(reader, writer):
    await SERVICES[await reader.readline()](reader, writer)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def serve():
    server = await asyncio.start_server(handle, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()
    await server.wait_closed()


# The client: one function for each service.


async def talk(port, service):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(service)
    return reader, writer


async def finish(reader, writer):
    writer.write_eof()
    rest = await reader.read(-1)
    writer.close()
    await writer.wait_closed()
    return rest


async def check_echo(port):
    reader, writer = await talk(port, b"echo\n")
    writer.write(b"Hello World!")
    assert await reader.readexactly(12) == b"Hello World!"
    assert await finish(reader, writer) == b""


async def check_lines(port):
    reader, writer = await talk(port, b"lines\n")
    writer.writelines(b"line %d\n" % n for n in range(1000))
    for n in range(1000):
        assert await reader.readline() == b"LINE %d\n" % n
    assert await finish(reader, writer) == b"bye\n"


async def check_frames(port):
    reader, writer = await talk(port, b"frames\n")
    for size in (0, 1, 100, 65536, 200_000):
        payload = BULK[:size]
        writer.write(struct.pack(">I", size) + payload)
        await writer.drain()
        assert struct.unpack(">I", await reader.readexactly(4)) == (size,)
        assert await reader.readexactly(size) == payload[::-1]
    assert await finish(reader, writer) == b""


async def check_halfclose(port):
    reader, writer = await talk(port, b"halfclose\n")
    writer.write(BULK[:100_000])
    assert await finish(reader, writer) == b"100000 bytes\n"


async def check_bulk(port):
    reader, writer = await talk(port, b"bulk\n")
    received, _ = await asyncio.gather(reader.readexactly(len(BULK)), write_bulk(writer))
    assert received == BULK
    assert await reader.readline() == hashlib.sha256(BULK).hexdigest().encode() + b"\n"
    assert await finish(reader, writer) == b""


async def check_many(port):
    await asyncio.gather(*(check_echo(port) for _ in range(200)))


async def check_all(port):
    for check in (check_echo, check_lines, check_frames, check_halfclose, check_bulk, check_many):
        await check(port)
        print(check.__name__, flush=True)


if sys.argv[1] == "server":
    asyncio.run(serve())
else:
    asyncio.run(check_all(int(sys.argv[2])))
