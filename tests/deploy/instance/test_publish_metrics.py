"""The gate's own page to CloudWatch (MiniStack): three numbers, or the reason why there are none."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import boto3
import pytest

from instance.publish_metrics import NAMESPACE, NotTold, pick_numbers
from s3gate.demo.alarm_chain import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from s3gate.demo.emulator import Emulator
from s3gate.health.metrics import Metrics
from s3gate.health.policy_metrics import PolicyMetrics
from s3gate.health.status import WorkerStatus

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "deploy" / "instance" / "publish_metrics.py"
REGION = "ap-northeast-1"
KEYS = {"AWS_ACCESS_KEY_ID": ACCESS_KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY}
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def page(age_s: float, ends: datetime) -> bytes:
    """As the gate makes it."""
    metrics, policy = Metrics(), PolicyMetrics()
    metrics.show_ca(ends)
    metrics.show(WorkerStatus("w", None, shipper_lag_s=7.5))
    policy.show(age_s, 1, 0, problem=False)
    return metrics.page().body + policy.text()


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    with Emulator(tmp_path) as running:
        yield running


@pytest.fixture
def gate_page() -> Iterator[str]:
    body = page(12.5, datetime.now(UTC) + timedelta(days=40))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/metrics"
        server.shutdown()
        thread.join()


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, *words],
        env={"PATH": os.environ["PATH"], "AWS_REGION": REGION, **KEYS, **environment},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_the_gates_own_names_are_read() -> None:
    text = page(3.5, NOW + timedelta(days=30, hours=12)).decode()
    found = pick_numbers(text, NOW.timestamp())
    assert found == {"PolicyAge": 3.5, "CaDaysLeft": 30.5, "AuditLag": 7.5}


def test_a_ca_that_has_ended_is_below_nothing() -> None:
    assert pick_numbers(page(0, NOW - timedelta(days=2)).decode(), NOW.timestamp())["CaDaysLeft"] == -2


@pytest.mark.parametrize(
    "name", ["s3gate_policy_age_seconds", "s3gate_ca_expiry_timestamp_seconds", "s3gate_shipper_lag_seconds"]
)
def test_a_page_without_a_number_is_not_taken_for_nought(name: str) -> None:
    lines = [line for line in page(1, NOW).decode().splitlines() if not line.startswith(name)]
    with pytest.raises(NotTold, match=name):
        pick_numbers("\n".join(lines) + "\n", 0)


def test_all_reach_cloudwatch_without_dimensions(emulator: Emulator, gate_page: str) -> None:
    done = run("--page", gate_page, AWS_ENDPOINT_URL=emulator.url, HTTP_PROXY="http://127.0.0.1:1")
    assert (done.returncode, done.stderr) == (0, "")
    session = boto3.session.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name=REGION)
    metrics = session.client("cloudwatch", endpoint_url=emulator.url)
    listed = metrics.list_metrics(Namespace=NAMESPACE)["Metrics"]
    assert sorted((one["MetricName"], one["Dimensions"]) for one in listed) == [
        ("AuditLag", []),
        ("CaDaysLeft", []),
        ("PolicyAge", []),
    ]
    now = datetime.now(UTC)
    (point,) = metrics.get_metric_statistics(
        Namespace=NAMESPACE, MetricName="PolicyAge", StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5), Period=60, Statistics=["Maximum"],
    )["Datapoints"]  # fmt: skip
    assert point["Maximum"] == 12.5


def test_a_silent_gate_and_a_silent_cloudwatch_are_told(gate_page: str) -> None:
    done = run("--page", "http://127.0.0.1:1/metrics")
    assert (done.returncode, done.stdout) == (3, "")
    assert "is the gate running?" in done.stderr
    done = run("--page", gate_page, AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("CloudWatch does not take the metrics: EndpointConnectionError")
