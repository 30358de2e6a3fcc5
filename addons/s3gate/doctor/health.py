"""What the running gate says of itself on its health address: ready, and how far shipping is.

The normal case: 200, `"ready": true`, and records wait for less than two minutes.
"""

import http.client
import json
from collections.abc import Sequence
from typing import Final

from s3gate.doctor.bounded import STEP_S
from s3gate.doctor.finding import Finding, fine, left_out, unknown, wrong
from s3gate.settings import Settings

READY: Final = "gate is ready"
SHIPPING: Final = "shipping"
PAGE_BYTES: Final = 65_536  # of /readyz; the gate's own has under 2 KiB
LAG_LIMIT_S: Final = 120.0
"""Seconds that a record may wait: the alarm's threshold (alarms.json)."""

OK: Final = 200
ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is listened on, and how to get there


def check_health(settings: Settings) -> Sequence[Finding]:
    """Ask the gate whether it is ready.

    Args:
        settings: that say where it answers.
    """
    host, port = ANYWHERE.get(settings.health.host, settings.health.host), settings.health.port
    if port == 0:
        why = "`health.port` is 0: nobody can know where it answers"
        return [unknown(READY, why, "give it a port"), unknown(SHIPPING, why, "give it a port")]
    try:
        status, text = _ask(host, port)
    except (OSError, http.client.HTTPException) as exc:
        why = getattr(exc, "strerror", None) or type(exc).__name__
        then = "start it: `s3gate run`; with systemd: `systemctl status s3gate`"
        waiting = unknown(SHIPPING, "the gate does not answer", then)
        return [wrong(READY, f"{host}:{port} does not answer: {why}", then), waiting]
    try:
        state = json.loads(text)
    except (ValueError, RecursionError):
        state = None
    if not isinstance(state, dict):
        then = "look what listens there: `health.port` is the gate's"
        why = f"{host}:{port} answers {status}, and not as a gate does"
        return [wrong(READY, why, then), unknown(SHIPPING, "the gate does not answer", then)]
    return [_judge_ready(status, state), _judge_shipping(settings, state)]


def _ask(host: str, port: int) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(host, port, timeout=STEP_S)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        return response.status, response.read(PAGE_BYTES)
    finally:
        connection.close()


def _judge_ready(status: int, state: dict[str, object]) -> Finding:
    if status == OK and state.get("ready") is True:
        return fine(READY, f"policy {str(state.get('policy'))[:19]}, journal {state.get('journal')}")
    told = f"not ready: journal {state.get('journal')}, self-test {state.get('selftest')}"
    told += ", it is about to end" if state.get("draining") else ""
    return wrong(READY, told, "look at the gate's log: `journalctl -u s3gate`")


def _judge_shipping(settings: Settings, state: dict[str, object]) -> Finding:
    if not settings.cloudwatch.enabled:
        return left_out(SHIPPING, "`cloudwatch.enabled` is false: no refusal turns an alarm on")
    shipping, lag = state.get("shipping"), state.get("shipper_lag_s")
    if not isinstance(lag, int | float):
        return unknown(SHIPPING, "the gate does not say how far it is", "ask again in a second")
    if shipping == "well" and lag <= LAG_LIMIT_S:
        return fine(SHIPPING, f"the oldest record that waits is {lag:.0f} s old")
    told = f"the oldest record that waits is {lag:.0f} s old; shipping waits for: {shipping}"
    return wrong(SHIPPING, told, "look at CloudWatch's endpoint, the role's permissions and the log group")
