"""A program that answers: a JSON value a line, in both directions."""
import asyncio
import json
import logging
import sys
import warnings


async def answer_all(answer):
    """Until the input ends. asyncio tells nobody of what goes wrong besides: it is in the answers."""
    logging.disable()
    warnings.simplefilter("ignore")
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: None)
    lines = asyncio.StreamReader(limit=1 << 24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        sys.stdout.write(json.dumps(await answer(json.loads(line))) + "\n")
        sys.stdout.flush()
