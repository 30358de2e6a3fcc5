"""Steps 2 to 6: early refusals, the ClientHello, clear text."""

from dataclasses import replace

import pytest

from generate.asks import EVIL, GOOD, REGION, ROOT, Ask, policy
from s3gate.policy.decide import decide_connect, decide_request, decide_tls
from s3gate.policy.decision import Reason

R = Reason

EARLY: list[tuple[str, str, Reason | None]] = [
    ("a listed bucket", f"{GOOD}:443", None),
    ("the service root", f"{ROOT}:443", None),
    ("a listed service", f"sts.{REGION}.amazonaws.com:443", None),
    ("an unlisted bucket", f"{EVIL}:443", R.BUCKET_NOT_LISTED),
    ("an unlisted service", "sqs.us-east-1.amazonaws.com:443", R.HOST_NOT_LISTED),
    ("a closed region", "good-bucket.s3.eu-west-1.amazonaws.com:443", R.REGION_NOT_ALLOWED),
]


@pytest.mark.parametrize(("name", "connect", "reason"), EARLY, ids=[row[0] for row in EARLY])
def test_deny_at_connect_refuses_what_no_rule_could_allow(
    name: str, connect: str, reason: Reason | None
) -> None:
    request = Ask(connect=connect).request()
    lifted = decide_connect(policy(), request)
    early = decide_connect(policy("deny_at: connect\n"), request)
    assert lifted is None, "an AWS name is answered inside the tunnel by default"
    assert (early.reason if early is not None else None) is reason


def test_tls_is_judged_before_the_handshake() -> None:
    assert decide_tls(policy(), Ask().request()) is None
    refused = decide_tls(policy(), Ask(sni=EVIL).request())
    assert refused is not None
    assert refused.reason is R.SNI_MISMATCH


PLAIN: list[tuple[str, str, Ask, Reason]] = [
    ("allow: a get", "allow", Ask(), R.ALLOWED_BY_RULE),
    ("allow: another bucket", "allow", Ask(host=EVIL), R.BUCKET_NOT_LISTED),
    ("allow: still signed", "allow", Ask(key=None), R.UNSIGNED_REQUEST),
    ("head: the probe, unsigned", "head", Ask(method="HEAD", target="/", key=None), R.ALLOWED_BY_RULE),
    ("head: a key", "head", Ask(method="HEAD"), R.PLAIN_HTTP),
    ("head: a query", "head", Ask(method="HEAD", target="/?x", key=None), R.PLAIN_HTTP),
    ("head: a get", "head", Ask(target="/"), R.PLAIN_HTTP),
    ("head: another bucket", "head", Ask(host=EVIL, method="HEAD", target="/"), R.BUCKET_NOT_LISTED),
]


@pytest.mark.parametrize(("name", "mode", "ask", "reason"), PLAIN, ids=[row[0] for row in PLAIN])
def test_clear_text_goes_as_far_as_the_policy_says(name: str, mode: str, ask: Ask, reason: Reason) -> None:
    plain = replace(ask, connect=None, sni=None, scheme="http", authority=ask.host)
    assert decide_request(policy(f"plain_http: {mode}\n"), plain.request()).reason is reason
