"""One header with one reading gives credentials; whatever else comes gives nothing."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.proxy.basic_auth import PASSWORD_BYTES, Credentials, parse_basic


def basic(text: str | bytes) -> str:
    return "Basic " + b64encode(text.encode() if isinstance(text, str) else text).decode()


ALICE = Credentials("alice", b"secret")

RIGHT = [
    ("as RFC 7617 has it", basic("Aladdin:open sesame"), Credentials("Aladdin", b"open sesame")),
    ("the scheme in capitals", basic("alice:secret").replace("Basic", "BASIC"), ALICE),
    ("more blanks", basic("alice:secret").replace(" ", "   "), ALICE),
    ("a colon in the password", basic("alice:a:b"), Credentials("alice", b"a:b")),
    ("an empty password", basic("alice:"), Credentials("alice", b"")),
    ("UTF-8, as section 2.1 has it", "Basic dGVzdDoxMjPCow==", Credentials("test", "123£".encode())),
    ("as long as bcrypt reads", basic("alice:" + "x" * PASSWORD_BYTES), Credentials("alice", b"x" * 72)),
]


@pytest.mark.parametrize(("name", "value", "credentials"), RIGHT, ids=[row[0] for row in RIGHT])
def test_what_is_read(name: str, value: str, credentials: Credentials) -> None:
    assert parse_basic([value]) == credentials


WRONG = [
    ("no header", []),
    ("two headers", [basic("alice:secret"), basic("alice:secret")]),
    ("a list in one header", [basic("alice:secret") + ", " + basic("alice:secret")]),
    ("nothing", [""]),
    ("the scheme alone", ["Basic"]),
    ("the scheme and a blank", ["Basic "]),
    ("another scheme", ["Bearer YWxpY2U6c2VjcmV0"]),
    ("Negotiate", ["Negotiate YWxpY2U6c2VjcmV0"]),
    ("Digest", ['Digest username="alice", realm="s3gate"']),
    ("another scheme that starts alike", ["Basics YWxpY2U6c2VjcmV0"]),
    ("parameters", ['Basic realm="s3gate"']),
    ("no base64", ["Basic alice:secret"]),
    ("base64 of URLs", ["Basic " + b64encode(b"alice:\xc3\xbf\xc3\xbf\xc3\xbf").decode().replace("/", "_")]),
    ("base64 that is cut off", ["Basic YWxpY2U6c2VjcmV"]),
    ("something behind the base64", [basic("alice:secret") + " x"]),
    ("a line break behind", [basic("alice:secret") + "\n"]),
    ("a tab for the blank", [basic("alice:secret").replace(" ", "\t")]),
    ("no colon", [basic("alice")]),
    ("no user", [basic(":secret")]),
    ("not UTF-8", [basic(b"alice:\xff\xfe")]),
    ("half of a surrogate pair", [basic(b"alice:\xed\xa0\x80")]),
    ("overlong UTF-8", [basic(b"alic\xc1\xa5:secret")]),
    ("a NUL", [basic("alice:sec\0ret")]),
    ("a NUL in the name", [basic("alice\0:secret")]),
    ("a line break in the name", [basic("alice\n:secret")]),
    ("another control", [basic("alice:\x7f")]),
    ("a control of Latin-1", [basic("alice:\x85")]),
    ("longer than bcrypt reads", [basic("alice:" + "x" * (PASSWORD_BYTES + 1))]),
    ("longer in bytes", [basic("alice:" + "é" * 37)]),
    ("huge", [basic("alice:" + "x" * 40_000)]),
]


@pytest.mark.parametrize(("name", "values"), WRONG, ids=[row[0] for row in WRONG])
def test_what_is_nobody(name: str, values: list[str]) -> None:
    assert parse_basic(values) is None


@given(st.lists(st.text(st.characters(max_codepoint=255)) | st.binary().map(basic), max_size=2))
def test_whatever_comes_it_is_credentials_or_nothing(values: list[str]) -> None:
    found = parse_basic(values)
    assert found is None or (len(values) == 1 and len(found.password) <= PASSWORD_BYTES)


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(ALICE)
