"""CPython's asyncio Streams; with "uvloop" as third argument on that event loop."""
import asyncio
import gc
import os
import signal
import ssl
import sys

ROLE, LOAD_PORT, *STYLE = sys.argv[1:]
BLOCK = b"b" * 65536
SMALL_WRITES = [b"answer %d\r\n" % (i % 10) for i in range(100)]
CLIENTS = 16


async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def lines_echo(reader, writer):
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()


async def lines(reader, writer):
    seen = 0
    while await reader.readline():
        seen += 1
    writer.write(b"%d" % seen)


async def frames(reader, writer):
    seen = 0
    try:
        while True:
            size = int.from_bytes(await reader.readexactly(4), "big")
            await reader.readexactly(size)
            seen += 1
    except asyncio.IncompleteReadError:
        writer.write(b"%d" % seen)


async def until(reader, writer):
    seen = 0
    try:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            seen += 1
    except asyncio.IncompleteReadError:
        writer.write(b"%d" % seen)


async def count_bytes(reader):
    seen = 0
    while data := await reader.read(65536):
        seen += len(data)
    return seen


async def sink(reader, writer):
    writer.write(b"%d" % await count_bytes(reader))


async def source(reader, writer):
    while True:
        writer.write(BLOCK)
        await writer.drain()


async def both(reader, writer):
    await asyncio.gather(count_bytes(reader), source(reader, writer))


async def burst(reader, writer):
    while await reader.read(65536):
        for data in SMALL_WRITES:
            writer.write(data)
        await writer.drain()


async def pass_on(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


async def relay(reader, writer):
    upstream = await asyncio.open_connection("127.0.0.1", int(LOAD_PORT))
    await asyncio.gather(pass_on(reader, upstream[1]), pass_on(upstream[0], writer))


async def visit():
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(LOAD_PORT))
        writer.write(b"a" * 64)
        await reader.readexactly(64)
        writer.close()
        await writer.wait_closed()


ROLES = {
    "echo": echo, "lines-echo": lines_echo, "lines": lines, "frames": frames, "until": until, "sink": sink,
    "source": source, "both": both, "burst": burst, "relay": relay,
}


async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGURG, gc.collect)
    if ROLE == "connect":
        print(0, flush=True)
        await asyncio.gather(*(visit() for _ in range(CLIENTS)))
        return
    serve = ROLES[ROLE.removeprefix("tls-")]

    async def serve_quietly(reader, writer):
        try:
            await serve(reader, writer)
            writer.close()
        except OSError:
            writer.transport.abort()

    context = None
    if ROLE.startswith("tls-"):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(os.environ["BENCH_CERT"], os.environ["BENCH_KEY"])
    limit = 2 * 1024 * 1024 if ROLE == "until" else 65536
    server = await asyncio.start_server(serve_quietly, "127.0.0.1", 0, ssl=context, limit=limit, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


try:
    if STYLE == ["uvloop"]:
        import uvloop

        uvloop.install()
    asyncio.run(main())
except (OSError, KeyboardInterrupt):
    pass
