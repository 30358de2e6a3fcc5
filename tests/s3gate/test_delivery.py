"""Shipping runs beside the gate and ends with it; a gate without it says so."""

import os
import threading
import time
from pathlib import Path

import pytest

from faults.fake_logs import FakeLogs
from gate_process import SETTINGS, GateFiles
from s3gate.delivery import keep_shipping
from s3gate.settings import Settings, read_settings


def settings(tmp_path: Path, text: str = SETTINGS) -> Settings:
    return read_settings(GateFiles(tmp_path, settings=text).write(), {})


def test_without_cloudwatch_nothing_is_started_and_that_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with keep_shipping(settings(tmp_path)) as standing:
        assert standing is None
    assert "CloudWatch is off: no record leaves this machine" in caplog.text


def test_the_process_ends_with_the_gate(tmp_path: Path) -> None:
    with FakeLogs() as fake:
        where = f'{{region: eu-west-1, endpoint_url: "{fake.url}", log_group: {fake.group}}}'
        with keep_shipping(settings(tmp_path, SETTINGS.replace("{enabled: false}", where))) as standing:
            assert standing is not None
            assert "has not spoken" in str(standing.health("w1", 0).error)
            deadline, pause = time.monotonic() + 10, threading.Event()
            while not shipping():
                assert time.monotonic() < deadline
                pause.wait(0.01)
        assert not shipping()


def shipping() -> set[int]:
    """Shipping processes below this one, whichever thread started them."""
    found: set[int] = set()
    for one in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        for child in map(int, one.read_text().split()):
            if b"s3gate.audit.shipping" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.add(child)
    return found
