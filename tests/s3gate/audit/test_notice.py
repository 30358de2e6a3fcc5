"""Notices name the policy and the heads of the chains; the schema is checked beside the other records."""

from datetime import UTC, date, datetime

from s3gate.audit.notice import (
    RULES_LISTED,
    Delivery,
    Head,
    Late,
    Pulse,
    Watched,
    render_backfill,
    render_heartbeat,
    render_monitor,
    render_policy,
)
from s3gate.audit.record import to_line

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def test_a_policy_record_names_both_policies() -> None:
    record = render_policy(
        audit_id="A", time=NOW, before="sha256:1", after="sha256:2", source="s3://b/policy.yaml"
    )
    assert (record["event"], record["before"], record["policy"]) == ("policy", "sha256:1", "sha256:2")


def test_a_heartbeat_lists_every_head() -> None:
    heads = [Head("w1", 7, "a" * 64), Head("w2", 0, "0" * 64)]
    record = render_heartbeat(Pulse(None, heads, {}), audit_id="A", time=NOW)
    assert record["heads"] == [
        {"writer": "w1", "seq": 7, "hash": "a" * 64},
        {"writer": "w2", "seq": 0, "hash": "0" * 64},
    ]
    assert record["event"] == "heartbeat"
    assert (record["delivery"], record["last"]) == (None, False)


def test_a_heartbeat_tells_how_shipping_stands() -> None:
    pulse = Pulse("sha256:1", [], {"TIMEOUT": 1}, 2, 81, Delivery(5, 0.12345, 1, 2, 3, "E"), last=True)
    record = render_heartbeat(pulse, audit_id="A", time=NOW)
    assert record["delivery"] == {
        "acknowledged_seq": 5, "oldest_unacknowledged_s": 0.123, "retries": 1,
        "dead_letters": 2, "restarts": 3, "error": "E",
    }  # fmt: skip
    assert (record["counts"], record["unavailable"], record["used_percent"]) == ({"TIMEOUT": 1}, 2, 81)


def test_a_backfill_counts_what_came_late() -> None:
    record = render_backfill(Late("w1", 3, 9, 7, 2, NOW), audit_id="A", time=NOW)
    assert (record["event"], record["late_denials"], record["late_records"]) == ("audit_backfill", 2, 7)


def test_a_monitor_record_lists_what_is_watched_and_until_when() -> None:
    watched = Watched("sha256:" + "a" * 64, date(2026, 11, 30), [("uploads", date(2026, 12, 1))])
    record = render_monitor(watched, audit_id="A", time=NOW)
    assert (record["event"], record["watched"], record["whole_until"]) == ("monitor", 2, "2026-11-30")
    assert record["rules"] == [{"rule": "uploads", "until": "2026-12-01"}]


def test_a_monitor_record_of_a_thousand_rules_is_still_an_event() -> None:
    rules = [("r" * 64, date(2026, 12, 1))] * 1000
    record = render_monitor(Watched("sha256:" + "a" * 64, None, rules), audit_id="A", time=NOW)
    assert record["watched"] == 1000
    assert isinstance(record["rules"], list)
    assert len(record["rules"]) == RULES_LISTED
    assert len(to_line(record)) < 256 * 1024
