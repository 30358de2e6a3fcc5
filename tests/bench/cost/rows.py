"""What is measured, and the goal of each row: a closed list, in the order of the table.

A goal is judged on medians of one run. Most are ratios to Squid in the same run, since machines differ.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

DIRECT, MITMDUMP, SQUID, OURS = "direct", "mitmdump", "Squid", "s3gate"
NAMES = (DIRECT, MITMDUMP, SQUID, OURS)

type Values = Mapping[str, Mapping[str, Sequence[float]]]
"""Row key, proxy, a value for each repeat."""


class Against(Enum):
    """What ours is divided by before it is compared with the limit."""

    SQUID = "Squid"
    DIRECT = "direct"
    ADDED = "Squid, both above direct"
    ROW = "another row"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Goal:
    """At most so much.

    Args:
        limit: of the ratio, or in the row's unit when it is against nothing.
        against: what it is divided by.
        row: the other row's key, of the same proxy.
    """

    limit: float
    against: Against
    row: str = ""


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Args:
        key: its name in the JSON, with its unit.
        label: its name in the table, at most 20 characters.
        section: what it stands under, with the unit.
        group: what `--rows` names.
        goals: all must be met.
    """

    key: str
    label: str
    section: str
    group: str
    goals: tuple[Goal, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """A goal, judged.

    Args:
        goal: it.
        ratio: what is compared with its limit.
        met: whether it is at most that.
    """

    goal: Goal
    ratio: float
    met: bool


def _squid(limit: float) -> tuple[Goal, ...]:
    return (Goal(limit, Against.SQUID),)


def _flat(row: str) -> tuple[Goal, ...]:
    return (Goal(1.1, Against.ROW, row),)


_ADDED = (Goal(2.0, Against.ADDED),)
_SYNC = (Goal(1.15, Against.DIRECT), Goal(1.0, Against.SQUID))
_BULK = "CPU of the proxy, seconds a GiB"
_SMALL = "CPU of the proxy, ms a request"
_LATENCY = "Latency of one small GET, ms (goal: what is added to direct)"
_MEMORY = "Memory of one process"
_CROWD = "Peak memory with 100 clients at once, MiB (goal: flat in size)"
_WORKERS = "16 connections, 4 requests at once, CPU ms a request"
_WALL = "aws s3 sync, seconds by the clock"

ROWS = (
    Row("get_cpu_s_per_gib", "GET", _BULK, "transfers", _squid(0.7)),
    Row("put_cpu_s_per_gib", "PUT", _BULK, "transfers", _squid(1.0)),
    Row("put_chunked_cpu_s_per_gib", "PUT in chunks", _BULK, "transfers", _squid(1.0)),
    Row("get_mib_per_s", "GET, MiB/s", _BULK, "transfers"),
    Row("put_chunked_mib_per_s", "PUT in chunks, MiB/s", _BULK, "transfers"),
    Row("connect_cpu_ms", "CONNECT + TLS + GET", _SMALL, "requests", _squid(1.0)),
    Row("keep_alive_cpu_ms", "keep-alive GET", _SMALL, "requests", _squid(3.0)),
    Row("keep_alive_p50_ms", "keep-alive, p50", _LATENCY, "requests", _ADDED),
    Row("keep_alive_p99_ms", "keep-alive, p99", _LATENCY, "requests", _ADDED),
    Row("connect_p50_ms", "with CONNECT, p50", _LATENCY, "requests", _ADDED),
    Row("connect_p99_ms", "with CONNECT, p99", _LATENCY, "requests", _ADDED),
    Row("idle_mib", "idle worker, MiB", _MEMORY, "memory", (Goal(120, Against.NOTHING),)),
    Row("tunnel_idle_kib", "idle tunnel, KiB", _MEMORY, "memory", (Goal(100, Against.NOTHING),)),
    Row("tunnel_used_kib", "with upstream, KiB", _MEMORY, "memory", (Goal(180, Against.NOTHING),)),
    Row("crowd_get_small_mib", "GET of 16 MiB", _CROWD, "crowd"),
    Row("crowd_get_big_mib", "GET of 1 GiB", _CROWD, "crowd", _flat("crowd_get_small_mib")),
    Row("crowd_put_small_mib", "PUT of 16 MiB", _CROWD, "crowd"),
    Row("crowd_put_big_mib", "PUT of 1 GiB", _CROWD, "crowd", _flat("crowd_put_small_mib")),
    Row("crowd_denied_small_mib", "refused PUT of 1 MiB", _CROWD, "crowd"),
    Row("crowd_denied_big_mib", "refused PUT of 5 GiB", _CROWD, "crowd", _flat("crowd_denied_small_mib")),
    Row("workers_1_cpu_ms", "1 worker", _WORKERS, "workers"),
    Row("workers_2_cpu_ms", "2 workers", _WORKERS, "workers", (Goal(1.1, Against.ROW, "workers_1_cpu_ms"),)),
    Row("sync_down_many_s", "down, 2,000 x 100 KB", _WALL, "sync", _SYNC),
    Row("sync_up_many_s", "up, 2,000 x 100 KB", _WALL, "sync", _SYNC),
    Row("sync_down_big_s", "down, 4 x 1 GiB", _WALL, "sync", _SYNC),
    Row("sync_up_big_s", "up, 4 x 1 GiB", _WALL, "sync", _SYNC),
)
GROUPS = tuple(dict.fromkeys(row.group for row in ROWS))


def median(values: Values, row: str, name: str) -> float | None:
    """The middle value, or None when it was not measured."""
    found = values.get(row, {}).get(name)
    return statistics.median(found) if found else None


def spread(found: Sequence[float]) -> float:
    """Half of what lies between the least and the most."""
    return (max(found) - min(found)) / 2


def judge(row: Row, values: Values) -> list[Verdict]:
    """Its goals that can be judged on what was measured."""
    ours = median(values, row.key, OURS)
    verdicts = []
    for goal in row.goals:
        ratio = _ratio(goal, row, values, ours)
        if ratio is not None:
            verdicts.append(Verdict(goal, ratio, ratio <= goal.limit))
    return verdicts


def _ratio(goal: Goal, row: Row, values: Values, ours: float | None) -> float | None:
    direct = median(values, row.key, DIRECT)
    squid = median(values, row.key, SQUID)
    base: float | None
    match goal.against:
        case Against.NOTHING:
            return ours
        case Against.SQUID:
            base = squid
        case Against.DIRECT:
            base = direct
        case Against.ROW:
            base = median(values, goal.row, OURS)
        case Against.ADDED:
            if direct is None or squid is None or ours is None:
                return None
            ours, base = ours - direct, squid - direct
    return ours / base if ours is not None and base else None
