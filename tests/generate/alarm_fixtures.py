"""Write the records that the filters must and must not count, from what the audit really writes.

Run `python tests/generate/alarm_fixtures.py addons/s3gate/alarms/fixtures.json` after a record
or a filter changed; a test compares the committed file with `render()`. What each record counts
is written out here, never computed from a pattern.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from s3gate.audit.dead_letter import render_stub
from s3gate.audit.notice import Delivery, Late, Pulse, render_backfill, render_heartbeat, render_policy
from s3gate.audit.record import Transfer, render_completion, render_decision
from s3gate.policy.decision import ALLOWING, Decision, Reason
from s3gate.policy.reading import NOTHING_READ, Client, Request

type Counts = dict[str, float]

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVASION = {
    Reason.MALFORMED_REQUEST, Reason.MALFORMED_HOST, Reason.AMBIGUOUS_TARGET, Reason.IP_LITERAL,
    Reason.SNI_MISSING, Reason.SNI_MISMATCH, Reason.HOST_MISMATCH, Reason.PROTOCOL_UPGRADE,
    Reason.COPY_SOURCE_NOT_LISTED, Reason.ACCOUNT_NOT_ALLOWED, Reason.CREDENTIAL_SCOPE_MISMATCH,
    Reason.ENCRYPTION_NOT_ALLOWED, Reason.BUCKET_OWNER_NOT_PROVEN, Reason.PROXY_HEADER_INVALID,
    Reason.UPSTREAM_ADDRESS_NOT_ALLOWED,
}  # fmt: skip
# Found out only once a request was allowed: a completion tells them, and no verdict.
EVASION_LATER = {Reason.MALFORMED_REQUEST, Reason.UPSTREAM_TLS_FAILURE}
STANDING = Delivery(3, 150.5, 0, 0, 0, "ThrottlingException")
FORGED = {
    "query": "/?decision=deny&event=egress",
    "quotes": '/","decision":"deny","event":"egress',
    "metrics": '/{"_aws":{"CloudWatchMetrics":[]},"event":"egress","decision":"deny"}',
}


def decided(reason: Reason, target: str = "/") -> dict[str, object]:
    """A decision as the audit writes it."""
    request = Request("GET", "https", None, target, (), None, None, Client("10.0.0.1"), NOW)
    decision = Decision(reason, "why", NOTHING_READ)
    return render_decision(decision, request, audit_id="a", decision_id="d", time=NOW)


def counts_of(reason: Reason) -> Counts:
    """What a decision with this reason counts."""
    if reason in ALLOWING:
        return {"Monitored": 1} if reason is Reason.MONITOR_ONLY else {}
    counts: Counts = {"Denials": 1}
    if reason in EVASION:
        counts["Evasion"] = 1
    if reason is Reason.AUDIT_UNAVAILABLE:
        counts["AuditUnavailable"] = 1
    return counts


def _beat(pulse: Pulse) -> dict[str, object]:
    return render_heartbeat(pulse, audit_id="a", time=NOW)


def _policy(before: str | None) -> dict[str, object]:
    return render_policy(audit_id="a", time=NOW, before=before, after="sha256:2", source="s")


NOTICES: dict[str, tuple[dict[str, object], Counts]] = {
    "heartbeat": (_beat(Pulse("sha256:1", [], {}, used_percent=12)), {"Heartbeats": 1, "JournalUsed": 12}),
    "heartbeat that lags": (
        _beat(Pulse("sha256:1", [], {}, delivery=STANDING)),
        {"Heartbeats": 1, "JournalUsed": 0, "ShippingLag": 150.5},
    ),
    "heartbeat after records were refused": (
        _beat(Pulse("sha256:1", [], {}, unavailable=2)),
        {"Heartbeats": 1, "JournalUsed": 0, "AuditUnavailable": 1},
    ),
    "backfill": (render_backfill(Late("w", 1, 9, 9, 4, NOW), audit_id="a", time=NOW), {"LateDenials": 4}),
    "dead letter": (json.loads(render_stub("x", "InvalidParameterException")), {"DeadLetters": 1}),
    "policy at the start": (_policy(None), {}),
    "policy replaced": (_policy("sha256:1"), {"PolicyChanges": 1}),
    "completion": (
        render_completion(Transfer(200, 1, 2, 3), audit_id="a", decision_id="d", time=NOW), {},
    ),
}  # fmt: skip


def ended(reason: Reason) -> dict[str, object]:
    """How an allowed request ended badly, as the audit writes it."""
    transfer = Transfer(None, 1, 0, 3, reason=reason, detail="why", complete=False)
    return render_completion(transfer, audit_id="a", decision_id="d", time=NOW)


def fixtures() -> list[dict[str, object]]:
    """Every fixture: its name, the record's line, and what it counts."""
    rows = {f"decision {reason}": (decided(reason), counts_of(reason)) for reason in Reason}
    for name, target in FORGED.items():
        rows[f"allowed, {name} forged"] = (decided(Reason.ALLOWED_BY_RULE, target), {})
    rows |= NOTICES
    for reason in (*sorted(EVASION_LATER), Reason.UPSTREAM_UNREACHABLE, Reason.TIMEOUT):
        rows[f"completion {reason}"] = (ended(reason), {"Evasion": 1} if reason in EVASION_LATER else {})
    return [
        {"name": name, "message": json.dumps(record, separators=(",", ":")), "counts": counts}
        for name, (record, counts) in rows.items()
    ]


def render() -> str:
    """The fixtures as the committed file holds them."""
    return json.dumps(fixtures(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
