"""A recorded request reads as the request itself did."""

import pytest

from generate.asks import GOOD, NOW, POLICY, REGION, ROOT, Ask, policy
from generate.recorded import facts, record
from s3gate.audit.key_form import KeyForm
from s3gate.policy.decide import decide_case, decide_request
from s3gate.replay.facts import read_facts, read_past
from s3gate.replay.recorded_case import RecordedCase
from s3gate.replay.signer import NotReplayable
from s3gate.replay.world import PLAIN, World

BASE = policy()
ASKS = [
    Ask(),
    Ask(target="/a+b"),
    Ask(host=ROOT, target="/read-only/a//b"),
    Ask(target="/?list-type=2&prefix=a"),
    Ask(method="PUT", headers=(("x-amz-copy-source", "read-only/k"),)),
    Ask(f"sts.{REGION}.amazonaws.com", "/", service="sts"),
    Ask(f"keyed.s3.{REGION}.amazonaws.com", "/incoming/../x"),
    Ask(host="good-bucket.s3.amazonaws.com"),
    Ask(host=ROOT, target="/"),
]


@pytest.mark.parametrize("ask", ASKS, ids=lambda ask: f"{ask.method} {ask.host}{ask.target}")
def test_plain_requests_get_the_same_decision(ask: Ask) -> None:
    """The whole of it: reason, sentence, rule and what was read."""
    world = World(region=REGION) if "s3.amazonaws" in ask.host else PLAIN
    assert decide_case(RecordedCase(BASE, facts(BASE, ask), world, NOW)) == decide_request(
        BASE, ask.request()
    )


@pytest.mark.parametrize(
    ("world", "reason"),
    [
        (PLAIN, "ALLOWED_BY_RULE"),
        (World(also=frozenset({"PutObjectAcl"})), "OPERATION_NOT_ALLOWED"),
        (World(encryption="customer-key"), "ENCRYPTION_NOT_ALLOWED"),
        (World(binding="uncovered"), "UNSIGNED_REQUEST"),
        (World(binding="elsewhere"), "CREDENTIAL_SCOPE_MISMATCH"),
    ],
)
def test_the_world_decides_what_is_open(world: World, reason: str) -> None:
    assert decide_case(RecordedCase(BASE, facts(BASE, Ask(method="PUT")), world, NOW)).reason == reason


@pytest.mark.parametrize(
    ("world", "reason"),
    [(PLAIN, "BUCKET_OWNER_NOT_PROVEN"), (World(owner="609629065308"), "ALLOWED_BY_RULE")],
)
def test_an_owner_is_proven_by_the_world(world: World, reason: str) -> None:
    owned = policy(text=POLICY.replace("delete]}", 'delete], owner: "609629065308"}'))
    assert decide_case(RecordedCase(owned, facts(BASE, Ask()), world, NOW)).reason == reason


@pytest.mark.parametrize("host", [GOOD, ROOT])
def test_a_hidden_key_is_still_a_key(host: str) -> None:
    target = "/k" if host == GOOD else "/good-bucket/k"
    case = RecordedCase(BASE, facts(BASE, Ask(host, target), KeyForm("omit")), PLAIN, NOW)
    assert decide_case(case).reason == "ALLOWED_BY_RULE"
    assert case.address is not None
    assert case.address.key is not None


def test_a_listing_with_hidden_keys_is_still_one_of_the_bucket() -> None:
    case = RecordedCase(BASE, facts(BASE, Ask(target="/?prefix=a"), KeyForm("omit")), PLAIN, NOW)
    decide_case(case)
    assert case.address is not None
    assert case.address.key is None


@pytest.mark.parametrize("change", [{"key": "other"}, {"bucket": "other"}, {"style": "path"}])
def test_a_record_that_contradicts_itself_is_not_judged(change: dict[str, str]) -> None:
    written = record(BASE, Ask())
    request = written["request"]
    assert isinstance(request, dict)
    request.update(change)
    case = RecordedCase(BASE, read_facts(written, read_past(written)), PLAIN, NOW)
    with pytest.raises(NotReplayable, match="does not read as its record says"):
        decide_case(case)


def test_a_probe_is_known_by_its_operation() -> None:
    probe = policy("plain_http: head\n")
    ask = Ask(method="HEAD", target="/", key=None, connect=None, sni=None, scheme="http", authority=GOOD)
    assert decide_case(RecordedCase(probe, facts(probe, ask), PLAIN, NOW)).reason == "ALLOWED_BY_RULE"
