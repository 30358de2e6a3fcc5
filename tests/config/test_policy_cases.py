"""The cases beside the example policy hold: request by request, the reason it expects."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from s3gate.policy.as_signed import sign_as
from s3gate.policy.decide import decide_request
from s3gate.policy.described_request import build_request
from s3gate.policy.document import parse_policy
from s3gate.policy.yaml_source import parse_yaml

CONFIG = Path(__file__).parents[2] / "config"
POLICY = parse_policy((CONFIG / "policy.yaml").read_bytes())
KEY_ID = "AKIARTX3GSDSQAAACAQD"  # of account 111122223333
NOW = datetime(2026, 7, 1, tzinfo=UTC)

type Case = dict[str, object]


def cases() -> list[Case]:
    root, mistakes = parse_yaml((CONFIG / "policy_cases.yaml").read_bytes())
    assert root is not None
    assert mistakes == ()
    return [dict(node.value) for node in root.items if isinstance(node.value, dict)]


def text(value: object) -> str | None:
    """A scalar of the file: text, or null."""
    return None if value == "null" else str(value)


@pytest.mark.parametrize("case", cases(), ids=lambda case: str(case["name"]))
def test_case(case: Case) -> None:
    assert set(case) <= {"name", "request", "key_id", "expect"}
    fields, expect = case["request"], case["expect"]
    assert isinstance(fields, dict)
    assert isinstance(expect, dict)
    request = build_request(
        {key: one if isinstance(one, dict) else text(one) for key, one in fields.items()}, NOW
    )
    key_id = text(case.get("key_id", KEY_ID))
    if key_id is not None:
        request = sign_as(request, key_id)
    decision = decide_request(POLICY, request)
    assert (decision.reason, decision.rule) == (expect["reason"], expect.get("rule")), decision.detail


def test_cases_have_names_of_their_own() -> None:
    names = [case["name"] for case in cases()]
    assert len(names) == len(set(names))
