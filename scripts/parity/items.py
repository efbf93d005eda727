"""Prints what CPython's asyncio Streams have, a JSON object `{ section: [item] }`: functions with all parameters that they
take or pass on, and what is public of their classes."""

import asyncio
import asyncio.unix_events
import inspect
import json

Loop = asyncio.unix_events._UnixSelectorEventLoop
FUNCTIONS = {
    "open_connection": Loop.create_connection,
    "start_server": Loop.create_server,
    "open_unix_connection": Loop.create_unix_connection,
    "start_unix_server": Loop.create_unix_server,
}
CLASSES = {
    "StreamReader": asyncio.StreamReader,
    "StreamWriter": asyncio.StreamWriter,
    "Server": asyncio.Server,
}
ERRORS = [asyncio.IncompleteReadError(b"", 1), asyncio.LimitOverrunError("", 1)]
PROTOCOLS = {"__aiter__": "async for", "__aenter__": "async with"}


def parameters(function):
    names = inspect.signature(function).parameters
    return [name for name in names if name not in ("self", "kwds", "protocol_factory")]


def callable_items(name, function, passed_on=None):
    own = parameters(function)
    further = [] if passed_on is None else parameters(passed_on)
    return [f"{name}()", *(f"{name}({each})" for each in dict.fromkeys([*own, *further]))]


def class_items(name, cls):
    items = [f"{keyword} {name}" for method, keyword in PROTOCOLS.items() if hasattr(cls, method)]
    for member in dir(cls):
        if member.startswith("_"):
            continue
        value = getattr(cls, member)
        items += callable_items(f"{name}.{member}", value) if callable(value) else [f"{name}.{member}"]
    return items


sections = {name: callable_items(name, getattr(asyncio, name), to) for name, to in FUNCTIONS.items()}
sections |= {name: class_items(name, cls) for name, cls in CLASSES.items()}
sections["Exceptions"] = [
    item
    for error in ERRORS
    for item in [type(error).__name__, *(f"{type(error).__name__}.{name}" for name in vars(error))]
]
print(json.dumps(sections))
