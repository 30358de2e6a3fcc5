"""A decision allows by its reason alone, and every reason is documented."""

import json
from pathlib import Path

import pytest

from s3gate.policy.decision import ALLOWING, Decision, Reason
from s3gate.policy.reading import NOTHING_READ

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_only_the_allowing_reasons_allow(reason: Reason) -> None:
    decision = Decision(reason, "because", NOTHING_READ)
    assert decision.allowed is (reason in ALLOWING)
    assert decision.word == ("allow" if decision.allowed else "deny")


def test_four_reasons_allow() -> None:
    assert {reason.value for reason in ALLOWING} == {
        "ALLOWED_BY_RULE",
        "ALLOWED_HOST",
        "ALLOWED_PRESET",
        "MONITOR_ONLY",
    }


def test_a_code_is_its_own_name() -> None:
    assert all(reason.name == reason.value for reason in Reason)


def test_a_decision_cannot_be_taken_for_true_or_false() -> None:
    with pytest.raises(TypeError, match="allowed"):
        bool(Decision(Reason.ALLOWED_BY_RULE, "because", NOTHING_READ))


def test_the_readme_knows_every_reason() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [reason.value for reason in Reason if f"`{reason.value}`" not in text]
    assert not missing


def test_the_audit_schema_knows_every_reason() -> None:
    schema = (ROOT / "config" / "audit.schema.json").read_text(encoding="utf-8")
    assert json.loads(schema)
    assert all(f'"{reason.value}"' in schema for reason in Reason)
