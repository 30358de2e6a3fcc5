"""Records of the gate itself, not of a request: which policy came into force, and that it lives. Pure.

A `policy` record stands in the journal before the policy it names judges anything;
a `heartbeat` each minute lists the heads of all chains, so that a tail, or a chain,
that vanishes is seen. While anything is in monitor mode, a `monitor` record a day lists
it. After an outage the shipper adds an `audit_backfill` record to the stream: CloudWatch
counts a late event at its old minute, which no alarm looks at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from s3gate.audit.record import SCHEMA, render_time

RULES_LISTED: Final = 200
"""Rules of a `monitor` record: some 20 KB of an event's 256; `watched` counts all."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of one writer's chain: its last sequence number and hash."""

    writer: str
    seq: int
    hash: str


def render_policy(
    *, audit_id: str, time: datetime, before: str | None, after: str, source: str
) -> dict[str, object]:
    """The record of a policy that comes into force.

    Args:
        audit_id: unique per record.
        time: when, time zone aware.
        before: digest of the policy it replaces, `sha256:…`; None at the start.
        after: its own digest.
        source: where it came from, as the settings name it.
    """
    return {
        "schema": SCHEMA,
        "event": "policy",
        "time": render_time(time),
        "audit_id": audit_id,
        "policy": after,
        "before": before,
        "source": source,
    }


@dataclass(frozen=True, slots=True)
class Watched:
    """What is in monitor mode.

    Args:
        policy: digest of the policy.
        whole_until: last day of the whole policy's monitor mode, or None.
        rules: id and last day of each rule in monitor mode, in file order.
    """

    policy: str
    whole_until: date | None
    rules: Sequence[tuple[str, date]]

    @property
    def count(self) -> int:
        """The rules, and one for the whole."""
        return len(self.rules) + (self.whole_until is not None)


def render_monitor(watched: Watched, *, audit_id: str, time: datetime) -> dict[str, object]:
    """The record of what is in monitor mode, and until when.

    Args:
        watched: what is; a count of 0 says that the last of it has ended.
        audit_id: unique per record.
        time: when, time zone aware.
    """
    whole = watched.whole_until
    return {
        "schema": SCHEMA,
        "event": "monitor",
        "time": render_time(time),
        "audit_id": audit_id,
        "policy": watched.policy,
        "watched": watched.count,
        "whole_until": whole.isoformat() if whole is not None else None,
        "rules": [{"rule": rule, "until": day.isoformat()} for rule, day in watched.rules[:RULES_LISTED]],
    }


@dataclass(frozen=True, slots=True)
class Delivery:
    """How shipping stood at a heartbeat.

    Args:
        acknowledged_seq: the writer's last record that CloudWatch accepted.
        oldest_unacknowledged_s: age of the oldest record that waits, seconds; 0 when none does.
        retries: calls that were tried again since the shipper started.
        dead_letters: records that CloudWatch never takes, since the shipper started.
        restarts: how often the shipper was started again.
        error: code of what shipping waits for, or None.
    """

    acknowledged_seq: int
    oldest_unacknowledged_s: float
    retries: int
    dead_letters: int
    restarts: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a heartbeat says of its gate.

    Args:
        policy: digest of the policy in force, or None.
        heads: of every writer in the directory.
        counts: decisions of each reason since the last heartbeat.
        unavailable: records that could not be made durable since then.
        used_percent: how much of the journal's room is taken.
        delivery: how shipping stands; None where nothing is shipped.
        last: whether the gate ends with it, in order.
    """

    policy: str | None
    heads: Sequence[Head]
    counts: Mapping[str, int]
    unavailable: int = 0
    used_percent: int = 0
    delivery: Delivery | None = None
    last: bool = False


def render_heartbeat(pulse: Pulse, *, audit_id: str, time: datetime) -> dict[str, object]:
    """The record that says the gate lives and how far each chain reaches.

    Args:
        pulse: what it says.
        audit_id: unique per record.
        time: when, time zone aware.
    """
    delivery = pulse.delivery
    return {
        "schema": SCHEMA,
        "event": "heartbeat",
        "time": render_time(time),
        "audit_id": audit_id,
        "policy": pulse.policy,
        "last": pulse.last,
        "heads": [{"writer": head.writer, "seq": head.seq, "hash": head.hash} for head in pulse.heads],
        "counts": dict(pulse.counts),
        "unavailable": pulse.unavailable,
        "used_percent": pulse.used_percent,
        "delivery": None
        if delivery is None
        else {
            "acknowledged_seq": delivery.acknowledged_seq,
            "oldest_unacknowledged_s": round(delivery.oldest_unacknowledged_s, 3),
            "retries": delivery.retries,
            "dead_letters": delivery.dead_letters,
            "restarts": delivery.restarts,
            "error": delivery.error,
        },
    }


@dataclass(frozen=True, slots=True)
class Late:
    """What one call delivered after its time.

    Args:
        writer: whose records.
        first_seq: of the first late record.
        last_seq: of the last one.
        records: how many were late.
        denials: how many of them are refusals.
        oldest: when the first of them happened.
    """

    writer: str
    first_seq: int
    last_seq: int
    records: int
    denials: int
    oldest: datetime


def render_backfill(late: Late, *, audit_id: str, time: datetime) -> dict[str, object]:
    """The record that the shipper adds when refusals arrive too late for their alarm.

    It stands in the log stream only, stamped now and outside of the chain: everything
    it counts is sealed in the records themselves.

    Args:
        late: what it tells.
        audit_id: unique per record.
        time: now, time zone aware.
    """
    return {
        "schema": SCHEMA,
        "event": "audit_backfill",
        "time": render_time(time),
        "audit_id": audit_id,
        "writer": late.writer,
        "first_seq": late.first_seq,
        "last_seq": late.last_seq,
        "late_records": late.records,
        "late_denials": late.denials,
        "oldest": render_time(late.oldest),
    }
