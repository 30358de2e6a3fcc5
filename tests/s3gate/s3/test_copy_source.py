"""Copy sources have one documented reading, or are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.s3.copy_source import MAX_SOURCE_CHARACTERS, CopySource, read_copy_source, read_rename_keys
from s3gate.s3.head import read_head
from s3gate.s3.query import parse_query
from s3gate.s3.refusal import AmbiguousTarget, MalformedRequest, ReadError

HOST = ("Host", "b.s3.us-west-2.amazonaws.com")
POINT = "arn:aws:s3:us-west-2:111122223333:accesspoint/my-point"
OUTPOST = "arn:aws:s3-outposts:us-west-2:111122223333:outpost/op-01ac5d28a6a232904/accesspoint/my-point"
MRAP = "arn:aws:s3::111122223333:accesspoint/mfzwi23gnjvgw.mrap"


def read(*values: str, query: str = "", method: str = "PUT") -> CopySource | None:
    head = read_head(method, "/k", [HOST, *(("x-amz-copy-source", v) for v in values)], "HTTP/1.1")
    return read_copy_source(head, parse_query(query))


READ = {
    "plain": ("other/k", CopySource("other", "k")),
    "leading slash": ("/other/k", CopySource("other", "k")),
    "whole value encoded": ("other%2Fa%2Fk", CopySource("other", "a/k")),
    "encoded leading slash": ("%2Fother%2Fk", CopySource("other", "k")),
    "encoded bucket letter": ("%6fther/k", CopySource("other", "k")),
    "unicode": ("other/%E6%97%A5", CopySource("other", "日")),
    "blank": ("other/a b", CopySource("other", "a b")),
    "version": ("other/k?versionId=3HL4kq.tJ_v-1", CopySource("other", "k", "3HL4kq.tJ_v-1")),
    "null version": ("other/k?versionId=null", CopySource("other", "k", "null")),
    "encoded question mark": ("other/a%3Fb", CopySource("other", "a?b")),
    "key with a leading slash": ("other//k", CopySource("other", "/k")),
    "key with dots inside": ("other/a/../k", CopySource("other", "a/../k")),
    "key with an escape of its own": ("other/%252e", CopySource("other", "%2e")),
    "legacy bucket": ("Other_Bucket/k", CopySource("Other_Bucket", "k")),
    "access point": (f"{POINT}/object/a/k", CopySource(POINT, "a/k", None, POINT)),
    "access point with :": (
        "arn:aws:s3:us-west-2:111122223333:accesspoint:my-point/object/k",
        CopySource(POINT, "k", None, POINT),
    ),
    "access point encoded, slash before": (
        "/" + POINT.replace(":", "%3A").replace("/", "%2F") + "%2Fobject%2Fk?versionId=v",
        CopySource(POINT, "k", "v", POINT),
    ),
    "object in the key": (f"{POINT}/object/a/object/k", CopySource(POINT, "a/object/k", None, POINT)),
    "outpost": (f"{OUTPOST}/object/k", CopySource(OUTPOST, "k", None, OUTPOST)),
    "outpost with :": (
        OUTPOST.replace("/", ":") + "/object/k",
        CopySource(OUTPOST, "k", None, OUTPOST),
    ),
    "multi-region": (f"{MRAP}/object/k", CopySource(MRAP, "k", None, MRAP)),
}


@pytest.mark.parametrize(("value", "expected"), READ.values(), ids=READ.keys())
def test_read(value: str, expected: CopySource) -> None:
    assert read(value) == expected
    in_query = "".join(f"%{byte:02X}" for byte in value.encode())
    assert read(query=f"x-amz-copy-source={in_query}") == expected
    assert read(query=f"X-Amz-Copy-Source={in_query}") == expected


REFUSED = {
    "empty": "",
    "bucket only": "other",
    "no key": "other/",
    "two leading slashes": "//other/k",
    "encoded second slash": "/%2Fother/k",
    "double-encoded slash": "other%252Fk",
    "dots for a bucket": "../other/k",
    "one dot for a bucket": "./other/k",
    "three dots": ".../k",
    "two-letter bucket": "ab/k",
    "blank in the bucket": "ot her/k",
    "colon in the bucket": "https://other/k",
    "climbing key": "other/../evil/k",
    "climbing after slashes": "other//../../evil/k",
    "encoded climb": "other/%2e%2e/evil/k",
    "raw plus": "other/a+b",
    "raw UTF-8": "other/\xc3\xbc",
    "not UTF-8": "other/%ff",
    "broken escape": "other/%zz",
    "NUL": "other/k%00.txt",
    "other parameter": "other/k?x=y",
    "two parameters": "other/k?versionId=v&x=y",
    "two question marks": "other/k?versionId=v?versionId=w",
    "empty version": "other/k?versionId=",
    "bare version": "other/k?versionId",
    "version in another case": "other/k?versionid=v",
    "encoded version": "other/k%3FversionId%3Dv",
    "list": "other/k, evil/k?x",
    "ARN of a bucket": "arn:aws:s3:::other/k",
    "ARN in capitals": "ARN:aws:s3:us-west-2:111122223333:accesspoint/my-point/object/k",
    "ARN without key": f"{POINT}/object/",
    "ARN without object": f"{POINT}/k",
    "ARN of another service": "arn:aws:sqs:us-west-2:111122223333:accesspoint/my-point/object/k",
    "ARN of a short account": "arn:aws:s3:us-west-2:1111:accesspoint/my-point/object/k",
    "ARN without region": "arn:aws:s3::111122223333:accesspoint/my-point/object/k",
    "MRAP with a region": "arn:aws:s3:us-west-2:111122223333:accesspoint/x.mrap/object/k",
    "outpost as s3": OUTPOST.replace("s3-outposts", "s3") + "/object/k",
    "point as outpost": POINT.replace(":s3:", ":s3-outposts:") + "/object/k",
    "climbing key of a point": f"{POINT}/object/../k",
}


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED.keys())
def test_refused(value: str) -> None:
    with pytest.raises(AmbiguousTarget):
        read(value)


def test_none_is_none() -> None:
    assert read() is None


def test_named_twice() -> None:
    for query in ("x-amz-copy-source=good%2Fk", "X-AMZ-COPY-SOURCE=good%2Fk"):
        with pytest.raises(AmbiguousTarget, match="twice"):
            read("good/k", query=query)
    with pytest.raises(AmbiguousTarget, match="twice"):
        read(query="x-amz-copy-source=good%2Fk&X-Amz-Copy-Source=evil%2Fk")
    with pytest.raises(AmbiguousTarget, match="repeated"):
        read(query="x-amz-copy-source=good%2Fk&x-amz-copy-source=evil%2Fk")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_methods_that_copy_nothing(method: str) -> None:
    with pytest.raises(MalformedRequest, match="copies nothing"):
        read("other/k", method=method)


def test_length_is_limited() -> None:
    with pytest.raises(MalformedRequest, match="longer"):
        read("other/" + "k" * MAX_SOURCE_CHARACTERS)


RENAMES = {
    "key": ("old%20name", ("old name",)),
    "with the bucket": ("/b--x/old", ("/b--x/old", "b--x/old", "old")),
}


@pytest.mark.parametrize(("value", "keys"), RENAMES.values(), ids=RENAMES.keys())
def test_rename_sources_in_every_reading(value: str, keys: tuple[str, ...]) -> None:
    assert read_rename_keys({"x-amz-rename-source": value}, "b--x") == keys


@pytest.mark.parametrize("value", ["", "/", "/old", "/other/old", "a?versionId=x", "../a", "a+b", "%zz"])
def test_rename_sources_refused(value: str) -> None:
    with pytest.raises(AmbiguousTarget):
        read_rename_keys({"x-amz-rename-source": value}, "b--x")


@given(st.text(st.characters(max_codepoint=255)) | st.text(st.sampled_from("ab/%2F.?:+&=")))
def test_any_text_is_a_source_or_a_refusal(value: str) -> None:
    try:
        got = read(value)
    except ReadError:
        return
    assert got is not None
    assert got.key
    assert "/" not in got.bucket or got.arn == got.bucket
