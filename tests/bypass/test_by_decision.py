"""The same attacks asked of `decide_request`: denied without a wire too, each with its reason."""

import pytest

from bypass.attack import ATTACKS, load
from bypass.by_decision import judge
from bypass.ground import NOW, POLICY
from s3gate.policy.document import parse_policy


@pytest.mark.parametrize("category", sorted(path.stem for path in ATTACKS.glob("*.json")))
def test_the_verdict_alone_denies_too(category: str) -> None:
    policy = parse_policy(POLICY.read_bytes())
    rows = [row for row in load(ATTACKS / f"{category}.json") if row.judged is not None]
    found = {row.name: judge(policy, row, NOW).reason.value for row in rows}
    assert found == {row.name: row.judged for row in rows}
    assert not any(reason.startswith("ALLOWED") for reason in found.values())
