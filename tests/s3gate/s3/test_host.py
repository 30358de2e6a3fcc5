"""Authorities: what is a name, what is an address, what is neither."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.s3.host import MAX_NAME_CHARS, Host, HostName, parse_authority, quoted
from s3gate.s3.refusal import IpLiteral, MalformedHost, ReadError

# Rows of name, authority and what it reads as: a refusal's class, or the class of endpoint.py with
# some of its fields. `test_endpoint.py` reads those that are names.
ROWS = json.loads(Path(__file__).with_name("hostile_hosts.json").read_text(encoding="utf-8"))
REFUSED = [row for row in ROWS if row["reads"] in {"IpLiteral", "MalformedHost"}]
REFUSALS: dict[str, type[ReadError]] = {"IpLiteral": IpLiteral, "MalformedHost": MalformedHost}

NAME = "b.s3.eu-west-1.amazonaws.com"
LONGEST = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])

ACCEPTED = {
    "bare name": (NAME, Host(HostName(NAME), None, False, True)),
    "with port": (NAME + ":443", Host(HostName(NAME), 443, False, True)),
    "port zero": (NAME + ":0", Host(HostName(NAME), 0, False, True)),
    "highest port": (NAME + ":65535", Host(HostName(NAME), 65535, False, True)),
    "capitals": (NAME.upper(), Host(HostName(NAME), None, False, False)),
    "one capital": ("B" + NAME[1:] + ":443", Host(HostName(NAME), 443, False, False)),
    "trailing dot": (NAME + ".", Host(HostName(NAME), None, True, True)),
    "trailing dot and port": (NAME + ".:443", Host(HostName(NAME), 443, True, True)),
    "one label": ("localhost", Host(HostName("localhost"), None, False, True)),
    "label of digits before letters": ("123.example", Host(HostName("123.example"), None, False, True)),
    "hex label before letters": ("0x7f.example", Host(HostName("0x7f.example"), None, False, True)),
    "doubled hyphen": ("a--b.example", Host(HostName("a--b.example"), None, False, True)),
    "label of 63": ("a" * 63 + ".example", Host(HostName("a" * 63 + ".example"), None, False, True)),
    "name of 253": (LONGEST, Host(HostName(LONGEST), None, False, True)),
    "longest authority": (LONGEST + ".:65535", Host(HostName(LONGEST), 65535, True, True)),
}

# Likely bytes more often than the rest of Unicode.
AUTHORITIES = st.text(st.sampled_from("abz09.-:[]%@_ x\n\0\tA\uff41\u3002")) | st.text()


@pytest.mark.parametrize(("text", "expected"), ACCEPTED.values(), ids=ACCEPTED)
def test_reads_names(text: str, expected: Host) -> None:
    assert parse_authority(text) == expected


@pytest.mark.parametrize("row", REFUSED, ids=[row["name"] for row in REFUSED])
def test_refuses_hostile_spellings_with_their_reason(row: dict[str, str]) -> None:
    with pytest.raises(ReadError) as caught:
        parse_authority(row["authority"])
    assert type(caught.value) is REFUSALS[row["reads"]]


@pytest.mark.parametrize("text", [text for text, _ in ACCEPTED.values()])
@pytest.mark.parametrize("tail", ["\n", "\r\n", " ", "\0", "\t", ",x", "/", "@x", "%00", "\u2028"])
def test_refuses_every_name_with_something_appended(text: str, tail: str) -> None:
    with pytest.raises(MalformedHost):
        parse_authority(text + tail)


def test_a_label_is_at_most_63_characters() -> None:
    with pytest.raises(MalformedHost, match="longer than 63"):
        parse_authority("a" * 64 + ".example")


@pytest.mark.parametrize("text", [LONGEST + "d", LONGEST + "d:443", "a" * 1_000_000])
def test_a_name_is_at_most_253_characters(text: str) -> None:
    with pytest.raises(MalformedHost, match=f"longer than {MAX_NAME_CHARS}"):
        parse_authority(text)


REASONS = {
    "empty": ("", "is empty"),
    "userinfo": ("user@b.example", r"has the character `@`"),
    "space": ("b .example", r"has the character ` `"),
    "newline": ("b.example\n", r"has the character `\\n`"),
    "capital beyond ASCII": ("\u0410.example", r"has the character `\\u0410`"),
    "empty port": ("b.example:", "no port after its colon"),
    "leading zero": ("b.example:0443", "no port after its colon"),
    "six digits": ("b.example:100000", "port above 65535"),
    "too high": ("b.example:65536", "port `65536` is above 65535"),
    "empty label": ("b..example", "has an empty label"),
    "leading dot": (".example", "has an empty label"),
    "no name": (":443", "has an empty label"),
    "hyphen at the end": ("b-.example", "starts or ends with a hyphen"),
    "number at the end": ("b.example.1", "ends in a number"),
}


@pytest.mark.parametrize(("text", "reason"), REASONS.values(), ids=REASONS)
def test_says_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(MalformedHost, match=reason) as caught:
        parse_authority(text)
    assert "\n" not in caught.value.detail


@pytest.mark.parametrize(
    "text",
    [
        "user:secret@b.example",
        "secret@[::1]",
        "b.example/k?X-Amz-Signature=secret",
        "b.example?secret",
        "b.example#secret",
        "secret@" * 100 + "b.example",
    ],
)
def test_no_refusal_repeats_userinfo_or_what_follows_a_host(text: str) -> None:
    with pytest.raises(ReadError) as caught:
        parse_authority(text)
    assert "secret" not in caught.value.detail


def test_quotes_client_input_in_one_short_line_of_ascii() -> None:
    assert quoted("a`b\n\u0430") == "`a\\x60b\\n\\u0430`"
    assert len(quoted("x" * 10_000)) < 100
    assert quoted("…").isascii()
    assert quoted("x" * 10_000).isascii()


@given(AUTHORITIES)
def test_any_text_is_a_host_or_a_typed_refusal(text: str) -> None:
    try:
        host = parse_authority(text)
    except (MalformedHost, IpLiteral):
        return
    assert host == parse_authority(text)
    assert host.name == host.name.lower()
    assert parse_authority(host.name) == Host(host.name, None, False, True)
    written = host.name + "." * host.trailing_dot + ("" if host.port is None else f":{host.port}")
    assert text.lower() == written
    assert host.canonical == (text == written)


@given(st.ip_addresses())
def test_no_ip_address_is_a_name(address: object) -> None:
    for text in (str(address), f"{address}:443", f"[{address}]", f"[{address}]:443", f"{address}."):
        with pytest.raises((IpLiteral, MalformedHost)):
            parse_authority(text)


@given(
    st.lists(st.integers(min_value=0), min_size=1, max_size=4), st.lists(st.sampled_from("dox"), min_size=4)
)
def test_no_number_that_inet_aton_takes_is_a_name(numbers: list[int], bases: list[str]) -> None:
    forms = {"d": "{:d}", "o": "0{:o}", "x": "0x{:x}"}
    text = ".".join(forms[base].format(number) for number, base in zip(numbers, bases, strict=False))
    with pytest.raises((IpLiteral, MalformedHost)):
        parse_authority(text)
