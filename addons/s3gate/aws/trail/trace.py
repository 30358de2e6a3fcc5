"""Events in, judged ways out: the events of the wanted buckets, each once, beside the gate's records.

The normal case: all records of the journal are in the ledger already; each event is read,
judged and counted, and forgotten.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from s3gate.aws.trail.event import TrailEvent, parse_event
from s3gate.aws.trail.ledger import Ledger
from s3gate.aws.trail.tally import Tally
from s3gate.aws.trail.way import Verdict, judge_way

EXIT_NO: Final = 1
EXIT_INPUT: Final = 2
EXIT_ENVIRONMENT: Final = 3


class Trace:
    """Judges events.

    Args:
        buckets: that are asked about.
        expected: ids of the VPC endpoints that the gate uses; empty when that says nothing.
        ledger: with the gate's records.
        journal: whether there is a journal to compare with.
    """

    def __init__(
        self, buckets: frozenset[str], expected: frozenset[str], ledger: Ledger, *, journal: bool
    ) -> None:
        self._buckets, self._expected, self._ledger, self._journal = buckets, expected, ledger, journal
        self.tally = Tally()
        self.entries = self.unread = self.repeated = self.nameless = 0

    def add(self, entries: Iterable[object]) -> None:
        """Judge what is an event of a wanted bucket.

        Args:
            entries: parsed; None for what could not be read.
        """
        for event in self._wanted(entries):
            passage = self._ledger.find(event) if self._journal else None
            known = passage is not None if self._journal else None
            verdict = judge_way(event, self._expected, known=known, covered=self._ledger.covers(event.time))
            self.tally.add(event, verdict, passage)

    def exit_code(self, *, unreadable: bool) -> int:
        """1: a request went around; 2: not all could be read; 3: nothing can be said; else 0.

        Args:
            unreadable: whether a file could not be read to its end.
        """
        if any(one.is_no for one in self.tally.verdicts):
            return EXIT_NO
        if unreadable or self.unread:
            return EXIT_INPUT
        if self.tally.verdicts[Verdict.THROUGH] == 0 or self.tally.verdicts[Verdict.NOT_COVERED]:
            return EXIT_ENVIRONMENT
        return 0

    def _wanted(self, entries: Iterable[object]) -> Iterator[TrailEvent]:
        for entry in entries:
            self.entries += 1
            if not isinstance(entry, dict):
                self.unread += 1
                continue
            event = parse_event(entry)
            if event is None:
                continue
            self.nameless += not event.buckets
            if not event.buckets & self._buckets:
                continue
            if self._ledger.is_new(event):
                yield event
            else:
                self.repeated += 1
