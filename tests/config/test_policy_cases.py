"""The cases beside the example policy hold: request by request, the reason it expects."""

from pathlib import Path

import pytest

from s3gate.policy.cases import Cases, PolicyCase, cases_name, parse_cases, run_cases
from s3gate.policy.document import parse_policy

POLICY = Path(__file__).parents[2] / "config" / "policy.yaml"
CASES = parse_cases(Path(cases_name(str(POLICY))).read_bytes()).cases


@pytest.mark.parametrize("case", CASES, ids=[one.name for one in CASES])
def test_case(case: PolicyCase) -> None:
    assert [str(one) for one in run_cases(parse_policy(POLICY.read_bytes()), Cases((case,)))] == []
