"""Records of the gate itself, not of a request: which policy came into force, and that it lives. Pure.

A `policy` record stands in the journal before the policy it names judges anything;
a `heartbeat` each minute lists the heads of all chains, so that a tail, or a chain,
that vanishes is seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from s3gate.audit.record import SCHEMA, render_time


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


def render_heartbeat(
    *, audit_id: str, time: datetime, policy: str | None, heads: Sequence[Head], counts: Mapping[str, int]
) -> dict[str, object]:
    """The record that says the gate lives and how far each chain reaches.

    Args:
        audit_id: unique per record.
        time: when, time zone aware.
        policy: digest of the policy in force, or None.
        heads: of every writer in the directory.
        counts: records of each reason since the last heartbeat.
    """
    return {
        "schema": SCHEMA,
        "event": "heartbeat",
        "time": render_time(time),
        "audit_id": audit_id,
        "policy": policy,
        "heads": [{"writer": head.writer, "seq": head.seq, "hash": head.hash} for head in heads],
        "counts": dict(counts),
    }
