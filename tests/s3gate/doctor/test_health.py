"""The health address: ready, not ready, lagging, something else, nobody."""

import json
from pathlib import Path

import pytest

from gate_process import SETTINGS, GateFiles
from one_answer import one_answer
from s3gate.doctor.finding import Finding, Outcome
from s3gate.doctor.health import READY, SHIPPING, check_health
from s3gate.health.status import Heard, WorkerStatus, render_ready
from s3gate.settings import Settings, read_settings

SHIPPED = SETTINGS.replace("{enabled: false}", "{region: eu-west-1}")
WELL = WorkerStatus(
    "w-1", "sha256:ab", port=1, selftest="HOST_NOT_LISTED", shipping="well", shipper_lag_s=0.5
)


def settings(directory: Path, port: int, text: str = SHIPPED) -> Settings:
    health = f"health: {{host: 127.0.0.1, port: {port}}}"
    return read_settings(
        GateFiles(directory, settings=text.replace("health: {host: 127.0.0.1, port: 0}", health)).write()
    )


def ask(directory: Path, body: bytes, status: int = 200, text: str = SHIPPED) -> dict[str, Finding]:
    answer = b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body)
    with one_answer(answer) as url:
        port = int(url.rpartition(":")[2])
        return {one.name: one for one in check_health(settings(directory, port, text))}


def page(**fields: object) -> tuple[bytes, int]:
    """A page as the gate renders it."""
    from dataclasses import replace  # noqa: PLC0415 - for this alone

    made = render_ready([Heard(replace(WELL, **fields), 0.1)], 1)  # type: ignore[arg-type]  # a row's fields
    return made.body, made.status


@pytest.mark.parametrize(
    ("fields", "ready", "shipping", "why"),
    [
        pytest.param({}, Outcome.FINE, Outcome.FINE, "0 s old", id="all is well"),
        pytest.param({"leaving": True}, Outcome.WRONG, Outcome.FINE, "about to end", id="draining"),
        pytest.param({"journal_failure": "ENOSPC"}, Outcome.WRONG, Outcome.FINE, "ENOSPC", id="disk full"),
        pytest.param({"selftest": None}, Outcome.WRONG, Outcome.FINE, "not passed", id="self-test"),
        pytest.param({"shipper_lag_s": 121.0}, Outcome.FINE, Outcome.WRONG, "121 s old", id="lag"),
        pytest.param({"shipping": "AccessDenied"}, Outcome.FINE, Outcome.WRONG, "AccessDenied", id="error"),
        pytest.param({"shipper_lag_s": None}, Outcome.FINE, Outcome.UNKNOWN, "not say", id="no lag told"),
    ],
)
def test_what_the_gate_says(
    tmp_path: Path, fields: dict[str, object], ready: Outcome, shipping: Outcome, why: str
) -> None:
    found = ask(tmp_path, *page(**fields))
    assert (found[READY].outcome, found[SHIPPING].outcome) == (ready, shipping), found
    assert why in found[READY].detail + found[SHIPPING].detail


def test_without_shipping_there_is_no_lag(tmp_path: Path) -> None:
    found = ask(tmp_path, *page(shipping="off", shipper_lag_s=None), text=SETTINGS)
    assert found[SHIPPING].outcome is Outcome.LEFT_OUT


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"[" * 60_000, b"", json.dumps("x").encode()])
def test_what_is_no_gate(tmp_path: Path, body: bytes) -> None:
    found = ask(tmp_path, body)
    assert (found[READY].outcome, found[SHIPPING].outcome) == (Outcome.WRONG, Outcome.UNKNOWN)
    assert "not as a gate does" in found[READY].detail


def test_nobody_there(tmp_path: Path) -> None:
    found = {one.name: one.outcome for one in check_health(settings(tmp_path, 1))}
    assert found == {READY: Outcome.WRONG, SHIPPING: Outcome.UNKNOWN}


def test_a_port_that_nobody_knows(tmp_path: Path) -> None:
    found = {one.name: one.outcome for one in check_health(settings(tmp_path, 0))}
    assert found == {READY: Outcome.UNKNOWN, SHIPPING: Outcome.UNKNOWN}
