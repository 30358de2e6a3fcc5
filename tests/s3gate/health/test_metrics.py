"""Counters appear under their names."""

from s3gate.health.metrics import Metrics


def test_counted_decisions_are_on_the_page() -> None:
    metrics = Metrics()
    metrics.decisions.labels("deny", "BUCKET_NOT_LISTED").inc()
    page = metrics.page()
    assert page.status == 200
    line = b's3gate_decisions_total{decision="deny",reason="BUCKET_NOT_LISTED"} 1.0'
    assert line in page.body


def test_two_workers_do_not_share_counters() -> None:
    first, second = Metrics(), Metrics()
    first.audit_unavailable.inc()
    assert b"s3gate_audit_unavailable_total 0.0" in second.page().body
