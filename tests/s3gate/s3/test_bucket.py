"""Names in the bucket's slot."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.s3.bucket import (
    ALIAS_SUFFIXES,
    alias_kind,
    explain_bucket_name,
    is_bucket_name,
    is_directory_bucket_name,
    is_legacy_bucket_name,
    namespace_of,
)

GOOD = [
    "abc",
    "a" * 63,
    "my-bucket",
    "my.bucket.example",
    "123",
    "1.2.3",
    "a--b",
    "logs-123456789012-eu-west-1-an",
]

BAD = {
    "short": ("ab", "3 to 63 characters, this has 2"),
    "long": ("a" * 64, "3 to 63 characters, this has 64"),
    "empty": ("", "this has 0"),
    "capitals": ("My-Bucket", "write `my-bucket`"),
    "underscore": ("my_bucket", "only a-z, 0-9"),
    "hyphen first": ("-bucket", "letter or digit at both ends"),
    "dot last": ("bucket.", "letter or digit at both ends"),
    "newline appended": ("bucket\n", "only a-z"),
    "star": ("bucket*", "only a-z"),
    "letter beyond ASCII": ("b\xfccket", "only a-z"),
    "Kelvin sign": ("buc\u212aet", "only a-z"),
    "fullwidth digit": ("bucket\uff11", "only a-z"),
    "two dots": ("my..bucket", "no two dots"),
    "address": ("192.168.5.4", "IP address"),
    "punycode": ("xn--bcket-kva", "starts? with `xn--`"),
    "sthree": ("sthree-bucket", "start with `sthree-`"),
    "demonstration": ("amzn-s3-demo-bucket", "start with `amzn-s3-demo-`"),
    "access point alias": ("ap-hash-s3alias", "access-point-alias"),
    "FSx alias": ("fs-hash-ext-s3alias", "access-point-alias"),
    "Object Lambda alias": ("ol-hash--ol-s3", "object-lambda-alias"),
    "Outposts alias": ("op-hash--op-s3", "outposts-alias"),
    "multi-region alias": ("mfzwi23gnjvgw.mrap", "mrap-alias"),
    "directory bucket": ("b--use1-az4--x-s3", "directory-bucket"),
    "directory access point": ("b--use1-az4--xa-s3", "directory-access-point"),
    "table bucket": ("0f1e--table-s3", "table-bucket"),
}


@pytest.mark.parametrize("text", GOOD)
def test_takes_names_of_today(text: str) -> None:
    assert is_bucket_name(text)
    assert explain_bucket_name(text) is None
    assert alias_kind(text) is None


@pytest.mark.parametrize(("text", "reason"), BAD.values(), ids=BAD)
def test_explains_what_is_no_bucket(text: str, reason: str) -> None:
    why = explain_bucket_name(text)
    assert why is not None
    assert not is_bucket_name(text)
    assert re.search(reason, why)


LEGACY = {
    "capitals": ("My_Bucket", True),
    "255": ("B" * 255, True),
    "256": ("B" * 256, False),
    "two characters": ("ab", False),
    "dots": ("...", True),
    "slash": ("a/b", False),
    "percent": ("a%62c", False),
    "newline appended": ("bucket\n", False),
    "letter beyond ASCII": ("b\xfccket", False),
    "empty": ("", False),
    "one dot": (".", False),
    "two dots": ("..", False),
}


@pytest.mark.parametrize(("text", "expected"), LEGACY.values(), ids=LEGACY)
def test_legacy_names(text: str, expected: bool) -> None:
    assert is_legacy_bucket_name(text) is expected


NAMESPACES = {
    "account regional": ("logs-111122223333-us-west-2-an", ("111122223333", "us-west-2")),
    "GovCloud": ("logs-111122223333-us-gov-west-1-an", ("111122223333", "us-gov-west-1")),
    "the last account counts": ("a-444455556666-111122223333-us-west-2-an", ("111122223333", "us-west-2")),
    "no prefix": ("111122223333-us-west-2-an", None),
    "no region": ("logs-111122223333-an", None),
    "no such region": ("logs-111122223333-xx-west-2-an", None),
    "short account": ("logs-11112222333-us-west-2-an", None),
    "long account": ("logs-1111222233334-us-west-2-an", None),
    "other suffix": ("logs-111122223333-us-west-2", None),
    "capitals": ("Logs-111122223333-us-west-2-an", None),
    "newline appended": ("logs-111122223333-us-west-2-an\n", None),
    "too long": ("l" * 50 + "-111122223333-us-west-2-an", None),
}


@pytest.mark.parametrize(("text", "expected"), NAMESPACES.values(), ids=NAMESPACES)
def test_a_name_may_tell_its_account(text: str, expected: tuple[str, str] | None) -> None:
    assert namespace_of(text) == expected


@pytest.mark.parametrize(("suffix", "kind"), ALIAS_SUFFIXES)
def test_aliases_are_told_in_any_case(suffix: str, kind: str) -> None:
    assert alias_kind(f"name{suffix}") == kind
    assert alias_kind(f"NAME{suffix.upper()}") == kind
    assert alias_kind(f"name{suffix}x") is None


@given(st.text(st.sampled_from("abz09.-_A%/\n")) | st.text())
def test_every_name_of_today_is_also_a_legacy_name_and_never_an_alias(text: str) -> None:
    if is_bucket_name(text):
        assert is_legacy_bucket_name(text)
        assert alias_kind(text) is None
        assert explain_bucket_name(text.upper()) is not None or text.upper() == text


def test_directory_buckets_tell_their_zone() -> None:
    for name in ("b--use1-az4--x-s3", "a-b--c--usw2-lax1-az1--x-s3"):
        assert is_directory_bucket_name(name)
    for name in (
        "b--x-s3",
        "b--use1--x-s3",
        "B--use1-az4--x-s3",
        "b.c--use1-az4--x-s3",
        "-b--use1-az4--x-s3",
    ):
        assert not is_directory_bucket_name(name)
    assert not is_directory_bucket_name("b--use1-az4--xa-s3")
    assert not is_directory_bucket_name("b" * 60 + "--use1-az4--x-s3")
