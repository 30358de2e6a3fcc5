"""The keys of a suggested rule."""

import pytest

from generate.asks import NOW, REGION, Ask, policy
from generate.recorded import facts
from s3gate.audit.key_form import KeyForm
from s3gate.policy.decide import decide_case
from s3gate.policy.model import KeyGlob
from s3gate.replay.recorded_case import RecordedCase
from s3gate.replay.world import PLAIN
from s3gate.suggest.key_pattern import NotSuggested, patterns_for

WATCHED = policy("mode: monitor\nuntil: 2026-11-22\n")
(RULE,) = [rule for rule in WATCHED.rules if rule.id == "inbox"]
HOST = f"keyed.s3.{REGION}.amazonaws.com"


@pytest.mark.parametrize(
    ("ask", "operation", "expected"),
    [
        (Ask(HOST, "/incoming/a"), "GetObject", (("incoming/*",), False)),
        (Ask(HOST, "/out/a"), "GetObject", (("out/a",), False)),
        (Ask(HOST, "/out/a*b+c"), "GetObject", (("out/a?b?c",), False)),
        (Ask(HOST, "//out"), "GetObject", (("?out",), False)),
        (Ask(HOST, "/?list-type=2&prefix=incoming/x"), "ListObjectsV2", (("incoming/*",), False)),
        (Ask(HOST, "/?list-type=2&prefix=out/"), "ListObjectsV2", (("out/*",), False)),
        (Ask(HOST, "/?list-type=2"), "ListObjectsV2", ((), True)),
        (Ask(HOST, "/?delete", "POST"), "DeleteObjects", ((), True)),
        (Ask(HOST, "/?policy", "PUT"), "PutBucketPolicy", ((), True)),
    ],
)
def test_patterns(ask: Ask, operation: str, expected: tuple[tuple[str, ...], bool]) -> None:
    seen = facts(WATCHED, ask)
    assert patterns_for(RULE, seen, operation) == expected
    if seen.key is not None:
        case = RecordedCase(WATCHED, seen, PLAIN, NOW)
        decide_case(case)
        assert case.address is not None
        for key in case.address.keys:
            assert any(KeyGlob.compile(one).matches(key) for one in expected[0]), "in every reading"


def test_where_no_rule_limits_keys_none_are_limited() -> None:
    seen = facts(WATCHED, Ask(HOST, "/x"))
    assert patterns_for(None, seen, "GetObject") == ((), False)
    assert patterns_for(WATCHED.rules[0], seen, "GetObject") == ((), False)


def test_a_hidden_key_is_not_guessed() -> None:
    with pytest.raises(NotSuggested, match="key_form: omit"):
        patterns_for(RULE, facts(WATCHED, Ask(HOST, "/x"), KeyForm("omit")), "GetObject")
