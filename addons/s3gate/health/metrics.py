"""What is counted, under Prometheus names; labels come from closed lists only.

The normal case: one process, one registry, one page. Several workers count into files of
one directory (prometheus_client's multiprocess mode: `PROMETHEUS_MULTIPROC_DIR` is set
before they start), and their supervisor's page adds them up: what a dead worker counted
stays counted, what it held open does not.

A label never holds what a client chose: a bucket's name as a label would let anybody
fill the memory of whoever collects it.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from s3gate.health.server import Page
from s3gate.health.status import Heard, WorkerStatus

METRICS_TYPE: Final = CONTENT_TYPE_LATEST
DIRECTORY_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's, read when it is imported
STEPS: Final = ("judge", "dns", "journal", "connect", "first_byte")
# Seconds: a verdict takes some 50 µs, fdatasync and DNS some milliseconds, S3's first byte up to seconds.
BUCKETS: Final = (
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
)  # fmt: skip


class Metrics:
    """The counters of one worker."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.decisions = Counter(
            "s3gate_decisions", "Decisions by verdict and reason.", ["decision", "reason"], registry=registry
        )
        self.transfers = Counter(
            "s3gate_transfers", "Ended transfers by status class.", ["status"], registry=registry
        )
        self.transfers_failed = Counter(
            "s3gate_transfers_failed",
            "Ended transfers that were not complete, by reason; client_closed: the client went away.",
            ["reason"],
            registry=registry,
        )
        self._cut = Counter(
            "s3gate_connections_cut",
            "Connections of clients that the gate closed by itself, by reason; TIMEOUT: nothing moved.",
            ["reason"],
            registry=registry,
        )
        self.body_bytes = Counter(
            "s3gate_body_bytes",
            "Body bytes by direction, seen from the client.",
            ["direction"],
            registry=registry,
        )
        self.dns_failures = Counter(
            "s3gate_dns_failures", "Names of allowed requests that had no answer.", registry=registry
        )
        self.audit_unavailable = Counter(
            "s3gate_audit_unavailable", "Records that could not be made durable.", registry=registry
        )
        self._steps = Histogram(
            "s3gate_step_seconds", "How long a step took.", ["step"], registry=registry, buckets=BUCKETS
        )
        self._step = {step: self._steps.labels(step) for step in STEPS}
        self._connections = self._gauge("s3gate_connections", "Open connections of clients.", "livesum")
        self._tunnels = self._gauge("s3gate_tunnels", "Those with an accepted CONNECT.", "livesum")
        self._journal_seq = self._gauge(
            "s3gate_journal_seq",
            "Sequence number of the last durable record; of all chains added.",
            "livesum",
        )
        self._journal_used = self._gauge(
            "s3gate_journal_used_percent", "How much of a journal's room is taken; the fullest.", "livemax"
        )
        self._shipped_seq = self._gauge(
            "s3gate_shipped_seq", "Last record that CloudWatch took; of all chains added.", "livesum"
        )
        self._shipper_lag = self._gauge(
            "s3gate_shipper_lag_seconds", "Age of the oldest record not yet taken.", "livemax"
        )

    def _gauge(self, name: str, told: str, mode: str) -> Gauge:
        return Gauge(name, told, registry=self._registry, multiprocess_mode=mode)  # type: ignore[arg-type] # a literal there

    def took(self, step: str, seconds: float) -> None:
        """Count how long one step took.

        Args:
            step: one of `STEPS`.
            seconds: of it.
        """
        self._step[step].observe(seconds)

    def cut(self, reason: str) -> None:
        """Count a connection that the gate closed by itself.

        Args:
            reason: why, a code.
        """
        self._cut.labels(reason).inc()

    def show(self, status: WorkerStatus) -> None:
        """Take over what a worker says of itself."""
        self._connections.set(status.connections)
        self._tunnels.set(status.tunnels)
        self._journal_seq.set(status.journal_seq)
        self._journal_used.set(status.journal_used_percent)
        self._shipped_seq.set(status.shipped_seq)
        self._shipper_lag.set(status.shipper_lag_s or 0)

    def show_ca(self, ends: datetime) -> None:
        """Tell until when the CA is valid that this process signs with.

        The gauge is made only here: a worker that starts would show 1970 until then.

        Args:
            ends: not valid after.
        """
        gauge = self._gauge(
            "s3gate_ca_expiry_timestamp_seconds",
            "When the CA ends, Unix time; of all workers the first.",
            "livemin",
        )
        gauge.set(ends.timestamp())

    def page(self) -> Page:
        """Everything of this process in the Prometheus text format."""
        return Page(200, METRICS_TYPE, generate_latest(self._registry))


class SharedMetrics:
    """The counters of all workers together, as their supervisor reads them.

    Args:
        directory: where the workers count.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._own = CollectorRegistry()
        self._workers = Gauge("s3gate_workers", "Workers that serve.", registry=self._own)
        self._restarts = Gauge("s3gate_worker_restarts", "Workers that were replaced.", registry=self._own)
        self._kills = Gauge(
            "s3gate_worker_kills", "Workers that ran, said nothing and were killed.", registry=self._own
        )

    def show(self, heard: Sequence[Heard], restarts: int, kills: int) -> None:
        """Take over what the supervisor knows.

        Args:
            heard: the last word of each worker.
            restarts: how many workers were replaced.
            kills: how many of them were killed because they had fallen silent.
        """
        self._workers.set(sum(one.status.serves for one in heard))
        self._restarts.set(restarts)
        self._kills.set(kills)

    def forget(self, pid: int) -> None:
        """Drop what a dead worker held open; what it counted stays."""
        mark_process_dead(pid, str(self._directory))  # type: ignore[no-untyped-call] # has no type there

    def page(self) -> Page:
        """Everything of all workers in the Prometheus text format."""
        shared = CollectorRegistry()
        MultiProcessCollector(shared, str(self._directory))  # type: ignore[no-untyped-call] # as above
        return Page(200, METRICS_TYPE, generate_latest(shared) + generate_latest(self._own))
