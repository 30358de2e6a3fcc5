"""The parts of a signature become a value, or contradict each other."""

from datetime import UTC, datetime

import pytest

from s3gate.s3.head import Head, read_head
from s3gate.s3.refusal import MalformedRequest
from s3gate.s3.signature import SignatureVersion, Signed, read_v2, read_v4

KEY = "ASIAY34FZKBOKMUTVV7A"
SCOPE = f"{KEY}/20261122/us-west-2/s3/aws4_request"
NOW = datetime(2026, 11, 22, 8, 0, 1, tzinfo=UTC)


def head(*extra: tuple[str, str]) -> Head:
    return read_head("PUT", "/k", [("Host", "b.s3.us-west-2.amazonaws.com"), *extra], "HTTP/1.1")


def signed(credential: str = SCOPE, names: str = "host;x-amz-date", **other: str | int | None) -> Signed:
    parts = {"algorithm": "AWS4-HMAC-SHA256", "date": "20261122T080001Z"} | other
    return Signed(credential=credential, signed_headers=names, **parts)  # type: ignore[arg-type]  # rows of text


def test_version_four() -> None:
    got = read_v4(signed(), head())
    assert (got.version, got.presigned, got.access_key_id, got.account) == ("v4", False, KEY, "609629065308")
    assert (got.date, got.region, got.service) == ("20261122", "us-west-2", "s3")
    assert (got.signed_headers, got.signed_at) == (frozenset({"host", "x-amz-date"}), NOW)
    assert (got.expires_at, got.region_set, got.has_session_token) == (None, (), False)


def test_a_lifetime_makes_an_end() -> None:
    got = read_v4(signed(expires=60), head())
    assert got.presigned
    assert got.expires_at == datetime(2026, 11, 22, 8, 1, 1, tzinfo=UTC)


def test_the_date_header_serves_where_no_amazon_date_is() -> None:
    got = read_v4(signed(date=None), head(("Date", "Sun, 22 Nov 2026 08:00:01 GMT")))
    assert got.signed_at == NOW


def test_version_four_a() -> None:
    asymmetric = signed(f"{KEY}/20261122/s3/aws4_request", "host;x-amz-date;x-amz-region-set")
    asymmetric = asymmetric._replace(algorithm="AWS4-ECDSA-P256-SHA256")
    got = read_v4(asymmetric, head(("X-Amz-Region-Set", "us-west-2,eu-*")))
    assert (got.version, got.region, got.region_set) == ("v4a", None, ("us-west-2", "eu-*"))
    with pytest.raises(MalformedRequest, match="Region-Set"):
        read_v4(asymmetric, head())


def test_an_express_session_and_a_token() -> None:
    names = "host;x-amz-date;x-amz-s3session-token;x-amz-security-token"
    got = read_v4(signed(names=names), head(("x-amz-s3session-token", "t")))
    assert (got.version, got.has_session_token) == (SignatureVersion.EXPRESS, True)
    got = read_v4(signed(names=names), head(("x-amz-security-token", "t")))
    assert (got.version, got.has_session_token) == (SignatureVersion.V4, True)
    assert read_v4(signed(tokens=("x-amz-s3session-token",)), head()).version is SignatureVersion.EXPRESS  # type: ignore[arg-type]  # a tuple


def test_version_two_covers_every_amazon_header_but_not_the_host() -> None:
    got = read_v2(KEY, head(("x-amz-acl", "private"), ("Date", "Sun, 22 Nov 2026 08:00:01 GMT")), (), None)
    assert (got.version, got.account, got.signed_at) == ("v2", "609629065308", NOW)
    assert got.signed_headers == {"x-amz-acl", "content-md5", "content-type", "date"}
    assert (got.region, got.service, got.presigned) == (None, None, False)


REFUSED = {
    "unknown algorithm": (signed(algorithm="AWS4-HMAC-SHA512"), "algorithm"),
    "no scope": (signed(KEY), "credential"),
    "short scope": (signed(f"{KEY}/20261122/us-west-2/aws4_request"), "credential"),
    "long scope": (signed(f"{KEY}/x/20261122/us-west-2/s3/aws4_request"), "credential"),
    "wrong end": (signed(f"{KEY}/20261122/us-west-2/s3/aws4_reques"), "credential"),
    "newline": (signed(f"{SCOPE}\n"), "credential"),
    "region in capitals": (signed(f"{KEY}/20261122/US-WEST-2/s3/aws4_request"), "credential"),
    "empty key": (signed("/20261122/us-west-2/s3/aws4_request"), "credential"),
    "host not signed": (signed(names="x-amz-date"), "Host"),
    "no signed headers": (signed(names=""), "SignedHeaders"),
    "endless signed headers": (signed(names="host;" + "x" * 8192), "SignedHeaders"),
    "signed headers in capitals": (signed(names="Host"), "SignedHeaders"),
    "empty signed header": (signed(names="host;;x-amz-date"), "SignedHeaders"),
    "no date": (signed(date=None), "date"),
    "no such date": (signed(date="20261322T080001Z"), "date"),
    "a day that is none": (signed(f"{KEY}/20261332/us-west-2/s3/aws4_request"), "calendar"),
    "another day": (signed(date="20261123T080001Z"), "date"),
}


@pytest.mark.parametrize(("parts", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_parts_that_contradict(parts: Signed, words: str) -> None:
    with pytest.raises(MalformedRequest, match=words):
        read_v4(parts, head())


def test_amazon_headers_outside_the_signature() -> None:
    assert read_v4(signed(), head(("x-amz-acl", "public-read"))).uncovered == "x-amz-acl"
    assert read_v4(signed(), head(("x-amz-content-sha256", "UNSIGNED-PAYLOAD"))).uncovered is None
