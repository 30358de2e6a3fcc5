"""Bytes to Policy, or every mistake at once."""

import gc
from datetime import date
from hashlib import sha256
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.policy.document import parse_policy, parse_policy_tree
from s3gate.policy.mistake import Mistake, PolicyErrors
from s3gate.policy.model import DenyAt, KeyGlob, Monitor, PlainHttp
from s3gate.s3.endpoint import EndpointClass
from s3gate.s3.operation import OperationClass

FULL = b"""\
version: 1
mode: monitor
until: 2026-12-31
endpoints:
  partitions: [aws]
  regions: [ap-northeast-1, us-east-1]
  vpce: []
  classes: [standard, dualstack]
  path_style: allow
clients:
  batch: {cidrs: [10.20.0.0/24, "fd00::/8"]}
rules:
  - id: uploads
    bucket: example-uploads
    allow: [read, write, GetBucketPolicy]
    keys: ["incoming/*"]
    clients: [batch]
    accounts: [012345670123]
    partition: aws
    regions: [ap-northeast-1]
    mode: monitor
    until: 2026-06-30
  - {id: reports, fqdn: reports.s3.us-east-1.amazonaws.com, allow: [list]}
hosts:
  - {name: sts.ap-northeast-1.amazonaws.com, accounts: ["111122223333"]}
plain_http: head
sigv2: allow
unsigned: allow
deny_at: connect
"""


def test_a_policy_holds_what_the_file_says() -> None:
    policy = parse_policy(FULL)
    assert policy.digest == "sha256:" + sha256(FULL).hexdigest()
    assert policy.partitions == {"aws"}
    assert policy.regions == {"ap-northeast-1", "us-east-1"}
    assert policy.classes == {EndpointClass.STANDARD, EndpointClass.DUALSTACK}
    assert policy.path_style
    assert policy.clients["batch"].cidrs == (ip_network("10.20.0.0/24"), ip_network("fd00::/8"))
    assert (policy.plain_http, policy.deny_at) == (PlainHttp.HEAD, DenyAt.CONNECT)
    assert policy.sigv2
    assert policy.unsigned
    assert policy.monitor == Monitor(date(2026, 12, 31))
    host = policy.hosts["sts.ap-northeast-1.amazonaws.com"]
    assert (host.accounts, host.line) == (frozenset({"111122223333"}), 25)


def test_a_rule_holds_what_its_row_says() -> None:
    uploads, reports = parse_policy(FULL).rules
    assert (uploads.id, uploads.line, uploads.bucket, uploads.fqdn) == (
        "uploads",
        13,
        "example-uploads",
        None,
    )
    assert uploads.classes == {OperationClass.READ, OperationClass.WRITE}
    assert uploads.operations == {"GetBucketPolicy"}
    assert uploads.keys == (KeyGlob.compile("incoming/*"),)
    assert uploads.clients == ("batch",)
    assert uploads.accounts == {"012345670123"}
    assert uploads.regions == {"ap-northeast-1"}
    assert uploads.monitor == Monitor(date(2026, 6, 30))
    assert (reports.line, reports.bucket, reports.fqdn) == (23, None, "reports.s3.us-east-1.amazonaws.com")
    assert (reports.keys, reports.clients, reports.accounts, reports.regions) == (
        (),
        (),
        frozenset(),
        frozenset(),
    )
    assert reports.monitor is None


def test_the_partition_of_a_fqdn_is_in_its_name() -> None:
    text = """\
version: 1
endpoints: {partitions: [aws, aws-cn], regions: [us-east-1, cn-north-1], classes: [standard]}
rules:
  - {id: a, fqdn: bkt.s3.cn-north-1.amazonaws.com.cn, allow: [read]}
  - {id: b, bucket: bkt, partition: aws-cn, allow: [read]}
  - {id: c, bucket: bkt, partition: aws, allow: [read]}
"""
    assert [rule.partition for rule in parse_policy(text.encode()).rules] == ["aws-cn", "aws-cn", "aws"]


def test_the_tree_comes_along_for_those_who_point_at_it() -> None:
    _, root = parse_policy_tree(FULL)
    assert root.key_at(("rules", 0, "bucket")) == (14, 5)


@pytest.mark.parametrize("data", [FULL, b""])
def test_the_collector_is_left_as_it_was(data: bytes) -> None:
    assert gc.isenabled()
    mistakes_of(data)
    assert gc.isenabled()
    gc.disable()
    try:
        mistakes_of(data)
        assert not gc.isenabled()
    finally:
        gc.enable()


WRONG = b"""\
version: 2
vesrion: 1
presets: [ssm_agent]
endpoints:
  partitions: [aws, aws]
  regions: [moon-1]
  classes: [Standard]
  path_style: yes
clients:
  batch: {cidrs: [10.20.0.1/24]}
rules:
  - id: uploads
    bucket: s3://example
    allow: [Read]
    clients: [btch]
    regions: [us-east-1]
    until: 2026/1/5
    owner: "1111"
  - {id: uploads, fqdn: B.s3.us-east-1.amazonaws.com., allow: [read]}
hosts:
  - {name: s3.us-east-1.amazonaws.com, accounts: [1]}
sigv2: no
sigv2: no
"""


def test_every_mistake_is_told_at_once_in_file_order() -> None:
    with pytest.raises(PolicyErrors) as caught:
        parse_policy(WRONG)
    assert [(one.line, one.column, one.suggestion) for one in caught.value.mistakes] == [
        (1, 10, "write `1`"),
        (2, 1, "write `version`"),
        (3, 11, "write `ssm-agent`"),
        (5, 21, "keep one"),
        (6, 13, "write the code of a region, like `ap-northeast-1`"),
        (7, 13, "write `standard`"),
        (8, 15, "write `allow`"),
        (10, 19, "write `10.20.0.0/24`"),
        (13, 13, "write `example`"),
        (14, 13, "write `read`"),
        (15, 15, "write `batch`"),
        (16, 15, "add it to `regions` there, or delete it here"),
        (17, 5, "delete it, or add `mode: monitor`"),
        (17, 12, "write `2026-01-05`"),
        (18, 12, 'write the 12 digits, like "111122223333"'),
        (19, 10, "choose another, or merge the two"),
        (19, 25, "write `b.s3.us-east-1.amazonaws.com`"),
        (21, 12, "write rules with `bucket:`"),
        (21, 51, 'write the 12 digits, like "111122223333"'),
        (22, 8, "write `deny`"),
        (23, 1, "keep one"),
    ]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param(b"", "the document is empty", id="empty"),
        pytest.param(b"- a\n", "not a mapping", id="list"),
        pytest.param(b"a", "not a mapping", id="text"),
        pytest.param(b"version: 1\n", "key `endpoints` is missing", id="endpoints missing"),
        pytest.param(b"version: 1\nendpoints:\n", "nothing where a mapping belongs", id="endpoints empty"),
        pytest.param(b"\xff", "not UTF-8", id="bytes"),
        pytest.param(b"version: [1]\n", "a list where one of `1` belongs", id="version"),
    ],
)
def test_no_policy_comes_of_it(data: bytes, says: str) -> None:
    with pytest.raises(PolicyErrors) as caught:
        parse_policy(data)
    assert any(says in one.message for one in caught.value.mistakes)


def test_what_is_wrong_as_yaml_is_not_told_a_second_time() -> None:
    text = FULL.replace(b"sigv2: allow", b"sigv2: *x")
    with pytest.raises(PolicyErrors) as caught:
        parse_policy(text)
    assert [one.message for one in caught.value.mistakes] == ["alias `*x`"]


def mistakes_of(data: bytes) -> tuple[Mistake, ...]:
    """What is wrong with a file: nothing, or at least one mistake."""
    try:
        parse_policy(data)
    except PolicyErrors as exc:
        return exc.mistakes or (Mistake(0, 0, "refused without a mistake"),)
    return ()


WORDS = [line.encode() for line in FULL.decode().split()]


@given(st.lists(st.sampled_from([*WORDS, b"\n", b"\n  - ", b": ", b"{", b"}", b"["]), max_size=40))
def test_whatever_is_written_gives_a_policy_or_its_mistakes(words: list[bytes]) -> None:
    found = mistakes_of(b"version: 1\n" + b" ".join(words))
    assert list(found) == sorted(found, key=lambda one: (one.line, one.column))


@given(st.data())
def test_a_changed_file_is_refused_or_read_and_never_breaks(data: st.DataObject) -> None:
    lines = FULL.splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 1))
    lines[at] = data.draw(
        st.sampled_from([b"", lines[at] * 2, lines[at].replace(b":", b""), lines[at].upper()])
    )
    assert all(one.line >= 1 and one.column >= 1 for one in mistakes_of(b"".join(lines)))
