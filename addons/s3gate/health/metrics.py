"""What is counted, under Prometheus names; labels come from closed lists only.

A label never holds what a client chose: a bucket's name as a label would let anybody
fill the memory of whoever collects it.
"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from s3gate.health.server import Page

METRICS_TYPE: Final = CONTENT_TYPE_LATEST


class Metrics:
    """The counters of one worker, in a registry of their own."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self.decisions = Counter(
            "s3gate_decisions", "Decisions by verdict and reason.", ["decision", "reason"], registry=registry
        )
        self.transfers = Counter(
            "s3gate_transfers", "Ended transfers by status class.", ["status"], registry=registry
        )
        self.body_bytes = Counter(
            "s3gate_body_bytes",
            "Body bytes by direction, seen from the client.",
            ["direction"],
            registry=registry,
        )
        self.audit_unavailable = Counter(
            "s3gate_audit_unavailable", "Records that could not be made durable.", registry=registry
        )
        self.journal_seq = Gauge(
            "s3gate_journal_seq", "Sequence number of the last durable record.", registry=registry
        )
        self.shipped_seq = Gauge(
            "s3gate_shipped_seq", "Sequence number of the last record CloudWatch took.", registry=registry
        )
        self.shipper_lag = Gauge(
            "s3gate_shipper_lag_seconds", "Age of the oldest record not yet taken.", registry=registry
        )

    def page(self) -> Page:
        """Everything in the Prometheus text format."""
        return Page(200, METRICS_TYPE, generate_latest(self._registry))
