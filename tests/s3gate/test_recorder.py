"""A decision is in the journal before the gate goes on, or the gate hears that it is not."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from s3gate.audit.heartbeat import Tally
from s3gate.audit.journal import Journal
from s3gate.audit.reader import read_records
from s3gate.health.metrics import Metrics
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.reading import NOTHING_READ, Client, Request
from s3gate.proxy.ports import AuditUnavailable, Completion, Upstream
from s3gate.proxy.selftest import Nonce
from s3gate.recorder import JournalRecorder

REQUEST = Request(
    "GET", "https", None, "/k", (), None, None, Client("10.0.0.1"), datetime(2026, 11, 22, tzinfo=UTC)
)
DENIED = Decision(Reason.BUCKET_NOT_LISTED, "because", NOTHING_READ)
ALLOWED = Decision(Reason.ALLOWED_BY_RULE, "because", NOTHING_READ, "data")


def completion(**changes: object) -> Completion:
    values: dict[str, object] = {
        "decision_id": "D",
        "complete": True,
        "status": 200,
        "bytes_up": 5,
        "bytes_down": 7,
        "duration_us": 10,
        "first_byte_us": 3,
        "address": "127.0.0.1",
        "port": 443,
        "ttl_s": 1,
        "reused": False,
        "request_id": None,
        "id_2": None,
    }
    return Completion(**(values | changes))  # type: ignore[arg-type]  # a table of fields


async def test_records_are_durable_and_counted(tmp_path: Path) -> None:
    metrics = Metrics()
    journal = Journal.open(tmp_path, "w", b"k" * 32, 2**24)
    recorder = JournalRecorder(journal, metrics, Tally())
    await recorder.decision(DENIED, REQUEST, None, "D1")
    await recorder.decision(ALLOWED, REQUEST, Upstream(("127.0.0.1",), 1), "D2")
    recorder.completion(completion())
    recorder.completion(completion(complete=False))
    recorder.completion(completion(complete=False, status=None, reason=Reason.TIMEOUT))
    await recorder.settle()
    journal.close()
    records = list(read_records(journal.directory))
    assert [(one["event"], one["decision_id"]) for one in records] == [
        ("egress", "D1"),
        ("egress", "D2"),
        ("completion", "D"),
        ("completion", "D"),
        ("completion", "D"),
    ]
    assert [one.get("outcome") for one in records[2:]] == ["completed", "failed", "failed"]
    page = metrics.page().body
    assert b's3gate_decisions_total{decision="deny",reason="BUCKET_NOT_LISTED"} 1.0' in page
    assert b's3gate_body_bytes_total{direction="up"} 15.0' in page
    assert b's3gate_transfers_total{status="2xx"} 2.0' in page
    failed = [line for line in page.splitlines() if line.startswith(b"s3gate_transfers_failed_total")]
    assert failed == [
        b's3gate_transfers_failed_total{reason="client_closed"} 1.0',
        b's3gate_transfers_failed_total{reason="TIMEOUT"} 1.0',
    ]


async def test_what_cannot_be_written_is_told_and_counted(tmp_path: Path) -> None:
    metrics = Metrics()
    journal = Journal.open(tmp_path, "w", b"k" * 32, 2**24)
    recorder = JournalRecorder(journal, metrics, Tally())
    journal.close()
    with pytest.raises(AuditUnavailable, match="closed"):
        await recorder.decision(ALLOWED, REQUEST, None, "D1")
    with pytest.raises(AuditUnavailable):
        recorder.completion(completion(status=None))
    page = metrics.page().body
    assert b"s3gate_audit_unavailable_total 2.0" in page
    assert b'reason="ALLOWED_BY_RULE"' not in page


async def test_a_self_test_is_known_by_its_nonce_alone_and_counts_for_nobody(tmp_path: Path) -> None:
    metrics, tally, nonce = Metrics(), Tally(), Nonce()
    journal = Journal.open(tmp_path, "w", b"k" * 32, 2**24)
    recorder = JournalRecorder(journal, metrics, tally, nonce=nonce)
    carrying = replace(REQUEST, headers=(nonce.header,))
    guessing = replace(REQUEST, headers=((nonce.header[0], "0" * 64),))
    await recorder.decision(ALLOWED, carrying, None, "D1")
    for request in (guessing, carrying, carrying):
        await recorder.decision(DENIED, request, None, "D2")
    journal.close()
    told = [(one["event"], one["decision"]) for one in read_records(journal.directory)]
    assert told == [("egress", "allow"), ("egress", "deny"), ("selftest", "deny"), ("egress", "deny")]
    assert tally.take()[0] == {"ALLOWED_BY_RULE": 1, "BUCKET_NOT_LISTED": 2}
    assert nonce.header[1] not in str(list(read_records(journal.directory)))


async def test_names_without_an_answer_are_counted(tmp_path: Path) -> None:
    metrics = Metrics()
    journal = Journal.open(tmp_path, "w", b"k" * 32, 2**24)
    recorder = JournalRecorder(journal, metrics, Tally())
    await recorder.decision(Decision(Reason.DNS_FAILURE, "gone", NOTHING_READ), REQUEST, None, "D")
    journal.close()
    assert b"s3gate_dns_failures_total 1.0" in metrics.page().body
