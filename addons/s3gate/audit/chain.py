"""The HMAC chain: each line is sealed over the line before it, and can be checked later.

A line is the record's JSON with four more root keys at its end: `writer`, `seq`
(from 1, no gaps), `prev` (the hash of the line before, 64 zeros for the first)
and `hash`, an HMAC-SHA256 over every byte of the line before `,"hash":`. What is
checked is the text itself, never a re-serialised reading of it, so that two JSON
parsers cannot disagree about what was sealed.
"""

import hmac
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum, unique
from hashlib import sha256
from itertools import pairwise
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


def parse_link(line: bytes) -> Link | None:
    """The link at the end of a line, or None when the line is not a whole JSON object with one.

    Args:
        line: without its line end.
    """
    start = line.rfind(b',"writer":"', max(0, len(line) - _TAIL_MAX))
    found = _TAIL.fullmatch(line, start) if start > 0 else None
    if found is None or not _is_object(line):
        return None
    writer, seq, prev, digest = found.groups()
    return Link(writer.decode(), int(seq), prev.decode(), digest.decode())


def is_sealed(line: bytes, link: Link, key: bytes) -> bool:
    """Whether the line's hash is the one that the key gives."""
    sealed = line[: line.rfind(HASH_MARK)]
    return hmac.compare_digest(hmac.digest(key, sealed, sha256).hex(), link.hash)


def verify(lines: Iterable[bytes], key: bytes, extent: Extent = WHOLE) -> list[Finding]:
    """Everything that is wrong with one writer's lines, in any order and with repetitions.

    Args:
        lines: sealed lines without line ends.
        key: HMAC key.
        extent: how far the chain must reach.

    Returns:
        Findings in the order of `seq`; empty for a whole, unaltered chain.
    """
    findings: list[Finding] = []
    chain: dict[int, tuple[bytes, Link]] = {}  # the digest of a line stands for it: journals are large
    intact = 0
    for line in lines:
        link = parse_link(line)
        if link is None:
            findings.append(
                Finding(Fault.UNREADABLE, "", 0, f"a line of {len(line)} bytes is not a sealed record")
            )
            continue
        if is_sealed(line, link, key):
            intact += 1
        else:
            findings.append(Finding(Fault.EDITED, link.writer, link.seq, "its hash does not fit its text"))
        digest = sha256(line).digest()
        if chain.setdefault(link.seq, (digest, link))[0] != digest:
            findings.append(Finding(Fault.CONFLICT, link.writer, link.seq, "two lines carry this number"))
    if chain and not intact and len(chain) > 1:
        first = chain[min(chain)][1]
        return [
            Finding(Fault.WRONG_KEY, first.writer, first.seq, "no line fits this key: is it the right one?")
        ]
    findings += _follow([chain[seq][1] for seq in sorted(chain)], extent)
    return sorted(findings, key=lambda finding: finding.seq)


def _follow(links: list[Link], extent: Extent) -> list[Finding]:
    """What is wrong between the links: a cut head or tail, gaps, links that do not join."""
    if not links:
        gone = f"no record is left, and it reached {extent.last}"
        return [Finding(Fault.CUT_TAIL, "", extent.last, gone)] if extent.last >= extent.first else []
    found: list[Finding] = []
    first = links[0]
    if first.seq > extent.first or (first.seq == 1 and first.prev != GENESIS):
        found.append(
            Finding(
                Fault.CUT_HEAD, first.writer, first.seq, f"the chain should begin at or before {extent.first}"
            )
        )
    for before, link in pairwise(links):
        if link.seq != before.seq + 1:
            missing = link.seq - before.seq - 1
            found.append(
                Finding(
                    Fault.GAP,
                    link.writer,
                    link.seq,
                    f"{missing} records before it are missing, from {before.seq + 1}",
                )
            )
        elif link.prev != before.hash:
            found.append(
                Finding(Fault.BROKEN_LINK, link.writer, link.seq, "it does not follow the record before it")
            )
    if links[-1].seq < extent.last:
        last = links[-1]
        gone = f"the chain should reach {extent.last}"
        found.append(Finding(Fault.CUT_TAIL, last.writer, last.seq, gone))
    return found


def _is_object(line: bytes) -> bool:
    if not line.startswith(b"{"):
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
