"""One Decision to an answer line: every key, in order, null where it does not apply."""

import pytest

from s3gate.cli.explain_line import render_answer
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.reading import NOTHING_READ, CopySourceReading, Reading

ORDER = [
    "id", "decision", "reason", "rule", "bucket", "key", "style", "endpoint_class", "region", "partition",
    "operation", "copy_source", "access_key_id", "account",
]  # fmt: skip


def test_an_answer_has_its_keys_in_order_and_null_for_what_does_not_apply() -> None:
    answer = render_answer("1", Decision(Reason.MALFORMED_REQUEST, "x", NOTHING_READ))
    assert list(answer) == ORDER
    assert answer == {
        **dict.fromkeys(ORDER), "id": "1", "decision": "deny", "reason": "MALFORMED_REQUEST",
    }  # fmt: skip


def test_an_answer_says_what_was_read() -> None:
    reading = Reading(
        bucket="b", key="k", copy_source=CopySourceReading("c", "d", None), account="111122223333"
    )
    answer = render_answer(7, Decision(Reason.ALLOWED_BY_RULE, "x", reading, "uploads"))
    assert (answer["id"], answer["decision"], answer["rule"], answer["bucket"]) == (
        7,
        "allow",
        "uploads",
        "b",
    )
    assert answer["copy_source"] == {"bucket": "c", "key": "d", "version_id": None}
    assert "would_deny" not in answer


def test_monitor_mode_says_what_it_would_deny() -> None:
    decision = Decision(Reason.MONITOR_ONLY, "x", NOTHING_READ, None, Reason.BUCKET_NOT_LISTED)
    answer = render_answer(None, decision)
    assert (answer["decision"], answer["reason"], answer["would_deny"]) == (
        "allow",
        "MONITOR_ONLY",
        "BUCKET_NOT_LISTED",
    )
    assert list(answer) == [*ORDER, "would_deny"]


@pytest.mark.parametrize(
    ("given", "back"), [(1.5, 1.5), (None, None), (float("inf"), None), ([1], None), ({}, None)]
)
def test_an_id_comes_back_when_it_is_plain(given: object, back: object) -> None:
    assert render_answer(given, Decision(Reason.DRAINING, "x", NOTHING_READ))["id"] == back
