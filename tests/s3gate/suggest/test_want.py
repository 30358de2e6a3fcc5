"""What a policy lacks for one request."""

import pytest

from generate.asks import FOREIGN, NOW, OLD, POLICY, REGION, ROOT, Ask, policy
from generate.recorded import facts
from s3gate.policy.decide import decide_request
from s3gate.policy.document import parse_policy
from s3gate.suggest.key_pattern import NotSuggested
from s3gate.suggest.want import HostWant, RuleWant, Want, Word, enforced, find_wants, world_of

WATCHED = policy("mode: monitor\nuntil: 2026-11-22\n")


def wants(ask: Ask) -> tuple[Want, ...]:
    return find_wants(WATCHED, facts(WATCHED, ask), NOW)


def kinds(ask: Ask) -> list[object]:
    told: list[object] = []
    for want in wants(ask):
        if isinstance(want, RuleWant):
            told.append((want.key, want.value, want.operation, want.patterns, want.exact))
        else:
            told.append(want)
    return told


ROWS: list[tuple[str, Ask, list[object]]] = [
    ("allowed as it stands", Ask(), []),
    ("a bucket", Ask(f"new-one.s3.{REGION}.amazonaws.com"), [("bucket", "new-one", "GetObject", (), False)]),
    ("by path", Ask(ROOT, "/new-one/k", "PUT"), [("bucket", "new-one", "PutObject", (), False)]),
    ("admin", Ask(target="/?policy", method="PUT"), [("bucket", "good-bucket", "PutBucketPolicy", (), True)]),
    ("a key outside", Ask(f"keyed.s3.{REGION}.amazonaws.com", "/x"), [("bucket", "keyed", "GetObject", ("x",), False)]),
    ("a region", Ask("new-one.s3.eu-west-1.amazonaws.com", region="eu-west-1"), [Word("regions", "eu-west-1"), ("bucket", "new-one", "GetObject", (), False)]),
    ("a class", Ask(f"good-bucket.s3-fips.{REGION}.amazonaws.com"), [Word("classes", "fips")]),
    ("an endpoint", Ask(f"good-bucket.bucket.vpce-0a1b-c2d3.s3.{REGION}.vpce.amazonaws.com"), [Word("classes", "vpce"), Word("vpce", "vpce-0a1b")]),
    ("a partition", Ask("new-one.s3.cn-north-1.amazonaws.com.cn", region="cn-north-1"), [Word("partitions", "aws-cn"), Word("regions", "cn-north-1"), ("bucket", "new-one", "GetObject", (), False)]),
    ("a rule's region", Ask(f"narrow.s3.{REGION}.amazonaws.com"), [("bucket", "narrow", "GetObject", (), False)]),
    ("a client", Ask(f"batch-bucket.s3.{REGION}.amazonaws.com", method="PUT"), [("bucket", "batch-bucket", "PutObject", (), False)]),
    ("an account", Ask(f"ours-only.s3.{REGION}.amazonaws.com", key=FOREIGN), [("bucket", "ours-only", "GetObject", (), False)]),
    ("a service", Ask(f"logs.{REGION}.amazonaws.com", "/", service="logs"), [HostWant(f"logs.{REGION}.amazonaws.com", "609629065308")]),
    ("a service's account", Ask(f"sts.{REGION}.amazonaws.com", "/", service="sts", key=FOREIGN), [HostWant(f"sts.{REGION}.amazonaws.com", "364679954851")]),
    ("a source", Ask(method="PUT", headers=(("x-amz-copy-source", "new-one/k"),)), [("bucket", "new-one", "GetObject", (), True)]),
    ("a target and a source", Ask(f"two.s3.{REGION}.amazonaws.com", "/k", "PUT", (("x-amz-copy-source", "new-one/k"),)),
     [("bucket", "two", "CopyObject", (), False), ("bucket", "new-one", "GetObject", (), True)]),
    ("an access point", Ask(f"fin-111122223333.s3-accesspoint.{REGION}.amazonaws.com"),
     [Word("classes", "access-point"), ("access_point", f"arn:aws:s3:{REGION}:111122223333:accesspoint/fin", "GetObject", (), False)]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "ask", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_what_is_lacking(name: str, ask: Ask, expected: list[object]) -> None:
    assert sorted(map(str, kinds(ask))) == sorted(map(str, expected))


def test_a_want_is_as_narrow_as_what_was_asked() -> None:
    (want,) = wants(Ask(f"ours-only.s3.{REGION}.amazonaws.com", key=FOREIGN, client="10.20.0.7"))
    assert isinstance(want, RuleWant)
    assert (want.group, want.address, want.account) == ("batch", None, "364679954851")
    (want,) = wants(Ask(f"ours-only.s3.{REGION}.amazonaws.com", key=OLD, client="192.0.2.1"))
    assert isinstance(want, RuleWant)
    assert (want.group, want.address, want.account) == (None, "192.0.2.1", None)


def test_owner_and_encryption_of_the_rule_that_refused_are_kept() -> None:
    text = POLICY.replace("{id: reports, ", '{id: reports, owner: "609629065308", encryption: any, ')
    watched = policy("mode: monitor\nuntil: 2026-11-22\n", text)
    owned = Ask(
        f"read-only.s3.{REGION}.amazonaws.com",
        "/k",
        "PUT",
        (("x-amz-expected-bucket-owner", "609629065308"),),
    )
    seen = facts(watched, owned)
    assert decide_request(watched, owned.request()).reason == "MONITOR_ONLY"
    (want,) = find_wants(watched, seen, NOW)
    assert isinstance(want, RuleWant)
    assert (want.owner, want.encryption_any) == ("609629065308", True)
    assert world_of(watched, seen).owner == "609629065308"


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (Ask(f"logs.{REGION}.amazonaws.com", "/", service="logs", key=OLD), "does not tell an account"),
        (
            Ask("mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com", region_set="*"),
            "does not tell the account of its ARN",
        ),
        (Ask(f"x-s3alias.s3.{REGION}.amazonaws.com"), "no addition allows it: ENDPOINT_NOT_ALLOWED"),
    ],
)
def test_what_no_addition_allows(ask: Ask, why: str) -> None:
    with pytest.raises(NotSuggested, match=why):
        wants(ask)


SPOILERS = [
    ("a name of us-east-1 before 2018", Ask(ROOT, "/Foo_Bar/k"), "a bucket name has only a-z"),
    ("one that S3 reserves", Ask(f"xn--abc.s3.{REGION}.amazonaws.com"), "S3 reserves names"),
    ("a copy of such a bucket", Ask(method="PUT", headers=(("x-amz-copy-source", "Foo_Bar/k"),)), "a bucket name has only a-z"),
    ("a copy by an alias", Ask(method="PUT", headers=(("x-amz-copy-source", "a-ufgrh7nm9sebaxx6q5ssiyayn3mmbeuw1a-s3alias/k"),)), "access-point-alias"),
    ("a copy of a directory bucket", Ask(method="PUT", headers=(("x-amz-copy-source", "b--use1-az4--x-s3/k"),)), "class `express` is not listed"),
    ("a copy by an access point", Ask(method="PUT", headers=(("x-amz-copy-source", f"arn:aws:s3:{REGION}:111122223333:accesspoint/fin/object/k"),)), "class `access-point` is not listed"),
    ("a copy from another region", Ask(method="PUT", headers=(("x-amz-copy-source", "arn:aws:s3:eu-west-1:111122223333:accesspoint/fin/object/k"),)), "region `eu-west-1` is not listed"),
    ("a copy by a multi-region one", Ask(method="PUT", headers=(("x-amz-copy-source", "arn:aws:s3::111122223333:accesspoint/abc.mrap/object/k"),)), "no access point of one region"),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "why"), [row[1:] for row in SPOILERS], ids=[row[0] for row in SPOILERS])
def test_what_no_rule_can_list_spoils_nothing_else(ask: Ask, why: str) -> None:
    """Monitor mode lets it pass, so anybody may send it: `suggest` would have written nothing at all."""
    with pytest.raises(NotSuggested, match=why):
        wants(ask)


def test_without_its_monitor_modes() -> None:
    text = POLICY.replace("{id: reports, ", "{id: reports, mode: monitor, until: 2026-11-22, ")
    bare = enforced(parse_policy((text + "mode: monitor\nuntil: 2026-11-22\n").encode()))
    assert bare.monitor is None
    assert not [rule for rule in bare.rules if rule.monitor is not None]
