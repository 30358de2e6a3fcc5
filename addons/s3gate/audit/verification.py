"""Is a trail whole and unaltered? Lines of any number of writers, in any order, with repetitions. Pure.

Normal case: every line is sealed with the key, the numbers of each writer have no gap,
each line follows the one before it, and every head that a heartbeat names is there.
Of each line 16 bytes are kept: the beginnings of its hash and of the hash before it,
so that a year's trail fits in memory. (64 bits of an HMAC: without the key nobody can
aim at them, and who has the key can write another chain altogether.)

Lines outside of the chains, which the shipper adds to a stream, prove nothing and are
counted only.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from s3gate.audit.chain import (
    GENESIS,
    WHOLE,
    Extent,
    Fault,
    Finding,
    Link,
    is_sealed,
    parse_sealed,
    parse_text,
)

PAGE: Final = 4096  # links of one page; pages lie apart, so that a chain may begin anywhere
FINDINGS_MAX: Final = 10_000  # of one writer; beyond this a list helps nobody
SEAL_BYTES: Final = 8  # kept of each hash
UNSEALED: Final = frozenset({"dead_letter", "audit_backfill"})
_EMPTY: Final = array("Q", bytes(PAGE * 2 * SEAL_BYTES))


class ChainCheck:
    """What is known of one writer's chain.

    Args:
        writer: its id.
    """

    def __init__(self, writer: str) -> None:
        self.writer = writer
        self.records = 0
        self._pages: dict[int, array[int]] = {}
        self._claims: dict[int, int] = {}
        self._edited: dict[int, tuple[int, int]] = {}
        self._first_edited = 0
        self._intact = 0
        self._findings: list[Finding] = []

    def add(self, link: Link, *, intact: bool) -> None:
        """Take in one line.

        Args:
            link: its place.
            intact: whether its hash fits the key.
        """
        self.records += 1
        own, prev = _begin(link.hash), _begin(link.prev)
        if not intact:
            self._first_edited = self._first_edited or link.seq
            if len(self._edited) < FINDINGS_MAX:
                self._edited.setdefault(link.seq, (own, prev))
                self._find(Fault.EDITED, link.seq, "its hash does not fit its text")
            return
        self._intact += 1
        page = self._pages.setdefault(link.seq // PAGE, _EMPTY)
        if page is _EMPTY:
            page = self._pages[link.seq // PAGE] = array("Q", _EMPTY)
        at = link.seq % PAGE * 2
        if page[at] and (page[at], page[at + 1]) != (own, prev):
            self._find(Fault.CONFLICT, link.seq, "two lines carry this number, both sealed with the key")
        else:
            page[at], page[at + 1] = own, prev

    def claim(self, seq: int, digest: str) -> None:
        """A heartbeat says that the chain reached this record.

        Args:
            seq: its number.
            digest: its hash.
        """
        self._claims[seq] = _begin(digest)

    def finish(self, extent: Extent) -> list[Finding]:
        """Everything that is wrong, in the order of `seq`.

        Args:
            extent: how far the chain must reach, from elsewhere.
        """
        if not self._intact and self.records > 1:
            detail = "no line fits this key: is it the right one?"
            return [Finding(Fault.WRONG_KEY, self.writer, self._first_edited, detail)]
        last = max([extent.last, *self._claims])
        first, reached = self._follow(extent, last)
        for seq, begin in self._claims.items():
            if first <= seq <= reached and (at := self._link(seq)) is not None and at[0] != begin:
                self._find(Fault.REPLACED, seq, "a heartbeat names another hash for it")
        return sorted(self._findings, key=lambda finding: finding.seq)

    def _follow(self, extent: Extent, last: int) -> tuple[int, int]:
        """Walk along the links; the first and the last number that are there."""
        first = reached = 0
        before = _begin(GENESIS)
        for seq, own, prev in self._links():
            if not first:
                first = seq
                if seq > extent.first or (seq == 1 and prev != before):
                    self._find(Fault.CUT_HEAD, seq, f"the chain should begin at or before {extent.first}")
            elif seq != reached + 1:
                missing = f"{seq - reached - 1} records before it are missing, from {reached + 1}"
                self._find(Fault.GAP, seq, missing)
            elif prev != before:
                self._find(Fault.BROKEN_LINK, seq, "it does not follow the record before it")
            reached, before = seq, own
        if not reached and last >= extent.first:
            self._find(Fault.CUT_TAIL, last, f"no record is left, and it reached {last}")
        elif reached and reached < last:
            self._find(Fault.CUT_TAIL, reached, f"the chain should reach {last}")
        return first, reached

    def _links(self) -> Iterator[tuple[int, int, int]]:
        """Every number that is there with both beginnings, ascending; edited lines as they claim."""
        edited = sorted(seq for seq in self._edited if self._sealed(seq) is None)
        for number in sorted({*self._pages, *(seq // PAGE for seq in edited)}):
            page = self._pages.get(number, _EMPTY)
            for offset in range(PAGE):
                seq = number * PAGE + offset
                if page[offset * 2]:
                    yield seq, page[offset * 2], page[offset * 2 + 1]
                elif seq in self._edited:
                    yield seq, *self._edited[seq]

    def _sealed(self, seq: int) -> tuple[int, int] | None:
        page, at = self._pages.get(seq // PAGE, _EMPTY), seq % PAGE * 2
        return (page[at], page[at + 1]) if page[at] else None

    def _link(self, seq: int) -> tuple[int, int] | None:
        return self._sealed(seq) or self._edited.get(seq)

    def _find(self, fault: Fault, seq: int, detail: str) -> None:
        if len(self._findings) < FINDINGS_MAX:
            self._findings.append(Finding(fault, self.writer, seq, detail))


class Verification:
    """Takes in lines one by one, and says at the end what is wrong.

    Args:
        key: HMAC key.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._chains: dict[str, ChainCheck] = {}
        self._unreadable: list[Finding] = []
        self.unsealed = 0

    def add(self, line: bytes) -> None:
        """Take in one line without its line end."""
        sealed = parse_sealed(line)
        if sealed is None:
            record = parse_text(line)
            if record is not None and record.get("event") in UNSEALED:
                self.unsealed += 1
            elif len(self._unreadable) < FINDINGS_MAX:
                detail = f"a line of {len(line)} bytes is not a sealed record"
                self._unreadable.append(Finding(Fault.UNREADABLE, "", 0, detail))
            return
        link, record = sealed
        intact = is_sealed(line, link, self._key)
        self._chain(link.writer).add(link, intact=intact)
        if intact and record.get("event") == "heartbeat":
            for writer, seq, digest in _heads(record):
                self._chain(writer).claim(seq, digest)

    def finish(
        self, extents: Mapping[str, Extent], *, only: str | None = None, default: Extent = WHOLE
    ) -> dict[str, tuple[int, list[Finding]]]:
        """What is wrong, by writer; unreadable lines under the empty name.

        Args:
            extents: how far chains must reach, from elsewhere than their lines.
            only: the one writer whose lines these are; heads of others are not missed.
            default: for chains that `extents` does not name.

        Returns:
            For each writer how many lines there were, and the findings in the order of `seq`.
        """
        for writer in extents:
            self._chain(writer)
        found = {
            writer: (chain.records, chain.finish(extents.get(writer, default)))
            for writer, chain in sorted(self._chains.items())
            if chain.records or only is None or writer == only
        }
        return {"": (len(self._unreadable), self._unreadable), **found} if self._unreadable else found

    def _chain(self, writer: str) -> ChainCheck:
        return self._chains.setdefault(writer, ChainCheck(writer))


def verify(lines: Iterable[bytes], key: bytes, extent: Extent = WHOLE) -> list[Finding]:
    """Everything that is wrong with one writer's lines.

    Args:
        lines: sealed lines without line ends.
        key: HMAC key.
        extent: how far the chain must reach.

    Returns:
        Findings in the order of `seq`; empty for a whole, unaltered chain.
    """
    verification = Verification(key)
    for line in lines:
        verification.add(line)
    found = verification.finish({}, default=extent)
    if not any(writer for writer in found) and extent.last >= extent.first:
        found["w"] = (0, ChainCheck("").finish(extent))
    return sorted((one for _, findings in found.values() for one in findings), key=lambda one: one.seq)


def _begin(digest: str) -> int:
    """The beginning of a hash as a number; never 0, which stands for an empty place."""
    return int(digest[: SEAL_BYTES * 2], 16) or 1


def _heads(record: Mapping[str, object]) -> Iterator[tuple[str, int, str]]:
    """The heads that a sealed heartbeat names; it was sealed, so it is ours and has its shape."""
    heads = record.get("heads")
    for head in heads if isinstance(heads, list) else ():
        yield head["writer"], head["seq"], head["hash"]
