"""Records gathered by what they ask, each kind once."""

from generate.asks import NOW, POLICY, REGION, Ask, policy
from generate.recorded import record
from s3gate.audit.key_form import KeyForm
from s3gate.suggest.seen import Seen, still_refused, wants_of
from s3gate.suggest.want import RuleWant

WATCHED = policy("mode: monitor\nuntil: 2026-11-22\n")
NEW = f"new-one.s3.{REGION}.amazonaws.com"
KEYED = f"keyed.s3.{REGION}.amazonaws.com"


def seen(*asks: Ask, keys: KeyForm = KeyForm()) -> Seen:  # noqa: B008 - a frozen value
    found = Seen(WATCHED)
    for ask in asks:
        found.add(record(WATCHED, ask, keys))
    return found


def test_only_what_monitor_mode_let_pass_counts() -> None:
    found = seen(Ask(), Ask(NEW), Ask(header_host="evil"))
    found.add({"event": "completion", "reason": "MONITOR_ONLY"})
    assert (found.monitored, len(found.shapes)) == (1, 1)


def test_what_no_rule_can_tell_apart_is_one_kind() -> None:
    found = seen(Ask(NEW, "/a"), Ask(NEW, "/b"), Ask(NEW, client="10.20.0.1"), Ask(NEW, client="10.20.0.2"))
    (first, second) = found.shapes.values()
    assert (first[1].count, second[1].count) == (2, 2), "clients of a group are one, the outsider is another"
    assert second[1].clients == {"10.20.0.1", "10.20.0.2"}


def test_keys_are_kept_apart_where_a_rule_limits_them() -> None:
    assert len(seen(Ask(KEYED, "/a"), Ask(KEYED, "/b")).shapes) == 2


def test_what_cannot_be_suggested_is_counted() -> None:
    found = seen(Ask(KEYED, "/a"), Ask(KEYED, "/b"), keys=KeyForm("omit"))
    assert list(wants_of(found, NOW)) == []
    assert dict(found.left) == {"keyed GetObject: its key is not recorded (`key_form: omit`)": 2}


def test_another_partition_spoils_nothing_where_rules_do_not_name_theirs() -> None:
    found = seen(Ask("new-one.s3.cn-north-1.amazonaws.com.cn", region="cn-north-1"), Ask(NEW))
    assert [want.value for want, _ in wants_of(found, NOW) if isinstance(want, RuleWant)] == ["new-one"]
    what = "new-one GetObject: partition `aws-cn` is not listed; to list it, add `partition:` to every rule first"
    assert dict(found.left) == {what: 1}


def test_a_record_without_a_request_is_counted_too() -> None:
    found = Seen(WATCHED)
    broken = record(WATCHED, Ask(NEW))
    broken["request"] = None
    found.add(broken)
    assert sum(found.left.values()) == 1


def test_what_a_changed_policy_would_still_refuse() -> None:
    found = seen(Ask(NEW), Ask(NEW, method="PUT"))
    assert [want.operation for want, _ in wants_of(found, NOW) if isinstance(want, RuleWant)] == [
        "GetObject",
        "PutObject",
    ]
    half = policy(text=POLICY.replace("rules:\n", "rules:\n  - {id: half, bucket: new-one, allow: [read]}\n"))
    assert dict(still_refused(found, half, NOW)) == {"new-one PutObject: OPERATION_NOT_ALLOWED": 1}
