"""Ids that sort by time: a 48-bit millisecond clock and 80 random bits in Crockford's base 32.

The text form is that of a ULID (26 characters, `01J…`), so that a decision id read
out on the telephone has no I, L, O or U, and records sort by when they were made.
Source: the ULID specification, github.com/ulid/spec.
"""

import os
import time
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ENTROPY_BYTES: Final = 10
TEXT_LENGTH: Final = 26
TIME_LIMIT_MS: Final = 1 << 48
# Two characters at a time: an id is made three times a request.
_PAIRS: Final = tuple(first + second for first in ALPHABET for second in ALPHABET)
_SHIFTS: Final = range(120, -1, -10)


def render_id(time_ms: int, entropy: bytes) -> str:
    """The id of one moment and one draw of random bytes.

    Args:
        time_ms: milliseconds since 1970-01-01 UTC, below 2**48.
        entropy: 10 random bytes.

    Returns:
        26 characters of Crockford's base 32.

    Raises:
        ValueError: an argument is out of range.
    """
    if not 0 <= time_ms < TIME_LIMIT_MS:
        raise ValueError(f"id time `{time_ms}` is not within 48 bits: give milliseconds since 1970")
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"id entropy has {len(entropy)} bytes: give {ENTROPY_BYTES}")
    value = time_ms << 80 | int.from_bytes(entropy)
    return "".join([_PAIRS[value >> shift & 1023] for shift in _SHIFTS])


def new_id() -> str:
    """A fresh id for now, from the system's clock and random source.

    Returns:
        26 characters; unique for all practical purposes.
    """
    return render_id(time.time_ns() // 1_000_000, os.urandom(ENTROPY_BYTES))
