"""Paths: the bucket and key S3 would take, and what has no single reading."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.s3.address import MAX_KEY_BYTES, S3Address, Style, parse_address
from s3gate.s3.bucket import is_legacy_bucket_name
from s3gate.s3.endpoint import Endpoint, classify_host
from s3gate.s3.host import HostName
from s3gate.s3.refusal import AmbiguousTarget, MalformedRequest, ReadError

# Rows of name, host, raw path (bytes as latin-1), and either the refusal's class or fields of the address.
ROWS = json.loads(Path(__file__).with_name("hostile_paths.json").read_text(encoding="utf-8"))
REFUSED = [row for row in ROWS if "refused" in row]
READ = [row for row in ROWS if "refused" not in row]
REFUSALS: dict[str, type[ReadError]] = {
    "AmbiguousTarget": AmbiguousTarget,
    "MalformedRequest": MalformedRequest,
}


def endpoint(host: str) -> Endpoint:
    found = classify_host(HostName(host))
    assert isinstance(found, Endpoint)
    return found


VIRTUAL = endpoint("b.s3.eu-west-1.amazonaws.com")
ROOT = endpoint("s3.eu-west-1.amazonaws.com")
ENDPOINTS = [endpoint(host) for host in sorted({row["host"] for row in ROWS})]


def ids(rows: list[dict[str, str]]) -> list[str]:
    return [f"{row['name']} @ {row['host'].partition('.')[0]}" for row in rows]


@pytest.mark.parametrize("row", REFUSED, ids=ids(REFUSED))
def test_refuses_hostile_paths_with_their_reason(row: dict[str, str]) -> None:
    with pytest.raises(ReadError) as caught:
        parse_address(endpoint(row["host"]), row["path"])
    assert type(caught.value) is REFUSALS[row["refused"]]
    assert caught.value.detail.isascii()
    assert "\n" not in caught.value.detail


@pytest.mark.parametrize("row", READ, ids=ids(READ))
def test_reads_what_s3_would_take(row: dict[str, object]) -> None:
    address = parse_address(endpoint(str(row["host"])), str(row["path"]))
    told: dict[str, object] = {"special": None, "space_key": None, "soap": False}
    told |= {field: value for field, value in row.items() if field not in {"name", "host", "path"}}
    assert {field: getattr(address, field) for field in told} == told


STYLES = {
    "virtual": ("b.s3.eu-west-1.amazonaws.com", "/k", Style.VIRTUAL),
    "virtual, dotted": ("a.b.s3.eu-west-1.amazonaws.com", "/k", Style.VIRTUAL),
    "path": ("s3.eu-west-1.amazonaws.com", "/bucket/k", Style.PATH),
    "service root": ("s3.eu-west-1.amazonaws.com", "/", None),
    "website": ("b.s3-website-eu-west-1.amazonaws.com", "/k", Style.VIRTUAL),
    "interface, virtual": ("b.bucket.vpce-1a-x.s3.eu-west-1.vpce.amazonaws.com", "/k", Style.VIRTUAL),
    "interface, path": ("bucket.vpce-1a-x.s3.eu-west-1.vpce.amazonaws.com", "/bucket/k", Style.PATH),
    "access point": ("ap-123456789012.s3-accesspoint.eu-west-1.amazonaws.com", "/k", Style.VIRTUAL),
    "route": ("route.s3-object-lambda.eu-west-1.amazonaws.com", "/WriteGetObjectResponse", None),
    "control": ("123456789012.s3-control.eu-west-1.amazonaws.com", "/v20180820/jobs", None),
    "directory bucket": ("b--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com", "/k", Style.VIRTUAL),
    "directory bucket, control": (
        "s3express-control.us-east-1.amazonaws.com",
        "/b--use1-az4--x-s3",
        Style.PATH,
    ),
}


@pytest.mark.parametrize(("host", "path", "style"), STYLES.values(), ids=STYLES)
def test_tells_where_the_bucket_is_named(host: str, path: str, style: Style | None) -> None:
    assert parse_address(endpoint(host), path).style is style


REASONS = {
    "no slash": (VIRTUAL, "k", "does not start with a slash"),
    "stray percent": (VIRTUAL, "/k%zz", "a `%` without two hex digits"),
    "raw space": (VIRTUAL, "/a b", "the raw character ` `"),
    "raw newline": (VIRTUAL, "/a\n", r"the raw character `\\n`"),
    "not UTF-8": (VIRTUAL, "/%ff", "not UTF-8"),
    "NUL": (VIRTUAL, "/%00", "NUL"),
    "climbs": (VIRTUAL, "/../x", "climbs above its root"),
    "long": (VIRTUAL, "/" + "k" * 1025, "1025 bytes, S3 allows 1024"),
    "bucket": (ROOT, "/a%2Fb", "`a%2Fb` stands in the bucket's place"),
}


@pytest.mark.parametrize(("where", "path", "reason"), REASONS.values(), ids=REASONS)
def test_says_what_is_wrong(where: Endpoint, path: str, reason: str) -> None:
    with pytest.raises(ReadError, match=reason):
        parse_address(where, path)


@pytest.mark.parametrize(
    "path", ["/private/../../name", "/secret-name%ff", "/secret-name%00", "/secret-name%"]
)
def test_no_refusal_repeats_a_key(path: str) -> None:
    with pytest.raises(ReadError) as caught:
        parse_address(VIRTUAL, path)
    assert "name" not in caught.value.detail


def test_a_raw_plus_leaves_two_keys_to_match() -> None:
    assert parse_address(VIRTUAL, "/a+b%2Bc").keys == ("a+b+c", "a b+c")
    assert parse_address(VIRTUAL, "/a%2Bb").keys == ("a+b",)
    assert parse_address(VIRTUAL, "/").keys == ()


def written(address: S3Address) -> str:
    """The path as botocore would write it."""
    key = quote(address.key or "", safe="/~")
    return f"/{address.bucket}/{key}" if address.style is Style.PATH else f"/{key}"


PATHS = (
    st.text(st.sampled_from("/ab.%2eEfF5cC0+;\\ \n\xe9~["))
    | st.text(st.characters(max_codepoint=255))
    | st.text()
)
KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1) | st.text(
    st.sampled_from("/.a%+ あ"), min_size=1
)
BUCKETS = st.from_regex(r"[A-Za-z0-9._-]{3,63}", fullmatch=True).filter(is_legacy_bucket_name)


@given(
    st.sampled_from(ENDPOINTS),
    st.one_of(PATHS, PATHS.map(lambda text: "/" + text), PATHS.map(lambda t: "/bucket/" + t)),
)
def test_any_path_is_an_address_or_a_typed_refusal(where: Endpoint, path: str) -> None:
    try:
        address = parse_address(where, path)
    except (AmbiguousTarget, MalformedRequest):
        return
    assert address == parse_address(where, path)
    assert address.key is None or 0 < len(address.key.encode()) <= MAX_KEY_BYTES
    if address.style is Style.VIRTUAL:
        assert address.bucket == (where.label if address.bucket is not None else None)
    if address.style is Style.PATH:
        assert path.startswith(f"/{address.bucket}")
    if address.style is not None:
        again = parse_address(where, written(address))
        assert (again.bucket, again.key, again.style, again.special) == (
            address.bucket,
            address.key,
            address.style,
            address.special,
        )


@given(BUCKETS, KEYS)
def test_what_botocore_writes_reads_back_or_climbs(bucket: str, key: str) -> None:
    raw = quote(key, safe="/~")
    for where, path, expected in ((VIRTUAL, f"/{raw}", "b"), (ROOT, f"/{bucket}/{raw}", bucket)):
        try:
            address = parse_address(where, path)
        except AmbiguousTarget:
            assert ".." in key.replace("\\", "/").split("/")
        except MalformedRequest:
            assert len(key.encode()) > MAX_KEY_BYTES
        else:
            assert (address.bucket, address.key, address.space_key) == (expected, key, None)


@given(KEYS, st.data())
def test_another_encoding_of_the_same_key_is_the_same_key(key: str, data: st.DataObject) -> None:
    pieces = [
        data.draw(st.sampled_from([quote(char, safe="/"), "".join(f"%{b:02x}" for b in char.encode())]))
        for char in key
    ]
    try:
        plain = parse_address(VIRTUAL, "/" + quote(key, safe=""))
    except ReadError as error:
        with pytest.raises(type(error)):
            parse_address(VIRTUAL, "/" + "".join(pieces))
        return
    assert parse_address(VIRTUAL, "/" + "".join(pieces)).key == plain.key == key


@given(BUCKETS, st.text(st.sampled_from("/.a"), max_size=12))
def test_no_reader_that_resolves_dots_leaves_the_bucket(bucket: str, tail: str) -> None:
    try:
        address = parse_address(ROOT, f"/{bucket}/{tail}")
    except ReadError:
        return
    resolved: list[str] = []
    for segment in f"{bucket}/{tail}".split("/"):
        if segment == "..":
            assert resolved
            resolved.pop()
        elif segment not in {"", "."}:
            resolved.append(segment)
    assert resolved[0] == address.bucket == bucket
