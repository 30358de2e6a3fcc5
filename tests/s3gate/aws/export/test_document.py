"""Grants that are alike become one statement."""

import json

import pytest

from s3gate.aws.export.document import (
    allow_document,
    conditions_block,
    document,
    merge_grants,
    render_document,
)
from s3gate.aws.export.grant import Grant

GET, PUT = frozenset({"s3:GetObject"}), frozenset({"s3:PutObject"})
OWNED = frozenset({("StringEquals", "aws:ResourceAccount", ("111122223333",))})


def test_equal_rights_share_a_statement_and_other_conditions_do_not() -> None:
    merged = merge_grants([Grant(GET, ("a",)), Grant(GET, ("b",)), Grant(GET, ("c",), OWNED)])
    assert merged == [Grant(GET, ("a", "b")), Grant(GET, ("c",), OWNED)]


def test_two_rules_for_one_bucket_share_it() -> None:
    assert merge_grants([Grant(GET, ("a",)), Grant(PUT, ("a",))]) == [Grant(GET | PUT, ("a",))]


def test_an_endpoint_policy_names_everybody_and_a_users_policy_nobody() -> None:
    [statement] = json.loads(render_document(allow_document([Grant(GET, ("a",), OWNED)], principal=True)))[
        "Statement"
    ]
    assert statement == {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject"],
        "Resource": ["a"],
        "Condition": {"StringEquals": {"aws:ResourceAccount": "111122223333"}},
    }
    [statement] = json.loads(render_document(allow_document([Grant(GET, ("a",))], principal=False)))[
        "Statement"
    ]
    assert "Principal" not in statement


def test_nothing_granted_denies_everything() -> None:
    """A policy without a statement would not be taken, and no policy at all allows everything."""
    [statement] = json.loads(render_document(allow_document([], principal=True)))["Statement"]
    assert statement == {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}


def test_several_values_are_a_list() -> None:
    assert conditions_block([("StringEquals", "k", ("a", "b")), ("StringEquals", "l", ("c",))]) == {
        "StringEquals": {"k": ["a", "b"], "l": "c"}
    }


def test_no_condition_is_lost() -> None:
    with pytest.raises(ValueError, match="`k` stands twice under `StringEquals`"):
        conditions_block([("StringEquals", "k", ("a",)), ("StringEquals", "k", ("b",))])


def test_the_text_is_ascii_and_without_white_space() -> None:
    text = render_document(document([{"Resource": "日本 x"}]))
    assert text.isascii()
    assert json.loads(text)["Statement"] == [{"Resource": "日本 x"}]
    assert " " not in text.replace(" x", "")
