"""The HMAC chain: each line is sealed over the line before it; `verification.py` checks it later.

A line is the record's JSON with four more root keys at its end: `writer`, `seq`
(from 1, no gaps), `prev` (the hash of the line before, 64 zeros for the first)
and `hash`, an HMAC-SHA256 over every byte of the line before `,"hash":`. What is
checked is the text itself, never a re-serialised reading of it, so that two JSON
parsers cannot disagree about what was sealed.
"""

import hmac
import json
import re
from dataclasses import dataclass
from enum import StrEnum, unique
from hashlib import sha256
from typing import Final

GENESIS: Final = "0" * 64
KEY_MIN_BYTES: Final = 16  # RFC 2104 section 3: a key shorter than the hash weakens it; 128 bits is our floor
HASH_MARK: Final = b',"hash":"'
# The end of a sealed line: writer id, sequence number, previous hash, hash.
_TAIL: Final = re.compile(
    rb',"writer":"([A-Za-z0-9._-]{1,64})","seq":([1-9][0-9]{0,18}),"prev":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"\}',
    re.ASCII,
)
_TAIL_MAX: Final = 300  # bytes: 64 of writer, 19 of seq, 128 of hashes, and the keys


@dataclass(frozen=True, slots=True)
class Link:
    """Where a line stands in its chain."""

    writer: str
    seq: int
    prev: str
    hash: str


@unique
class Fault(StrEnum):
    """What can be wrong with a chain."""

    UNREADABLE = "unreadable"
    EDITED = "edited"
    WRONG_KEY = "wrong key"
    GAP = "gap"
    CUT_HEAD = "cut head"
    CUT_TAIL = "cut tail"
    BROKEN_LINK = "broken link"
    CONFLICT = "conflict"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a chain is known to reach, from elsewhere than its lines.

    Args:
        first: the first sequence number that must be there; those below were shipped and pruned.
        last: the last one that must be there; 0 when nothing is known.
    """

    first: int = 1
    last: int = 0


WHOLE: Final = Extent()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, named by the sequence number where it shows.

    Args:
        fault: what kind.
        writer: whose chain, empty when unreadable.
        seq: the sequence number, 0 when unreadable.
        detail: one lower-case sentence.
    """

    fault: Fault
    writer: str
    seq: int
    detail: str


def seal(body: bytes, writer: str, seq: int, prev: str, key: bytes) -> tuple[bytes, str]:
    """The sealed line of one record.

    Args:
        body: the record as one JSON object in ASCII, not empty, without the four keys.
        writer: id of the chain.
        seq: its place, from 1.
        prev: hash of the line before, hexadecimal.
        key: HMAC key.

    Returns:
        The line without its line end, and its hash.
    """
    sealed = b'%b,"writer":"%b","seq":%d,"prev":"%b"' % (body[:-1], writer.encode(), seq, prev.encode())
    digest = hmac.digest(key, sealed, sha256).hex()
    return b'%b,"hash":"%b"}' % (sealed, digest.encode()), digest


def parse_sealed(line: bytes) -> tuple[Link, dict[str, object]] | None:
    """The link at the end of a line and its record, or None when it is not a whole JSON object with one.

    Args:
        line: without its line end.
    """
    start = line.rfind(b',"writer":"', max(0, len(line) - _TAIL_MAX))
    found = _TAIL.fullmatch(line, start) if start > 0 else None
    record = parse_text(line) if found is not None else None
    if found is None or record is None:
        return None
    writer, seq, prev, digest = found.groups()
    return Link(writer.decode(), int(seq), prev.decode(), digest.decode()), record


def parse_link(line: bytes) -> Link | None:
    """The link at the end of a line, or None when the line is not a whole JSON object with one.

    Args:
        line: without its line end.
    """
    sealed = parse_sealed(line)
    return sealed[0] if sealed is not None else None


def is_sealed(line: bytes, link: Link, key: bytes) -> bool:
    """Whether the line's hash is the one that the key gives."""
    sealed = line[: line.rfind(HASH_MARK)]
    return hmac.compare_digest(hmac.digest(key, sealed, sha256).hex(), link.hash)


def parse_text(line: bytes) -> dict[str, object] | None:
    """The JSON object that a line is, or None."""
    if not line.startswith(b"{"):
        return None
    try:
        parsed = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None
