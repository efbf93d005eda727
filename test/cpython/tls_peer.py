"""CPython's asyncio over TLS as the other end, with the certificates of FOLDER.

`tls_peer.py server FOLDER` serves until its input ends: TLS at the first port that it prints, STARTTLS at the second.
`tls_peer.py client FOLDER MODE PORT` talks; MODE is `ssl` or `starttls`.
"""
import asyncio
import hashlib
import ssl
import sys

BULK = bytes(range(251)) * (16 * 1024 * 1024 // 251 + 1)
BULK = BULK[: 16 * 1024 * 1024]
FOLDER = sys.argv[2]

failures = []


def make_context(purpose):
    context = ssl.create_default_context(purpose, cafile=f"{FOLDER}/ca.pem")
    context.load_cert_chain(f"{FOLDER}/cert.pem", f"{FOLDER}/key.pem")
    if purpose == ssl.Purpose.CLIENT_AUTH:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


async def write_bulk(writer):
    for start in range(0, len(BULK), 65536):
        writer.write(BULK[start : start + 65536])
        await writer.drain()


async def exchange_bulk(reader, writer):
    received, _ = await asyncio.gather(reader.readexactly(len(BULK)), write_bulk(writer))
    assert received == BULK, hashlib.sha256(received).hexdigest()


def name_of(writer):
    subject = writer.get_extra_info("peercert")["subject"]
    return dict(pair for (pair,) in subject)["commonName"].encode()


async def close(writer):
    writer.close()
    await writer.wait_closed()


# The server: the first line of a connection names what it wants.


async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def name(reader, writer):
    writer.write(name_of(writer) + b"\n")
    assert await reader.read() == b""


async def bulk(reader, writer):
    await exchange_bulk(reader, writer)
    assert await reader.read() == b""


async def bye(reader, writer):
    writer.write(b"bye\n")


async def cut(reader, writer):
    writer.write(b"so far\n")
    await writer.drain()
    assert await reader.readline() == b"got it\n"
    writer.transport.abort()


SERVICES = {b"echo\n": echo, b"name\n": name, b"bulk\n": bulk, b"bye\n": bye, b"cut\n": cut}


async def handle(reader, writer):
    await SERVICES[await reader.readline()](reader, writer)
    await close(writer)


async def handle_starttls(reader, writer):
    writer.write(b"hello\n")
    assert await reader.readline() == b"STARTTLS\n"
    writer.write(b"go ahead\n")
    await writer.start_tls(make_context(ssl.Purpose.CLIENT_AUTH))
    await handle(reader, writer)


async def serve():
    servers = [
        await asyncio.start_server(handle, "127.0.0.1", 0, ssl=make_context(ssl.Purpose.CLIENT_AUTH)),
        await asyncio.start_server(handle_starttls, "127.0.0.1", 0),
    ]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for server in servers:
        server.close()
        await server.wait_closed()


# The client: one function for each service.


async def talk(mode, port, service):
    context = make_context(ssl.Purpose.SERVER_AUTH)
    if mode == "ssl":
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    else:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.readline() == b"hello\n"
        writer.write(b"STARTTLS\n")
        assert await reader.readline() == b"go ahead\n"
        await writer.start_tls(context, server_hostname="127.0.0.1")
    writer.write(service)
    return reader, writer


async def check_echo(*where):
    reader, writer = await talk(*where, b"echo\n")
    for text in (b"Hello World!", b"again"):
        writer.write(text)
        assert await reader.readexactly(len(text)) == text
    await close(writer)


async def check_name(*where):
    reader, writer = await talk(*where, b"name\n")
    assert await reader.readline() == b"this library\n"
    assert name_of(writer) == b"this library"
    await close(writer)


async def check_bulk(*where):
    reader, writer = await talk(*where, b"bulk\n")
    await exchange_bulk(reader, writer)
    await close(writer)


async def check_bye(*where):
    reader, writer = await talk(*where, b"bye\n")
    assert await reader.read() == b"bye\n"
    await close(writer)


async def check_cut(*where):
    reader, writer = await talk(*where, b"cut\n")
    assert await reader.readline() == b"so far\n"
    writer.write(b"got it\n")
    assert await reader.readline() == b"cut now\n"
    writer.transport.abort()
    await writer.wait_closed()


async def check_all(mode, port):
    for check in (check_echo, check_name, check_bulk, check_bye, check_cut):
        await check(mode, port)
        print(check.__name__, flush=True)


async def main():
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    await (serve() if sys.argv[1] == "server" else check_all(sys.argv[3], int(sys.argv[4])))


asyncio.run(main())
assert not failures, failures
