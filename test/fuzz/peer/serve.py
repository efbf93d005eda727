"""The peer of connections that another process makes, one at a time: `open` says where to connect, `accept` takes it up."""
import asyncio

from lines import answer_all
from peer import Listeners
from tls_peer import TlsPeer


async def main():
    listeners = Listeners()
    peer = None

    async def answer(command):
        nonlocal peer
        if command["op"] == "open":
            return listeners.address(command["socket"])
        if command["op"] == "accept":
            peer = TlsPeer(await listeners.accept(command["socket"]))
        elif command["op"] != "dispose":
            return await peer.do(command)
        elif peer is not None:
            peer.dispose()
            peer = None
        return "ok"

    await answer_all(answer)


asyncio.run(main())
