"""Carries scripts of operations on a connection out with CPython's asyncio: a JSON script a line, a JSON trace a line."""
import asyncio
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "peer"))

from connection import Connection, carry_out  # noqa: E402
from lines import answer_all  # noqa: E402
from peer import Listeners, Peer  # noqa: E402


async def main():
    listeners = Listeners()

    async def answer(script):
        sock, other = await listeners.connect(script["socket"])
        connection = Connection()
        connection.made(*await asyncio.open_connection(sock=sock, limit=script["limit"]))
        return await carry_out(script["steps"], connection, Peer(other))

    await answer_all(answer)


asyncio.run(main())
