"""Canonical spellings of scalars: the right one passes, a wrong one is answered with the right one."""

from collections.abc import Callable

import pytest

from s3gate.policy.mistake import Misspelling
from s3gate.policy.spelling import (
    parse_account,
    parse_allow,
    parse_cidr,
    parse_date,
    parse_key_glob,
    parse_name,
)

ACCEPTED: list[tuple[Callable[[str], object], str]] = [
    (parse_name, "uploads"),
    (parse_name, "a.b_c-D1"),
    (parse_account, "012345670123"),
    (parse_date, "2028-02-29"),
    (parse_cidr, "10.20.0.0/24"),
    (parse_cidr, "0.0.0.0/0"),
    (parse_cidr, "fd00::/8"),
    (parse_cidr, "10.0.0.1/32"),
    (parse_allow, "read"),
    (parse_allow, "admin"),
    (parse_allow, "GetObject"),
    (parse_allow, "PutBucketPolicy"),
    (parse_key_glob, "incoming/*"),
    (parse_key_glob, "*"),
    (parse_key_glob, "año/?.txt"),
]

REFUSED: list[tuple[str, Callable[[str], object], str, str | None]] = [
    ("name with space", parse_name, "my rule", "write `my-rule`"),
    ("name with line end", parse_name, "a\n", "write `a`"),
    ("name too long", parse_name, "x" * 65, "write `" + "x" * 64 + "`"),
    ("name empty", parse_name, "", None),
    ("name of another script", parse_name, "ключ", None),
    (
        "account lost its zero",
        parse_account,
        "12345670123",
        'if zeros were lost in front, write "012345670123"',
    ),
    ("account with hyphens", parse_account, "1111-2222-3333", 'write "111122223333"'),
    ("account in an arn", parse_account, "arn:aws:iam::111122223333:root", 'write "111122223333"'),
    ("account too long", parse_account, "1111222233334", 'write the 12 digits, like "111122223333"'),
    (
        "account in other digits",
        parse_account,
        "１１１１２２２２３３３３",
        'write the 12 digits, like "111122223333"',
    ),
    ("account with line end", parse_account, "111122223333\n", 'write the 12 digits, like "111122223333"'),
    ("date with slashes", parse_date, "2026/12/31", "write `2026-12-31`"),
    ("date without zero", parse_date, "2026-1-5", "write `2026-01-05`"),
    ("date with time", parse_date, "2026-12-31T00:00:00Z", "write `2026-12-31`"),
    ("date of a compact kind", parse_date, "20261231", "write `2026-12-31`"),
    ("date near no day", parse_date, "2026/13/45", "write YYYY-MM-DD"),
    ("date that is no day", parse_date, "2026-02-30", "write YYYY-MM-DD"),
    ("date in words", parse_date, "tomorrow", "write YYYY-MM-DD"),
    ("date with line end", parse_date, "2026-12-31\n", "write YYYY-MM-DD"),
    ("date beyond ends", parse_date, "9999-12-31", "write a day before 2999-12-31"),
    ("network with host bits", parse_cidr, "10.20.0.1/24", "write `10.20.0.0/24`"),
    ("network as address", parse_cidr, "10.20.0.1", "write `10.20.0.1/32`"),
    ("network with netmask", parse_cidr, "10.0.0.0/255.0.0.0", "write `10.0.0.0/8`"),
    ("network in capitals", parse_cidr, "FD00::/8", "write `fd00::/8`"),
    ("network uncompressed", parse_cidr, "fd00:0::/8", "write `fd00::/8`"),
    ("network mapped", parse_cidr, "::ffff:10.0.0.0/104", "write the IPv4 network"),
    ("network octal", parse_cidr, "010.0.0.0/8", "write it like `10.20.0.0/24` or `fd00::/8`"),
    ("network of words", parse_cidr, "office", "write it like `10.20.0.0/24` or `fd00::/8`"),
    ("class capitalised", parse_allow, "Read", "write `read`"),
    ("operation in lower case", parse_allow, "getobject", "write `GetObject`"),
    ("operation as iam action", parse_allow, "s3:PutObject", "write `PutObject`"),
    ("key with a slash in front", parse_key_glob, "/incoming/*", "write `incoming/*`"),
    ("key empty", parse_key_glob, "", 'delete it, or write `"*"`'),
    ("key too long", parse_key_glob, "k" * 1025, "shorten it"),
]


@pytest.mark.parametrize(("parse", "text"), ACCEPTED)
def test_canonical_text_passes(parse: Callable[[str], object], text: str) -> None:
    assert str(parse(text)) == text


@pytest.mark.parametrize(
    ("parse", "text", "hint"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_other_text_is_refused_with_the_right_spelling(
    parse: Callable[[str], object], text: str, hint: str | None
) -> None:
    with pytest.raises(Misspelling) as caught:
        parse(text)
    assert caught.value.suggestion == hint


@pytest.mark.parametrize("text", ["s3:*", "Get*", "*"])
def test_no_wildcard_stands_for_operations(text: str) -> None:
    with pytest.raises(Misspelling) as caught:
        parse_allow(text)
    assert "no wildcard here" in str(caught.value.suggestion)


def test_a_word_that_is_no_operation_gets_the_classes() -> None:
    with pytest.raises(Misspelling) as caught:
        parse_allow("zebra")
    assert "`read`" in str(caught.value.suggestion)
