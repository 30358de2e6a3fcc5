"""The values of a policy: globs, ends, indexes."""

import pickle
import re
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.policy.document import parse_policy
from s3gate.policy.model import KeyGlob, Monitor

KEYS = [
    ("literal", "a/b", "a/b", True),
    ("literal longer", "a/b", "a/bc", False),
    ("star takes slashes", "a/*", "a/b/c", True),
    ("star takes nothing", "a/*", "a/", True),
    ("prefix is needed", "a/*", "b/a/", False),
    ("suffix", "*.csv", "x/y.csv", True),
    ("suffix overlaps prefix", "ab*ba", "aba", False),
    ("middle", "a*b*c", "a-b-c", True),
    ("middle out of order", "a*b*c*d", "a-c-b-d", False),
    ("one character", "a?c", "abc", True),
    ("one character is one", "a?c", "ac", False),
    ("one character in the middle", "a*b?d*e", "a--b-d--e", True),
    ("a dot is a dot", "a.c", "abc", False),
    ("line end", "a*", "a\nb", True),
    ("line end after", "a", "a\n", False),
    ("everything", "*", "", True),
    ("brackets are brackets", "[ab]", "a", False),
]


@pytest.mark.parametrize(("glob", "key", "fits"), [row[1:] for row in KEYS], ids=[row[0] for row in KEYS])
def test_globs(glob: str, key: str, fits: bool) -> None:
    assert KeyGlob.compile(glob).matches(key) is fits


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=10))
def test_a_glob_means_what_the_regular_expression_means(glob: str, key: str) -> None:
    pattern = glob.replace("?", ".").replace("*", ".*")
    assert KeyGlob.compile(glob).matches(key) is (re.fullmatch(pattern, key, re.DOTALL) is not None)


@given(st.text("ab*?", max_size=6), st.text("ab", max_size=4), st.text("ab", max_size=4))
def test_a_covered_prefix_covers_every_key(glob: str, prefix: str, rest: str) -> None:
    pattern = KeyGlob.compile(glob)
    assert not pattern.covers_prefix(prefix) or pattern.matches(prefix + rest)


def test_no_key_makes_a_glob_slow() -> None:
    assert not KeyGlob.compile("*a" * 40 + "b").matches("a" * 1024)


def test_monitor_ends_after_its_last_day() -> None:
    monitor = Monitor(date(2026, 6, 30))
    assert monitor.active(datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC))
    assert not monitor.active(datetime(2026, 7, 1, tzinfo=UTC))


def test_rules_are_found_by_bucket_by_name_and_as_a_source() -> None:
    policy = parse_policy(
        b"""\
version: 1
endpoints: {partitions: [aws], regions: [us-east-1], classes: [standard]}
rules:
  - {id: a, bucket: bkt, allow: [read]}
  - {id: b, fqdn: bkt.s3.us-east-1.amazonaws.com, allow: [list]}
  - {id: c, bucket: bkt, allow: [write]}
"""
    )
    assert [rule.id for rule in policy.by_bucket["aws", "bkt"]] == ["a", "c"]
    assert [rule.id for rule in policy.by_fqdn["bkt.s3.us-east-1.amazonaws.com"]] == ["b"]
    assert [rule.id for rule in policy.by_source["aws", "bkt"]] == ["a", "b", "c"]


def test_the_row_of_a_preset_is_the_last_rule_of_its_bucket_and_no_source() -> None:
    policy = parse_policy(
        b"""\
version: 1
endpoints: {partitions: [aws], regions: [us-east-1], classes: [standard]}
presets: [ssm-agent]
rules:
  - {id: a, bucket: amazon-ssm-us-east-1, allow: [read]}
"""
    )
    own, row = policy.by_bucket["aws", "amazon-ssm-us-east-1"]
    assert (own.id, row.id, row.line) == ("a", "preset:ssm-agent", 0)
    assert row.regions == frozenset({"us-east-1"})
    assert own.preset is None
    assert row.preset is not None
    assert policy.by_source["aws", "amazon-ssm-us-east-1"] == (own,)
    assert policy.rules == (own,)
    assert ("aws", "amazon-ssm-us-west-2") not in policy.by_bucket


MANY = b"""\
version: 1
endpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard]}
clients: {batch: {cidrs: [10.0.0.0/8]}}
rules:
  - {id: a, bucket: first-bucket, allow: [read], keys: ["in/*"], clients: [batch], accounts: ["111122223333"]}
  - {id: b, bucket: second-bucket, allow: [read], keys: ["in/*"], clients: [batch], accounts: ["111122223333"]}
  - {id: c, fqdn: second-bucket.s3.eu-west-1.amazonaws.com, allow: [write]}
hosts:
  - {name: sts.eu-west-1.amazonaws.com, accounts: ["111122223333"]}
"""


def test_a_policy_is_the_same_in_another_process() -> None:
    policy = parse_policy(MANY)
    assert pickle.loads(pickle.dumps(policy)) == policy  # noqa: S301 - our own


def test_what_is_alike_in_many_rules_is_kept_once() -> None:
    policy = parse_policy(MANY)
    first, second, _ = policy.rules
    for name in ("keys", "clients", "accounts", "regions", "classes", "operations"):
        assert getattr(first, name) is getattr(second, name), name
    place = ("aws", "first-bucket")
    assert policy.by_source[place] is policy.by_bucket[place]
    other = ("aws", "second-bucket")
    assert (len(policy.by_source[other]), len(policy.by_bucket[other])) == (2, 1)
