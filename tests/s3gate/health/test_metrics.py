"""Counters appear under their names, of one worker and of all together."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from s3gate.health.metrics import DIRECTORY_VARIABLE, STEPS, Metrics, SharedMetrics
from s3gate.health.status import Heard, WorkerStatus

STATUS = WorkerStatus(
    "w",
    None,
    port=1,
    selftest="X",
    journal_seq=5,
    journal_used_percent=9,
    shipped_seq=4,
    connections=3,
    tunnels=2,
)
WORKER = """
from s3gate.health.metrics import Metrics
from s3gate.health.status import WorkerStatus
import os, sys
metrics = Metrics()
metrics.decisions.labels("deny", "BUCKET_NOT_LISTED").inc()
metrics.took("dns", 0.004)
metrics.show(WorkerStatus("w", None, connections=2, shipper_lag_s=float(sys.argv[1])))
print(os.getpid())
"""


def test_counted_decisions_are_on_the_page() -> None:
    metrics = Metrics()
    metrics.decisions.labels("deny", "BUCKET_NOT_LISTED").inc()
    page = metrics.page()
    assert page.status == 200
    line = b's3gate_decisions_total{decision="deny",reason="BUCKET_NOT_LISTED"} 1.0'
    assert line in page.body


def test_connections_that_the_gate_cut_are_counted_by_reason() -> None:
    metrics = Metrics()
    metrics.cut("TIMEOUT")
    assert b's3gate_connections_cut_total{reason="TIMEOUT"} 1.0' in metrics.page().body


def test_when_the_ca_ends_is_told_once_it_is_known() -> None:
    metrics = Metrics()
    assert b"s3gate_ca_expiry" not in metrics.page().body, "a 0 would say that it ended in 1970"
    metrics.show_ca(datetime(2028, 11, 21, tzinfo=UTC))
    assert b"s3gate_ca_expiry_timestamp_seconds 1.8583776e+09" in metrics.page().body


def test_two_workers_do_not_share_counters() -> None:
    first, second = Metrics(), Metrics()
    first.audit_unavailable.inc()
    assert b"s3gate_audit_unavailable_total 0.0" in second.page().body


@pytest.mark.parametrize("step", STEPS)
def test_each_step_has_its_durations(step: str) -> None:
    metrics = Metrics()
    metrics.took(step, 0.003)
    body = metrics.page().body.decode()
    assert f's3gate_step_seconds_bucket{{le="0.0025",step="{step}"}} 0.0' in body
    assert f's3gate_step_seconds_bucket{{le="0.005",step="{step}"}} 1.0' in body


@pytest.mark.parametrize(
    "line",
    [
        "s3gate_connections 3.0",
        "s3gate_tunnels 2.0",
        "s3gate_journal_seq 5.0",
        "s3gate_journal_used_percent 9.0",
        "s3gate_shipped_seq 4.0",
        "s3gate_shipper_lag_seconds 0.0",
    ],
)
def test_a_status_is_shown(line: str) -> None:
    metrics = Metrics()
    metrics.show(STATUS)
    assert line in metrics.page().body.decode().splitlines()


def count_in_a_process(directory: Path, lag: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", WORKER, lag],
        env={**os.environ, DIRECTORY_VARIABLE: str(directory), "PYTHONPATH": "addons"},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return int(done.stdout)


def test_all_workers_are_added_up_and_the_dead_hold_nothing_open(tmp_path: Path) -> None:
    shared = SharedMetrics(tmp_path)
    pids = [count_in_a_process(tmp_path, lag) for lag in ("1.5", "0.5")]
    shared.show([Heard(STATUS, 0.0)], 7, 2)
    before = shared.page().body.decode()
    shared.forget(pids[0])
    after = shared.page().body.decode()
    for page, connections, lag in ((before, 4.0, 1.5), (after, 2.0, 0.5)):
        lines = page.splitlines()
        assert f"s3gate_connections {connections}" in lines
        assert f"s3gate_shipper_lag_seconds {lag}" in lines
        assert 's3gate_decisions_total{decision="deny",reason="BUCKET_NOT_LISTED"} 2.0' in lines
        assert 's3gate_step_seconds_count{step="dns"} 2.0' in lines
        assert "s3gate_workers 1.0" in lines
        assert "s3gate_worker_restarts 7.0" in lines
        assert "s3gate_worker_kills 2.0" in lines
