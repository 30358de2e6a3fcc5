"""Steps 7 to 15: monitor mode of a rule, anonymous requests, and no allow without a rule."""

import pytest

from generate.asks import EVIL, POLICY, REGION, Ask, policy
from s3gate.policy.case import Case
from s3gate.policy.decide import decide_request
from s3gate.policy.decision import Reason
from s3gate.policy.target_steps import step_target
from s3gate.policy.walk import Denied

R = Reason


def test_monitor_on_a_rule_lifts_its_own_bucket_only() -> None:
    text = POLICY.replace(
        "bucket: read-only, allow: [read, list]",
        "bucket: read-only, allow: [read, list], mode: monitor, until: 2026-12-01",
    )
    own = decide_request(
        policy(text=text), Ask(f"read-only.s3.{REGION}.amazonaws.com", method="PUT").request()
    )
    assert (own.reason, own.would_deny, own.rule) == (R.MONITOR_ONLY, R.OPERATION_NOT_ALLOWED, "reports")
    other = decide_request(policy(text=text), Ask(host=EVIL).request())
    assert other.reason is R.BUCKET_NOT_LISTED


def test_anonymous_requests_pass_when_the_policy_says_so() -> None:
    assert decide_request(policy("unsigned: allow\n"), Ask(key=None).request()).reason is R.ALLOWED_BY_RULE
    ours = Ask(f"ours-only.s3.{REGION}.amazonaws.com", key=None).request()
    assert decide_request(policy("unsigned: allow\n"), ours).reason is R.ACCOUNT_NOT_ALLOWED


def test_only_a_rule_makes_a_case_allowed() -> None:
    for ask, allowed in ((Ask(), R.ALLOWED_BY_RULE), (Ask(host=EVIL), None)):
        case = Case(policy(), ask.request())
        case.read_connect(f"{ask.host}:443")
        case.read_head()
        if allowed is None:
            with pytest.raises(Denied):
                step_target(case)
        else:
            step_target(case)
        assert case.allowed is allowed
