"""The canonical spelling of each scalar of the policy file.

Normally a text is canonical and comes back as it is. Otherwise a Misspelling says
what is wrong and how it is written; nothing is ever corrected silently, because what
the list means must be readable from the list.
"""

import re
from datetime import date
from ipaddress import IPv6Network, ip_network
from typing import Final

from s3gate.policy.membership import Network
from s3gate.policy.mistake import Misspelling, quote
from s3gate.policy.suggestion import nearest
from s3gate.s3.operation import OPERATION_CLASS, OperationClass

# A name that a person gives to a rule or to a group of clients: 1*64( ALPHA / DIGIT / "." / "_" / "-" ),
# beginning with a letter or digit; it appears in records, metrics and command lines.
NAME_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_NAME: Final = re.compile(NAME_PATTERN, re.ASCII)

# A proxy user: 1*64( ALPHA / DIGIT / "." / "_" / "@" / "+" / "-" ); ASCII, so that a name has one spelling,
# and without ":", at which RFC 7617, section 2 ends it.
USER_PATTERN: Final = r"[A-Za-z0-9._@+-]{1,64}"
_USER: Final = re.compile(USER_PATTERN, re.ASCII)

# account = 12DIGIT; AWS Account Management Reference Guide, "View AWS account identifiers".
ACCOUNT_PATTERN: Final = r"[0-9]{12}"
_ACCOUNT: Final = re.compile(ACCOUNT_PATTERN, re.ASCII)
_ARN_ACCOUNT: Final = re.compile(r"arn:[a-z-]+:[a-z0-9-]*:[a-z0-9-]*:([0-9]{12}):.*", re.ASCII)

# full-date of RFC 3339, section 5.6.
DATE_PATTERN: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_DATE: Final = re.compile(DATE_PATTERN, re.ASCII)
_NEAR_DATE: Final = re.compile(r"([0-9]{4})[-/. ]?([0-9]{1,2})[-/. ]?([0-9]{1,2})(?:[T ].*)?", re.ASCII)

LAST_DAY: Final = date(2999, 12, 31)
"""A later end is a slip, and the day after the calendar's last does not exist."""

KEY_BYTES: Final = 1024
"""Bytes of a key in UTF-8: S3 User Guide, "Naming Amazon S3 objects"; a longer pattern matches nothing."""

_CLASS_WORDS: Final = tuple(one.value for one in OperationClass)


def parse_name(text: str) -> str:
    """An id or group name."""
    if _NAME.fullmatch(text):
        return text
    hint = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:64]
    raise Misspelling(
        f"{quote(text)} is not a name: 1 to 64 letters, digits, `.`, `_`, `-`",
        f"write `{hint}`" if hint else None,
    )


def parse_user(text: str) -> str:
    """The name of a proxy user; capitals count."""
    if _USER.fullmatch(text):
        return text
    raise Misspelling(
        f"{quote(text)} is not a user name: 1 to 64 letters, digits, `.`, `_`, `@`, `+`, `-`",
        "give the user another name",
    )


def parse_account(text: str) -> str:
    """An AWS account id."""
    if _ACCOUNT.fullmatch(text):
        return text
    arn = _ARN_ACCOUNT.fullmatch(text)
    digits = re.sub(r"[ _.-]", "", text)
    if arn:
        hint = f'write "{arn[1]}"'
    elif _ACCOUNT.fullmatch(digits):
        hint = f'write "{digits}"'
    elif digits.isascii() and digits.isdigit() and 8 <= len(digits) < 12:
        hint = f'if zeros were lost in front, write "{digits.zfill(12)}"'
    else:
        hint = 'write the 12 digits, like "111122223333"'
    raise Misspelling(f"{quote(text)} is not an account id of 12 digits", hint)


def parse_date(text: str) -> date:
    """A day as YYYY-MM-DD."""
    if _DATE.fullmatch(text):
        try:
            day = date.fromisoformat(text)
        except ValueError as exc:
            raise Misspelling(f"{quote(text)} is not a day of the calendar", "write YYYY-MM-DD") from exc
        if day > LAST_DAY:
            raise Misspelling(f"{quote(text)} is no end", f"write a day before {LAST_DAY.isoformat()}")
        return day
    near = _NEAR_DATE.fullmatch(text)
    if near:
        try:
            hint = f"write `{date(*map(int, near.groups())).isoformat()}`"
        except ValueError:
            hint = "write YYYY-MM-DD"
    else:
        hint = "write YYYY-MM-DD"
    raise Misspelling(f"{quote(text)} is not a date as YYYY-MM-DD", hint)


def parse_cidr(text: str) -> Network:
    """A network in canonical CIDR notation (RFC 4632, section 3.1; RFC 5952 for IPv6)."""
    try:
        network = ip_network(text, strict=False)
    except ValueError as exc:
        raise Misspelling(
            f"{quote(text)} is not a network", "write it like `10.20.0.0/24` or `fd00::/8`"
        ) from exc
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        raise Misspelling(f"{quote(text)} is IPv4 in IPv6 clothes", "write the IPv4 network")
    if str(network) != text:
        raise Misspelling(f"{quote(text)} is not the canonical spelling of a network", f"write `{network}`")
    return network


def parse_allow(text: str) -> str:
    """An operation class, or the name of an S3 operation."""
    if text in _CLASS_WORDS or text in OPERATION_CLASS:
        return text
    bare = text.removeprefix("s3:")
    right = nearest(bare, (*_CLASS_WORDS, *OPERATION_CLASS)) if "*" not in bare else None
    classes = ", ".join(f"`{one}`" for one in _CLASS_WORDS)
    if "*" in text:
        hint = f"no wildcard here: list the operations, or a class: {classes}"
    else:
        hint = (
            f"write `{right}`"
            if right
            else f"write a class ({classes}) or an S3 operation such as `GetObject`"
        )
    raise Misspelling(f"{quote(text)} is neither an operation class nor an S3 operation", hint)


def parse_key_glob(text: str) -> str:
    """A glob on the decoded key, as text."""
    if not text:
        raise Misspelling("an empty key pattern matches no object", 'delete it, or write `"*"`')
    if len(text.replace("*", "").encode()) > KEY_BYTES:
        raise Misspelling(f"a key pattern of more than {KEY_BYTES} bytes matches no object", "shorten it")
    if text.startswith("/"):
        raise Misspelling(
            f"{quote(text)} starts with `/`, as keys hardly ever do",
            f"write `{quote(text.lstrip('/'))[1:-1]}`",
        )
    return text
