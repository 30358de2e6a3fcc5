"""No secret of a request survives in what a record shows of it, wherever the client repeats it."""

import time
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from s3gate.audit.redaction import Redactor, cap
from s3gate.policy.reading import Client, Request

SECRET = "c2VjcmV0+/deadbeef0123"


def request(target: str = "/", *headers: tuple[str, str]) -> Request:
    return Request(
        "GET",
        "https",
        None,
        target,
        headers,
        None,
        None,
        Client("127.0.0.1"),
        datetime(2026, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        pytest.param("/a/b?list-type=2&prefix=x%2F", "/a/b?list-type=2&prefix=x%2F", id="harmless"),
        pytest.param(
            "/a?X-Amz-Signature=abcdef&x-id=Get", "/a?X-Amz-Signature=[6 bytes]&x-id=Get", id="presigned"
        ),
        pytest.param("/a?X-Amz-Security-Token=abc", "/a?X-Amz-Security-Token=[3 bytes]", id="session token"),
        pytest.param(
            "/a?AWSAccessKeyId=AKIA&Signature=s%2Bs", "/a?AWSAccessKeyId=AKIA&Signature=[5 bytes]", id="sigv2"
        ),
        pytest.param("/a?X%2DAmz%2DSignature=abc", "/a?X-Amz-Signature=[3 bytes]", id="encoded name"),
        pytest.param("/a?X-Amz-Signature%3Dabcdef", "/a?[24 bytes]", id="an equals sign in the name"),
        pytest.param("/a?acl;Signature=abc", "/a?acl&Signature=[3 bytes]", id="semicolons"),
        pytest.param("/a?uploads", "/a?uploads", id="no value"),
        pytest.param("/a?", "/a?", id="empty query"),
        pytest.param("/a?b?Signature=abc", "/a?[11 bytes]=[3 bytes]", id="two question marks"),
        pytest.param(
            "/a?prefix=Signature%3Dabc", "/a?prefix=Signature%3D[redacted]", id="inside a harmless value"
        ),
        pytest.param(
            "/a%3FX-Amz-Signature=abc/x", "/a%3FX-Amz-Signature=[redacted]", id="a query inside the path"
        ),
        pytest.param("http://u:pw@h/a@b", "http://[redacted]@h/a@b", id="userinfo"),
        pytest.param("/a@b", "/a@b", id="an at sign in a key"),
    ],
)
def test_targets(target: str, shown: str) -> None:
    assert Redactor.of(request(target)).target(target) == shown


@pytest.mark.parametrize(
    ("authority", "shown"),
    [
        ("h:443", "h:443"),
        ("user:pw@h:443", "[redacted]@h:443"),
        ("a@b@h", "[redacted]@h"),
        (None, None),
        ("@h", "[redacted]@h"),
    ],
)
def test_authorities(authority: str | None, shown: str | None) -> None:
    assert Redactor.of(request()).authority(authority) == shown


HOSTILE = 65_536


@pytest.mark.parametrize(
    "target",
    [
        "a" * HOSTILE + "/@",
        "@" * HOSTILE,
        "http://" + "@/" * HOSTILE,
        "/?" + "&" * HOSTILE,
        "/?" + "&".join(f"x-token=secret{number:06d}" for number in range(HOSTILE // 20)),
        "/" + "signature=" * (HOSTILE // 10),
        "/" + "signature" * (HOSTILE // 9),
        "/?" + "customer-key-" * (HOSTILE // 13),
    ],
    ids=[
        "no userinfo",
        "ats",
        "ats and slashes",
        "ampersands",
        "secrets",
        "assignments",
        "words",
        "one name",
    ],
)
def test_no_request_can_make_it_slow(target: str) -> None:
    """A head of 64 KiB is handled in milliseconds; anything quadratic would take seconds."""
    began = time.process_time()
    redactor = Redactor.of(request(target, ("Cookie", target)))
    for text in (redactor.target(target), redactor.text(target), redactor.authority(target)):
        assert text is not None
        assert len(text) < 2300
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    "header",
    [
        ("Authorization", f"AWS4-HMAC-SHA256 Credential=AKIA/x, SignedHeaders=host, Signature={SECRET}"),
        ("authorization", f"AWS AKIA:{SECRET}"),
        ("AUTHORIZATION", f"Bearer {SECRET}"),
        ("Authorization", SECRET),
        ("Proxy-Authorization", f"Basic {SECRET}"),
        ("X-Amz-Security-Token", SECRET),
        ("x-amz-s3session-token", f" {SECRET} "),
        ("Cookie", f"a=b; session={SECRET}"),
        ("x-amz-server-side-encryption-customer-key", SECRET),
    ],
    ids=lambda header: header[0],
)
def test_a_secret_is_taken_out_wherever_it_is_repeated(header: tuple[str, str]) -> None:
    redactor = Redactor.of(request("/", header))
    assert redactor.text(f"agent {SECRET} and {SECRET}") == "agent [redacted] and [redacted]"
    assert SECRET not in str(redactor.target(f"/{SECRET}?prefix={SECRET}&{SECRET}"))


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40), st.text(max_size=20)
)
@example("00000000", "?=")
def test_no_secret_query_value_is_shown(secret: str, around: str) -> None:
    value = secret.replace("&", "a").replace(";", "b")
    target = f"/{around}?X-Amz-Signature={value}&prefix={value}"
    redactor = Redactor.of(request(target))
    shown = f"{redactor.target(target)} {redactor.text(around + value)}"
    for word in ("[redacted]", "X-Amz-Signature", "prefix", "bytes", around):
        shown = shown.replace(word, "") if word else shown
    assert value not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain", "plain", id="short"),
        pytest.param("é", "é", id="latin"),
        pytest.param("\udcff", "\\udcff", id="a lone surrogate"),
        pytest.param("\U0001f600", "\U0001f600", id="beyond the basic plane"),
        pytest.param("x" * 2048, "x" * 2048, id="exactly as long"),
        pytest.param(
            "x" * 2048 + "yz",
            "x" * 2048 + "...[+2 characters sha256:" + sha256(b"yz").hexdigest() + "]",
            id="longer",
        ),
    ],
)
def test_caps(text: str, shown: str) -> None:
    assert cap(text) == shown


@given(st.text(st.characters(), max_size=3000))
def test_a_capped_text_is_short_and_encodes(text: str) -> None:
    capped = cap(text, 100)
    capped.encode()
    assert len(capped) <= 100 + 120


@given(
    st.text(st.characters(codec="latin-1"), max_size=200),
    st.text(st.characters(codec="latin-1"), max_size=200),
)
def test_any_request_can_be_redacted(target: str, value: str) -> None:
    redactor = Redactor.of(request(target, ("Authorization", value), ("Cookie", value)))
    assert isinstance(redactor.target(target), str)
    assert isinstance(redactor.authority(value), str)
