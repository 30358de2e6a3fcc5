"""One JSON object to a Request: the URL is cut and never normalised, absent is not null."""

from datetime import UTC, datetime

import pytest

from s3gate.policy.described_request import UnusableRequest, build_request
from s3gate.policy.reading import Client, Request

NOW = datetime(2026, 7, 1, tzinfo=UTC)
HOST = "bkt.s3.eu-west-1.amazonaws.com"


def build(url: str = f"https://{HOST}/k", **fields: object) -> Request:
    return build_request({"method": "GET", "url": url, **fields}, NOW)


def test_what_is_absent_comes_from_the_url() -> None:
    assert build() == Request(
        method="GET",
        scheme="https",
        authority=HOST,
        target="/k",
        headers=(("Host", HOST),),
        connect=HOST + ":443",
        sni=HOST,
        client=Client("127.0.0.1"),
        now=NOW,
    )


def test_an_http_url_has_neither_tunnel_nor_sni() -> None:
    request = build(f"http://{HOST}/k")
    assert (request.scheme, request.connect, request.sni) == ("http", None, None)


def test_null_is_not_absent() -> None:
    assert build(sni=None).sni is None
    request = build(connect=None)
    assert (request.scheme, request.connect, request.sni) == ("http", None, None)


def test_what_is_given_is_taken_as_it_stands() -> None:
    request = build(
        connect="Other:8443",
        sni="SNI.",
        client="10.20.0.5",
        user="u",
        vpc_endpoint="vpce-1",
        now="2026-01-02T03:04:05Z",
        http_version="HTTP/2.0",
        comment="not looked at",
    )
    assert (request.connect, request.sni, request.http_version) == ("Other:8443", "SNI.", "HTTP/2.0")
    assert request.client == Client("10.20.0.5", 0, "u", "vpce-1")
    assert request.now == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_time_without_zone_is_utc() -> None:
    assert build(now="2026-01-02T03:04:05").now == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


TARGETS = [
    ("no path", f"https://{HOST}", "/"),
    ("no path, query", f"https://{HOST}?list-type=2", "/?list-type=2"),
    ("empty query", f"https://{HOST}/k?", "/k?"),
    ("second question mark", f"https://{HOST}/k?a?b", "/k?a?b"),
    ("dots", f"https://{HOST}/a/../b/./c//d", "/a/../b/./c//d"),
    ("escapes", f"https://{HOST}/%2e%2E/%41%zz", "/%2e%2E/%41%zz"),
    ("fragment stays", f"https://{HOST}/k#f?g", "/k#f?g"),
    ("backslash stays", f"https://{HOST}/a\\b", "/a\\b"),
    ("space and line end stay", f"https://{HOST}/a b\n", "/a b\n"),
    ("latin-1 is a byte each", f"https://{HOST}/é", "/é"),
    ("else utf-8 was on the wire", f"https://{HOST}/к", "/к".encode().decode("latin-1")),
]


@pytest.mark.parametrize(("url", "target"), [row[1:] for row in TARGETS], ids=[row[0] for row in TARGETS])
def test_targets(url: str, target: str) -> None:
    assert build(url).target == target


AUTHORITIES = [
    ("default port", f"{HOST}:443", f"{HOST}:443", HOST, HOST),
    ("other port", f"{HOST}:8443", f"{HOST}:8443", HOST, f"{HOST}:8443"),
    ("port zero", f"{HOST}:0", f"{HOST}:0", HOST, f"{HOST}:0"),
    ("zeros in front", f"{HOST}:0443", f"{HOST}:0443", HOST, HOST),
    ("port of words", "h:x", "h:x:443", "h:x", "h:x"),
    ("huge port", "h:1234567", "h:1234567:443", "h:1234567", "h:1234567"),
    ("user", f"u:p@{HOST}", f"u:p@{HOST}:443", f"u:p@{HOST}", f"u:p@{HOST}"),
    (
        "capitals",
        "BKT.s3.amazonaws.com",
        "BKT.s3.amazonaws.com:443",
        "BKT.s3.amazonaws.com",
        "BKT.s3.amazonaws.com",
    ),
    ("fragment", f"{HOST}#x", f"{HOST}#x:443", f"{HOST}#x", f"{HOST}#x"),
    ("ipv6", "[::1]:443", "[::1]:443", "[::1]", "[::1]"),
    ("empty", "", ":443", "", ""),
]


@pytest.mark.parametrize(
    ("authority", "connect", "sni", "host"),
    [row[1:] for row in AUTHORITIES],
    ids=[row[0] for row in AUTHORITIES],
)
def test_authorities(authority: str, connect: str, sni: str, host: str) -> None:
    request = build(f"https://{authority}/k")
    assert request.authority == authority
    assert (request.connect, request.sni, dict(request.headers)["Host"]) == (connect, sni, host)


def test_headers_are_pairs_or_an_object_and_used_exactly() -> None:
    pairs = [["Host", "a"], ["host", "b"], ["X", ""]]
    assert build(headers=pairs).headers == (("Host", "a"), ("host", "b"), ("X", ""))
    assert build(headers={"Host": "a", "X": "y"}).headers == (("Host", "a"), ("X", "y"))
    assert build(headers=[]).headers == ()
    assert build(headers=[["x", "ключ"]]).headers == (("x", "ключ".encode().decode("latin-1")),)


BAD: list[tuple[str, dict[str, object]]] = [
    ("method missing", {"url": "https://a/"}),
    ("url missing", {"method": "GET"}),
    ("method null", {"method": None, "url": "https://a/"}),
    ("method number", {"method": 1, "url": "https://a/"}),
    ("url list", {"method": "GET", "url": ["https://a/"]}),
    ("no scheme", {"method": "GET", "url": "//a/"}),
    ("ftp", {"method": "GET", "url": "ftp://a/"}),
    ("one slash", {"method": "GET", "url": "https:/a/"}),
    ("space in front", {"method": "GET", "url": " https://a/"}),
    ("headers null", {"method": "GET", "url": "https://a/", "headers": None}),
    ("headers text", {"method": "GET", "url": "https://a/", "headers": "Host: a"}),
    ("header single", {"method": "GET", "url": "https://a/", "headers": [["Host"]]}),
    ("header text", {"method": "GET", "url": "https://a/", "headers": ["ab"]}),
    ("header number", {"method": "GET", "url": "https://a/", "headers": [["Host", 1]]}),
    ("header list", {"method": "GET", "url": "https://a/", "headers": {"Host": ["a"]}}),
    ("connect number", {"method": "GET", "url": "https://a/", "connect": 443}),
    ("sni false", {"method": "GET", "url": "https://a/", "sni": False}),
    ("client name", {"method": "GET", "url": "https://a/", "client": "localhost"}),
    ("client null", {"method": "GET", "url": "https://a/", "client": None}),
    ("client with port", {"method": "GET", "url": "https://a/", "client": "10.0.0.1:80"}),
    ("now in words", {"method": "GET", "url": "https://a/", "now": "today"}),
    ("now number", {"method": "GET", "url": "https://a/", "now": 0}),
    ("user number", {"method": "GET", "url": "https://a/", "user": 1}),
    ("half a surrogate", {"method": "GET", "url": "https://a/\ud800"}),
]


@pytest.mark.parametrize("fields", [row[1] for row in BAD], ids=[row[0] for row in BAD])
def test_what_describes_no_request(fields: dict[str, object]) -> None:
    with pytest.raises(UnusableRequest):
        build_request(fields, NOW)
