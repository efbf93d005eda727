"""Carries scripts out with CPython's reader: one JSON script a line in, one JSON array of steps a line out.

Reads are real tasks, started at once as a JavaScript call is, on an event loop that has what tasks and futures
use: a queue of callbacks, first in, first out, as in CPython's own loops. It leaves out the selector, timers and
threads, which a reader does not touch, and with them most of the time a turn takes.
"""

import asyncio
import collections
import json
import sys
import zlib

SHOWN_WHOLE = 64
SHOWN_ENDS = 16


class ScriptError(Exception):
    """What a script sets as the reader's exception."""


class Loop(asyncio.AbstractEventLoop):
    def __init__(self):
        self._ready = collections.deque()

    def get_debug(self):
        return False

    def is_running(self):
        return True

    def create_future(self):
        return asyncio.Future(loop=self)

    def call_soon(self, callback, *args, context):
        self._ready.append((context, callback, args))

    def call_exception_handler(self, context):
        raise RuntimeError(context)

    def turn(self):
        """Runs what is ready, and what becomes ready by it."""
        while self._ready:
            context, callback, args = self._ready.popleft()
            context.run(callback, *args)


class Transport:
    def __init__(self, calls, can_pause):
        self._calls = calls
        self._can_pause = can_pause

    def pause_reading(self):
        self._calls.append("P")
        if not self._can_pause:
            raise NotImplementedError

    def resume_reading(self):
        self._calls.append("R")


class Run:
    def __init__(self, loop, limit):
        self._loop = loop
        self._reader = asyncio.StreamReader(limit=limit, loop=loop)
        self._calls = []
        self._tasks = {}
        self._reads = 0

    def step(self, name, *arguments):
        self._calls.clear()
        step = {}
        try:
            getattr(self, name)(step, *arguments)
        except AssertionError as error:
            step["thrown"] = outcome_of(error)
        reader = self._reader
        exception = reader.exception()
        step["calls"] = "".join(self._calls)
        step["buffered"] = len(reader._buffer)
        step["atEof"] = reader.at_eof()
        step["exception"] = None if exception is None else str(exception)
        return step

    def feed(self, _step, pieces):
        self._reader.feed_data(b"".join(text.encode("latin1") * times for text, times in pieces))

    def eof(self, _step):
        self._reader.feed_eof()

    def exception(self, _step, message):
        self._reader.set_exception(ScriptError(message))

    def transport(self, _step, can_pause):
        self._reader.set_transport(Transport(self._calls, can_pause))

    def read(self, _step, size):
        self._start(self._reader.read(size))

    def readExactly(self, _step, size):
        self._start(self._reader.readexactly(size))

    def readUntil(self, _step, texts):
        separators = tuple(None if text is None else text.encode("latin1") for text in texts)
        self._start(self._reader.readuntil(separators[0] if len(separators) == 1 else separators))

    def readLine(self, _step):
        self._start(self._reader.readline())

    def next(self, _step):
        self._start(anext_of(self._reader))

    def cancel(self, _step=None):
        for task in self._tasks.values():
            task.cancel()

    def turn(self, step):
        self._loop.turn()
        settled = [number for number, task in self._tasks.items() if task.done()]
        step["settled"] = [[number, outcome_of_task(self._tasks.pop(number))] for number in settled]

    def end(self):
        self.cancel()
        self.turn({})

    def _start(self, coroutine):
        self._tasks[self._reads] = asyncio.Task(coroutine, loop=self._loop, eager_start=True)
        self._reads += 1


async def anext_of(reader):
    """A task cannot end with StopAsyncIteration, as a function can."""
    try:
        return await reader.__anext__()
    except StopAsyncIteration:
        return None


def outcome_of_task(task):
    if task.cancelled():
        return {"error": "CancelledError", "message": ""}
    error = task.exception()
    if error is not None:
        return outcome_of(error)
    result = task.result()
    return {"done": True} if result is None else {"bytes": show_bytes(result)}


def outcome_of(error):
    outcome = {"error": type(error).__name__, "message": str(error)}
    if isinstance(error, asyncio.IncompleteReadError):
        outcome["partial"] = show_bytes(error.partial)
        outcome["expected"] = error.expected
    if isinstance(error, asyncio.LimitOverrunError):
        outcome["consumed"] = error.consumed
    return outcome


def show_bytes(data):
    """Large results as what tells them apart, as ours.ts does."""
    if len(data) <= SHOWN_WHOLE:
        return data.decode("latin1")
    start, end = data[:SHOWN_ENDS].decode("latin1"), data[-SHOWN_ENDS:].decode("latin1")
    return f"{start}…{end}, {len(data)} bytes, {zlib.crc32(data)}"


def carry_out(loop, script):
    try:
        run = Run(loop, script["limit"])
    except ValueError as error:
        return [{"thrown": outcome_of(error)}]
    steps = [run.step(*operation) for operation in script["operations"]]
    run.end()
    return steps


def main():
    loop = Loop()
    asyncio._set_running_loop(loop)
    for line in sys.stdin:
        print(json.dumps(carry_out(loop, json.loads(line))), flush=True)


main()
