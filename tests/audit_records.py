"""Journals with made-up traffic, for the commands that people read."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from s3gate.audit.appender import Appender, Room
from s3gate.audit.record import Transfer, render_completion, render_decision, render_time
from s3gate.audit.room import Kind
from s3gate.audit.segment import recover_tail
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.reading import Client, Reading, Request

KEY = b"k" * 32
START = datetime(2026, 11, 22, 8, tzinfo=UTC)
GROUP = 500


def reading(bucket: str) -> Reading:
    host = f"{bucket}.s3.eu-west-1.amazonaws.com"
    return Reading(
        host, bucket, "k", "virtual", "standard", "eu-west-1", "aws", "PutObject", None, None, None
    )


def decision(
    reason: Reason, bucket: str, client: str, number: int, moment: datetime = START
) -> dict[str, object]:
    request = Request("PUT", "https", None, "/k", (), None, None, Client(client), moment)
    made = Decision(reason, "because", reading(bucket), "data" if reason is Reason.ALLOWED_BY_RULE else None)
    return render_decision(made, request, audit_id=f"a{number}", decision_id=f"d{number}", time=moment)


def completion(number: int, up: int, down: int, moment: datetime = START) -> dict[str, object]:
    transfer = Transfer(200, up, down, 1000)
    return render_completion(transfer, audit_id=f"c{number}", decision_id=f"d{number}", time=moment)


def traffic(storm: int = 300) -> list[dict[str, object]]:
    """Ten uploads, a fronted request, a hostile name, and a storm over many buckets."""
    records = []
    for number in range(10):
        moment = START + timedelta(minutes=number)
        records.append(decision(Reason.ALLOWED_BY_RULE, "good", "10.0.0.1", number, moment))
        records.append(completion(number, 1000, 10, moment + timedelta(seconds=1)))
    records.append(decision(Reason.HOST_MISMATCH, "evil", "10.0.0.2", 20, START + timedelta(minutes=3)))
    hostile = "<script>alert(1)</script>"
    records.append(decision(Reason.BUCKET_NOT_LISTED, hostile, "10.0.0.2", 21, START + timedelta(minutes=4)))
    for number in range(storm):
        moment = START + timedelta(minutes=5, milliseconds=number * 20)
        records.append(decision(Reason.BUCKET_NOT_LISTED, f"b-{number}", "10.0.0.3", 1000 + number, moment))
    return records


def write_journal(directory: Path, records: Iterator[dict[str, object]] | list[dict[str, object]]) -> Path:
    """A journal of writer `w1` under `directory` with these records; returns `directory`."""
    own = directory / "w1"
    own.mkdir(parents=True)
    appender = Appender(own, "w1", KEY, Room(1 << 34, 16 << 20), recover_tail(own, "w1", KEY))
    group: list[tuple[bytes, Kind]] = []
    for record in records:
        group.append((json.dumps(record, separators=(",", ":")).encode(), Kind.NOTICE))
        if len(group) == GROUP:
            appender.append(group)
            group = []
    appender.append(group)
    appender.close()
    return directory


__all__ = ["KEY", "START", "completion", "decision", "render_time", "traffic", "write_journal"]
