"""Steps 1 to 6: who asks, early refusals, the ClientHello, clear text."""

from dataclasses import replace

import pytest

from generate.asks import EVIL, GOOD, POLICY, REGION, ROOT, Ask, policy
from s3gate.policy.decide import decide_connect, decide_request, decide_tls
from s3gate.policy.decision import Reason
from s3gate.policy.reading import Client

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


GROUPS = """
  people: {users: [alice], cidrs: [10.0.0.0/8]}
  shop: {vpc_endpoints: [vpce-1]}
rules:
"""
ASKING = policy(text=POLICY.replace("\nrules:\n", GROUPS))
CLIENTS: list[tuple[str, Client, Reason | None]] = [
    ("a user of the group", Client("10.0.0.1", user="alice"), None),
    ("the user from elsewhere", Client("192.0.2.1", user="alice"), None),
    ("a user of no group", Client("192.0.2.1", user="bob"), None),
    ("nobody from the group's network", Client("10.0.0.1"), R.PROXY_AUTH_REQUIRED),
    ("nobody from elsewhere", Client("192.0.2.1"), R.PROXY_AUTH_REQUIRED),
    ("nobody from another group's network", Client("10.20.0.1"), None),
    ("nobody through another group's endpoint", Client("192.0.2.1", vpc_endpoint="vpce-1"), None),
    ("nobody through another endpoint", Client("192.0.2.1", vpc_endpoint="vpce-2"), R.PROXY_AUTH_REQUIRED),
    ("a wrong password", Client("10.0.0.1", unproven="alice"), R.PROXY_AUTH_REQUIRED),
    ("a wrong password in a group of networks", Client("10.20.0.1", unproven=""), R.PROXY_AUTH_REQUIRED),
    (
        "a wrong password beside a right one",
        Client("10.0.0.1", user="alice", unproven=""),
        R.PROXY_AUTH_REQUIRED,
    ),
]


@pytest.mark.parametrize(("name", "client", "reason"), CLIENTS, ids=[row[0] for row in CLIENTS])
def test_who_must_say_who_it_is(name: str, client: Client, reason: Reason | None) -> None:
    request = replace(Ask().request(), client=client)
    for decide in (decide_connect, decide_tls):
        early = decide(ASKING, request)
        assert (early.reason if early is not None else None) is reason
    decision = decide_request(ASKING, request)
    assert decision.reason is (reason or R.ALLOWED_BY_RULE)
    assert decision.reading.host == GOOD


def test_a_stranger_learns_nothing_of_the_list() -> None:
    told = set()
    for host in (GOOD, EVIL, "www.evil.example"):
        asked = replace(Ask(host=host, connect=f"{host}:443").request(), client=Client("192.0.2.1"))
        decision = decide_connect(
            policy("deny_at: connect\n", text=POLICY.replace("\nrules:\n", GROUPS)), asked
        )
        assert decision is not None
        told.add((decision.reason, decision.detail))
    assert len(told) == 1


def test_monitor_mode_lifts_no_password() -> None:
    watched = policy("mode: monitor\nuntil: 2999-12-31\n", text=POLICY.replace("\nrules:\n", GROUPS))
    request = replace(Ask().request(), client=Client("192.0.2.1"))
    assert decide_request(watched, request).reason is R.PROXY_AUTH_REQUIRED


def test_without_users_in_the_policy_nobody_is_asked_but_a_wrong_password_is_wrong() -> None:
    assert decide_connect(policy(), Ask().request()) is None
    early = decide_connect(policy(), replace(Ask().request(), client=Client("10.0.0.1", unproven="")))
    assert early is not None
    assert early.reason is R.PROXY_AUTH_REQUIRED


def test_in_clear_text_the_record_has_the_host_too() -> None:
    plain = Ask(connect=None, sni=None, scheme="http", authority=GOOD).request()
    decision = decide_request(ASKING, replace(plain, client=Client("192.0.2.1")))
    assert (decision.reason, decision.reading.host) == (R.PROXY_AUTH_REQUIRED, GOOD)
