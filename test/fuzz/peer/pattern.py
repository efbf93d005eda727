"""The bytes that both ends send: each direction is one pattern, so that an offset and a length say what must come."""

PERIOD = 251
PATTERN = bytes(range(PERIOD)) * (8 * 1024 * 1024 // PERIOD + 2)


def piece(offset, size):
    """What stands at `offset` of a direction."""
    start = offset % PERIOD
    return memoryview(PATTERN)[start : start + size]
