"""The one signature of a request is found, wherever it stands."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.s3.credential import Credential, SignatureVersion, read_credential
from s3gate.s3.head import read_head
from s3gate.s3.query import parse_query
from s3gate.s3.refusal import AmbiguousTarget, MalformedRequest, ReadError

KEY = "ASIAY34FZKBOKMUTVV7A"
SCOPE = f"{KEY}/20261122/us-west-2/s3/aws4_request"
V4 = f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host;x-amz-date, Signature=aabb"
V4A = (
    f"AWS4-ECDSA-P256-SHA256 Credential={KEY}/20261122/s3/aws4_request, "
    "SignedHeaders=host;x-amz-date;x-amz-region-set, Signature=aabb"
)
V2 = f"AWS {KEY}:frJIUN8DYpKDtOLCwo//yllqDzg="
DATE = ("X-Amz-Date", "20261122T080001Z")
PRESIGNED = (
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
    + SCOPE.replace("/", "%2F")
    + "&X-Amz-Date=20261122T080001Z"
    "&X-Amz-Expires=600&X-Amz-SignedHeaders=host&X-Amz-Signature=aabb"
)
PRESIGNED_V2 = f"AWSAccessKeyId={KEY}&Signature=frJIUN8DYpKDtOLCwo%2F%2FyllqDzg%3D&Expires=1795334401"


def read(*pairs: tuple[str, str], query: str = "") -> Credential | None:
    head = read_head("GET", "/k", [("Host", "b.s3.us-west-2.amazonaws.com"), *pairs], "HTTP/1.1")
    return read_credential(head, parse_query(query))


def test_nobody_signed() -> None:
    assert read() is None
    assert read(query="versionId=x&Expires=1") is None


READ = {
    "header": ([("Authorization", V4), DATE], "", "v4", False),
    "header without blanks": ([("Authorization", V4.replace(", ", ",")), DATE], "", "v4", False),
    "header of 4A": ([("Authorization", V4A), DATE, ("X-Amz-Region-Set", "*")], "", "v4a", False),
    "header of 2": ([("Authorization", V2), ("Date", "Sun, 22 Nov 2026 08:00:01 GMT")], "", "v2", False),
    "presigned": ([], PRESIGNED, "v4", True),
    "presigned, raw semicolons": ([], PRESIGNED.replace("=host", "=host;range"), "v4", True),
    "presigned, other parameters": ([], f"acl&{PRESIGNED}&versionId=x", "v4", True),
    "presigned by 2": ([], PRESIGNED_V2, "v2", True),
    "presigned by a session": ([], f"{PRESIGNED}&X-Amz-S3session-Token=t", "express", True),
    "presigned with a token": ([], f"{PRESIGNED}&X-Amz-Security-Token=t", "v4", True),
}


@pytest.mark.parametrize(("pairs", "query", "version", "presigned"), READ.values(), ids=READ.keys())
def test_signed(pairs: list[tuple[str, str]], query: str, version: str, presigned: bool) -> None:
    got = read(*pairs, query=query)
    assert got is not None
    assert (got.version, got.presigned, got.access_key_id) == (SignatureVersion(version), presigned, KEY)
    assert got.account == "609629065308"
    assert got.has_session_token is ("oken=" in query)
    assert (got.expires_at is not None) is presigned


def test_the_end_of_a_presigned_request() -> None:
    v4, v2 = read(query=PRESIGNED), read(query=PRESIGNED_V2)
    assert v4 is not None
    assert v4.expires_at == datetime(2026, 11, 22, 8, 10, 1, tzinfo=UTC)
    assert v2 is not None
    assert v2.expires_at == datetime(2026, 11, 22, 8, 0, 1, tzinfo=UTC)


def test_a_presigned_4a_names_its_regions_in_the_query() -> None:
    query = PRESIGNED.replace("HMAC", "ECDSA-P256").replace("us-west-2%2F", "")
    got = read(query=f"{query}&X-Amz-Region-Set=us-west-2%2Ceu-west-1")
    assert got is not None
    assert got.region_set == ("us-west-2", "eu-west-1")


REFUSED: dict[str, tuple[list[tuple[str, str]], str, type[ReadError]]] = {
    "bearer": ([("Authorization", "Bearer abc")], "", MalformedRequest),
    "basic": ([("Authorization", "Basic abc")], "", MalformedRequest),
    "empty": ([("Authorization", "")], "", MalformedRequest),
    "scheme alone": ([("Authorization", "AWS4-HMAC-SHA256")], "", MalformedRequest),
    "scheme in another case": ([("Authorization", V4.replace("AWS4", "aws4")), DATE], "", MalformedRequest),
    "unknown algorithm": ([("Authorization", V4.replace("SHA256", "SHA1")), DATE], "", MalformedRequest),
    "two credentials": (
        [("Authorization", V4.replace(", Signed", f", Credential={SCOPE}, Signed")), DATE], "", MalformedRequest,
    ),
    "no signature": ([("Authorization", V4.replace("aabb", "")), DATE], "", MalformedRequest),
    "no date": ([("Authorization", V4)], "", MalformedRequest),
    "version 2 without a signature": ([("Authorization", f"AWS {KEY}")], "", MalformedRequest),
    "header and query": ([("Authorization", V4), DATE], PRESIGNED, MalformedRequest),
    "header and version 2 query": ([("Authorization", V4), DATE], PRESIGNED_V2, MalformedRequest),
    "both queries": ([], f"{PRESIGNED}&{PRESIGNED_V2}", MalformedRequest),
    "token alone": ([("x-amz-security-token", "t")], "", MalformedRequest),
    "token alone in the query": ([], "X-Amz-Security-Token=t", MalformedRequest),
    "two tokens": ([], f"{PRESIGNED}&X-Amz-Security-Token=t&x-amz-security-token=t", AmbiguousTarget),
    "presigned without an end": ([], PRESIGNED.replace("Expires=600", "Expires="), MalformedRequest),
    "presigned for eight days": ([], PRESIGNED.replace("=600", "=691200"), MalformedRequest),
    "presigned for a negative time": ([], PRESIGNED.replace("=600", "=-1"), MalformedRequest),
    "presigned without expires": ([], PRESIGNED.replace("&X-Amz-Expires=600", ""), MalformedRequest),
    "presigned without a signature": ([], PRESIGNED.replace("aabb", ""), MalformedRequest),
    "presigned, host unsigned": ([], PRESIGNED.replace("=host", "=range"), MalformedRequest),
    "credential in another case": ([], PRESIGNED.replace("X-Amz-Cred", "X-AMZ-Cred"), AmbiguousTarget),
    "credential twice": ([], f"{PRESIGNED}&X-Amz-Credential=evil", AmbiguousTarget),
    "version 2 key in another case": ([], PRESIGNED_V2.replace("AWSA", "awsa"), AmbiguousTarget),
    "version 2 without an end": ([], PRESIGNED_V2.replace("1795334401", "soon"), MalformedRequest),
    "version 2 without a key": ([], PRESIGNED_V2.replace(KEY, ""), MalformedRequest),
}  # fmt: skip


@pytest.mark.parametrize(("pairs", "query", "error"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(pairs: list[tuple[str, str]], query: str, error: type[ReadError]) -> None:
    with pytest.raises(error) as caught:
        read(*pairs, query=query)
    assert "aabb" not in caught.value.detail


@given(st.text(st.characters(max_codepoint=255)) | st.text(st.sampled_from("AWS4-HMAC SHA256=,/;")))
def test_any_authorization_is_a_credential_or_a_refusal(value: str) -> None:
    try:
        got = read(("Authorization", value), DATE)
    except ReadError:
        return
    assert got is not None


@given(st.lists(st.sampled_from(PRESIGNED.split("&") + PRESIGNED_V2.split("&") + ["acl", "x-amz-date=1"])))
def test_any_mix_of_parameters_is_a_credential_or_a_refusal(parts: list[str]) -> None:
    try:
        got = read(query="&".join(parts))
    except ReadError:
        return
    assert got is None or got.presigned
