"""A long journal replayed by several processes: lines in, tallies out, in the order of the lines.

Normally one process for each processor takes 2,000 lines at a time; a short journal is
replayed here. Each process keeps the shapes that it has judged.
"""

import json
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from itertools import batched, chain, islice
from multiprocessing import get_context
from typing import Final

from s3gate.policy.model import Policy
from s3gate.replay.replayer import Answer, Outcome, Replayer
from s3gate.replay.tally import Tally

LINES: Final = 2_000
"""Lines that a process is handed at a time: some 3 MB."""

ALONE: Final = 10
"""Portions that are replayed here before other processes are worth their start (about a second)."""

AHEAD: Final = 3
"""Portions for each process that are handed out before the first comes back."""

_EGRESS: Final = b'"event":"egress"'
# Where a sealed line stands in its chain; the journal writes these last.
_PLACE: Final = re.compile(rb'"writer":"([^"]*)","seq":([0-9]+),"prev":"[^"]*","hash":"[^"]*"\}\s*\Z')
_TAIL: Final = 512  # bytes: writer 64, two hashes of 64, a number, the names


class CrewLost(Exception):
    """A process of the crew was killed."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to judge by.

    Args:
        policy: the new one.
        befores: policies of the past.
        at: the clock for monitor modes, time zone aware.
        told: whether every decision that is not the same is wanted as a JSON line.
    """

    policy: Policy
    befores: tuple[Policy, ...]
    at: datetime
    told: bool = False


@dataclass(frozen=True, slots=True)
class Portion:
    """What was found in some lines: the counts, and JSON lines when they are wanted."""

    tally: Tally
    told: tuple[str, ...]


class Worker:
    """Replays portions, in whatever process it was made."""

    def __init__(self, job: Job) -> None:
        self._replayer, self._told = Replayer(job.policy, job.befores, job.at), job.told

    def replay(self, lines: Sequence[bytes]) -> Portion:
        """Judge the decisions among these lines anew."""
        tally, told = Tally(), []
        for line in lines:
            try:
                record = json.loads(line)
                digest = record["policy"]
                if record["event"] != "egress":
                    continue
            except (ValueError, TypeError, KeyError, RecursionError):
                tally.unreadable += 1
                continue
            answer = self._replayer.answer(record)
            absent = isinstance(digest, str) and self._replayer.missing(digest)
            tally.count(record, answer, digest if absent else None)
            if self._told and answer.outcome is not Outcome.SAME:
                told.append(render_answer(record, answer))
        return Portion(tally, tuple(told))


def render_answer(record: dict[str, object], answer: Answer) -> str:
    """One decision that is not the same, as a JSON line."""
    request, client = record.get("request"), record.get("client")
    asked = request if isinstance(request, dict) else {}
    return json.dumps(
        {
            "decision_id": record.get("decision_id"),
            "time": record.get("time"),
            "outcome": answer.outcome.value,
            "was": str(answer.was) if answer.was is not None else None,
            "was_rule": record.get("rule"),
            "now": [str(one) for one in answer.now],
            "rule": answer.rule,
            "hangs_on": answer.hangs_on,
            "assumes": answer.assumes,
            "client": client.get("address") if isinstance(client, dict) else None,
            "bucket": asked.get("bucket"),
            "key": asked.get("key"),
            "operation": asked.get("operation"),
        },
        separators=(",", ":"),
    )


def replay(
    lines: Iterable[bytes],
    job: Job,
    processes: int | None = None,
    passed: Callable[[int], None] = lambda _lines: None,
) -> Iterator[Portion]:
    """Replay a whole trail.

    Args:
        lines: of one trail or several; other events than decisions and repetitions are left out.
        job: what to judge by.
        processes: at most so many; None: one for each processor.
        passed: told the number of lines that are done.

    Yields:
        What was found, portion by portion, in order.

    Raises:
        CrewLost: a process was killed, perhaps for want of memory.
    """
    wanted = batched(each_once(lines), LINES)
    here, first = Worker(job), list(islice(wanted, ALONE))
    following = next(wanted, None)
    for portion in first:
        yield here.replay(portion)
        passed(len(portion))
    if following is None:
        return
    rest = chain([following], wanted)
    count = processes or len(os.sched_getaffinity(0))
    if count > 1:
        yield from _together(rest, job, count, passed)
        return
    for portion in rest:
        yield here.replay(portion)
        passed(len(portion))


def _together(
    portions: Iterator[tuple[bytes, ...]], job: Job, count: int, passed: Callable[[int], None]
) -> Iterator[Portion]:
    with ExitStack() as stack:
        pool = stack.enter_context(
            ProcessPoolExecutor(count, get_context("spawn"), initializer=_begin, initargs=(job,))
        )
        stack.callback(pool.shutdown, wait=True, cancel_futures=True)
        waiting: deque[tuple[Future[Portion], int]] = deque()
        try:
            for portion in portions:
                waiting.append((pool.submit(_replay, portion), len(portion)))
                if len(waiting) >= AHEAD * count:
                    yield from _take(waiting, passed)
            while waiting:
                yield from _take(waiting, passed)
        except BrokenProcessPool as exc:
            raise CrewLost("a process was killed; give it more memory, or `--processes 1`") from exc


def _take(waiting: deque[tuple[Future[Portion], int]], passed: Callable[[int], None]) -> Iterator[Portion]:
    done, number = waiting.popleft()
    yield done.result()
    passed(number)


def each_once(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The decisions among the lines of a trail, each once: CloudWatch may hold a record twice."""
    seen: dict[bytes, bytearray] = {}
    for line in lines:
        if _EGRESS not in line:
            continue
        place = _PLACE.search(line, max(0, len(line) - _TAIL))
        if place is not None:
            seq = int(place[2])
            bits = seen.setdefault(place[1], bytearray())
            at, bit = seq >> 3, 1 << (seq & 7)
            if at >= len(bits):
                bits.extend(bytes(at - len(bits) + 4096))
            if bits[at] & bit:
                continue
            bits[at] |= bit
        yield line


_worker: Worker | None = None


def _begin(job: Job) -> None:
    """In a new process: be ready."""
    global _worker  # noqa: PLW0603 - one process has one worker, which a pool can hand to no call
    _worker = Worker(job)


def _replay(lines: Sequence[bytes]) -> Portion:
    if _worker is None:
        raise RuntimeError("the process was not begun")
    return _worker.replay(lines)
