"""With --canary: is a bucket that nobody listed refused? It turns alarms on: that is its point."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from s3gate.canary.request import GateSilent, NotRefused, make_host, send_canary
from s3gate.doctor.finding import Finding, fine, left_out, unknown, wrong
from s3gate.doctor.way import suffix_of

CANARY: Final = "canary is refused"


def check_canary(proxy_url: str, ca: Path, region: str) -> Sequence[Finding]:
    """Send one request that must be refused.

    Args:
        proxy_url: the gate; may hold user and password, which are not shown.
        ca: PEM file that proves it.
        region: of the bucket that is asked for.
    """
    try:
        refusal = send_canary(proxy_url, ca, make_host(region, suffix_of(region)))
    except NotRefused as exc:
        then = "close this way: what answers here is no gate, or one that lets everything through"
        return [wrong(CANARY, str(exc), then)]
    except GateSilent as exc:
        return [unknown(CANARY, str(exc), "look at what is wrong above")]
    return [fine(CANARY, f"{refusal.reason}, decision {refusal.decision_id}")]


def without_canary() -> Sequence[Finding]:
    """What is said when nobody asked for it."""
    return [left_out(CANARY, "not tried, since it turns alarms on: that is --canary")]
