"""Notices name the policy and the heads of the chains; the schema is checked beside the other records."""

from datetime import UTC, datetime

from s3gate.audit.notice import Head, render_heartbeat, render_policy

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def test_a_policy_record_names_both_policies() -> None:
    record = render_policy(
        audit_id="A", time=NOW, before="sha256:1", after="sha256:2", source="s3://b/policy.yaml"
    )
    assert (record["event"], record["before"], record["policy"]) == ("policy", "sha256:1", "sha256:2")


def test_a_heartbeat_lists_every_head() -> None:
    heads = [Head("w1", 7, "a" * 64), Head("w2", 0, "0" * 64)]
    record = render_heartbeat(audit_id="A", time=NOW, policy=None, heads=heads, counts={})
    assert record["heads"] == [
        {"writer": "w1", "seq": 7, "hash": "a" * 64},
        {"writer": "w2", "seq": 0, "hash": "0" * 64},
    ]
    assert record["event"] == "heartbeat"
