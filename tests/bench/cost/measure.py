"""Every row for every proxy, in turn, so that a noisy minute of the machine meets them all.

Requests, transfers and syncs go through proxies that run side by side, idle but for the one that is measured.
Memory and crowds get a process of their own each: what one measurement freed would make the next look small.
"""

import contextlib
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Concatenate

from bench.cost import samples
from bench.cost.origin import GIB, Origin, run_origin
from bench.cost.proxies import STARTERS, Proxy, s3gate
from bench.cost.rows import DIRECT, GROUPS, OURS


@dataclass(frozen=True)
class Scale:
    """How much of everything.

    Args:
        repeats: of requests, transfers and syncs.
        repeats_memory: of memory and workers.
        connections: made for one value of a CONNECT row.
        kept: requests for one value of a keep-alive row.
        bulk_bytes: of one transfer.
        tunnels: open at once.
        crowd: clients at once.
        crowd_s: seconds of each crowd of transfers.
        whole: whether s3gate moves the big downloads of the crowd to their end.
        files: of 100 KB.
        big: objects of `bulk_bytes` in a sync.
    """

    repeats: int
    repeats_memory: int
    connections: int
    kept: int
    bulk_bytes: int
    tunnels: int
    crowd: int
    crowd_s: float
    whole: bool
    files: int
    big: int


FULL = Scale(3, 2, 300, 3000, GIB, 1000, 100, 30.0, True, 2000, 4)
QUICK = Scale(1, 1, 60, 600, GIB // 4, 100, 20, 3.0, False, 200, 1)


@dataclass
class Results:
    """What was measured.

    Args:
        values: row key, proxy, a value for each repeat.
        notes: what a figure alone does not tell, a sentence each.
    """

    values: dict[str, dict[str, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, found: dict[str, float]) -> None:
        """Keep one value for each row."""
        for row, value in found.items():
            self.values[row][name].append(value)


@dataclass(frozen=True)
class Bench:
    """A measurement under way.

    Args:
        scale: how much.
        origin: that answers.
        directory: on a disk, for the proxies.
        results: so far.
    """

    scale: Scale
    origin: Origin
    directory: Path
    results: Results

    def say(self, what: str) -> None:
        """Progress, on standard error."""
        print(what, file=sys.stderr, flush=True)

    def take[**P](
        self,
        what: str,
        proxy: Proxy,
        sample: Callable[Concatenate[Proxy, P], dict[str, float]],
        *arguments: P.args,
        **named: P.kwargs,
    ) -> None:
        """One measurement; one that fails is a note and a hole in the table."""
        self.say(f"{what}: {proxy.name}")
        try:
            self.results.add(proxy.name, sample(proxy, *arguments, **named))
        except (OSError, AssertionError, samples.FailedError) as exc:
            self.results.notes.append(f"{what}, {proxy.name}: not measured: {exc}")
            self.say(f"  failed: {exc}")

    def fresh(self, name: str, workers: int = 1) -> contextlib.AbstractContextManager[Proxy]:
        """A proxy that has done nothing yet."""
        number = sum(1 for _ in self.directory.iterdir())
        directory = self.directory / f"{number}-{name}"
        if workers > 1:
            return s3gate(directory, self.origin, workers)
        return STARTERS[name](directory, self.origin)


def measure(memory: Path, disk: Path, scale: Scale, groups: frozenset[str]) -> Results:
    """Start everything, measure, stop everything.

    Args:
        memory: a directory in memory, for the origin and what is synced.
        disk: a directory on a disk, for the proxies.
        scale: how much.
        groups: which rows.
    """
    results = Results()
    with run_origin(memory / "origin", scale.files, scale.big, scale.bulk_bytes) as origin:
        bench = Bench(scale, origin, disk, results)
        for group, step in STEPS.items():
            if group & groups:
                step(bench, groups)
    return results


def side_by_side(bench: Bench, groups: frozenset[str]) -> None:
    """Requests, transfers and syncs: all proxies run, one is busy."""
    scale, origin = bench.scale, bench.origin
    with contextlib.ExitStack() as stack:
        proxies = [stack.enter_context(bench.fresh(name)) for name in STARTERS]
        for proxy in proxies:
            samples.warm_up(proxy)
        for number in range(scale.repeats):
            turn = f"repeat {number + 1} of {scale.repeats}, "
            for proxy in proxies:
                if "requests" in groups:
                    bench.take(turn + "requests", proxy, samples.requests, scale.connections, scale.kept)
                if "transfers" in groups:
                    bench.take(turn + "transfers", proxy, samples.transfers, origin)
                if "sync" in groups:
                    bench.take(turn + "sync", proxy, samples.syncs, origin, scale.files, scale.big)


def memory(bench: Bench, _groups: frozenset[str]) -> None:
    """Idle workers and open tunnels, each in a process of its own."""
    for number in range(bench.scale.repeats_memory):
        turn = f"repeat {number + 1} of {bench.scale.repeats_memory}, memory"
        for name in (name for name in STARTERS if name != DIRECT):
            for used in (False, True):
                with bench.fresh(name) as proxy:
                    bench.take(turn, proxy, samples.tunnels, bench.scale.tunnels, used=used)


def crowd(bench: Bench, _groups: frozenset[str]) -> None:
    """Peaks, each in a process of its own."""
    scale, notes = bench.scale, bench.results.notes
    for kind in samples.CROWDS:
        for name in STARTERS:
            if name == DIRECT or (kind.refused and name != OURS):
                continue
            seconds = None if kind.may_be_whole and scale.whole and name == OURS else scale.crowd_s
            with bench.fresh(name) as proxy:
                bench.take(
                    kind.row, proxy, samples.crowd, kind, scale.crowd, seconds, scale.bulk_bytes, notes
                )
            bench.origin.clear_uploads()


def workers(bench: Bench, _groups: frozenset[str]) -> None:
    """The same load on one worker and on two."""
    for number in range(bench.scale.repeats_memory):
        for count in (1, 2):
            turn = f"repeat {number + 1} of {bench.scale.repeats_memory}, {count} workers"
            with bench.fresh(OURS, count) as proxy:
                bench.take(turn, proxy, samples.shared, count, bench.scale.kept, bench.results.notes)


STEPS: dict[frozenset[str], Callable[[Bench, frozenset[str]], None]] = {
    frozenset({"requests", "transfers", "sync"}): side_by_side,
    frozenset({"memory"}): memory,
    frozenset({"crowd"}): crowd,
    frozenset({"workers"}): workers,
}
assert frozenset().union(*STEPS) == set(GROUPS)  # every group of rows is measured somewhere


def described(scale: Scale) -> dict[str, object]:
    """How much was measured, for the JSON."""
    return asdict(scale)
