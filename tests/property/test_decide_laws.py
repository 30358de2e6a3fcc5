"""Laws of a decision, attacked with generated requests and policies."""

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from s3gate.policy.decide import decide_connect, decide_request, decide_tls
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.document import parse_policy
from s3gate.policy.model import Policy
from s3gate.policy.reading import Client, Request

REGION = "ap-northeast-1"
BASE = f"""
version: 1
endpoints: {{partitions: [aws], regions: [{REGION}, us-east-1], classes: [standard, dualstack], path_style: allow}}
unsigned: allow
rules:
"""
BUCKETS = ("good-bucket", "read-only", "keyed.bucket")
RULES = (
    "  - {id: a, bucket: good-bucket, allow: [read, write, list, delete]}\n",
    "  - {id: b, bucket: read-only, allow: [read]}\n",
    '  - {id: c, bucket: keyed.bucket, allow: [read, write, list, delete], keys: ["incoming/*"]}\n',
)


def policy(*rules: str) -> Policy:
    return parse_policy((BASE + "".join(rules)).encode())


FULL = policy(*RULES)
SMALLER = policy(RULES[0], RULES[2])

listed_hosts = st.sampled_from(
    [*(f"{bucket}.s3.{REGION}.amazonaws.com" for bucket in BUCKETS), f"s3.{REGION}.amazonaws.com"]
)
plain_segments = st.sampled_from(["good-bucket", "keyed.bucket", "incoming", "secret", "a"])
hosts = st.one_of(
    st.sampled_from(
        [
            *(f"{bucket}.s3.{REGION}.amazonaws.com" for bucket in (*BUCKETS, "evil-bucket")),
            "good-bucket.s3.amazonaws.com",
            f"good-bucket.s3.dualstack.{REGION}.amazonaws.com",
            f"s3.{REGION}.amazonaws.com",
            "s3.amazonaws.com",
            "example.com",
        ]
    ),
    st.text(max_size=40),
)
segments = st.one_of(
    st.sampled_from(
        [
            "good-bucket",
            "evil-bucket",
            "read-only",
            "keyed.bucket",
            "incoming",
            "secret",
            "..",
            ".",
            "",
            "%2e%2e",
            "%2F",
            "%00",
            "a b",
            "+",
            "%",
            "%zz",
            "Good-Bucket",
            "é",
        ]
    ),
    st.text(max_size=8),
)
queries = st.lists(
    st.sampled_from(
        [
            "acl",
            "policy",
            "uploads",
            "uploadId=x",
            "partNumber=1",
            "list-type=2",
            "prefix=incoming%2F",
            "prefix=",
            "delete",
            "versionId=1",
            "x-amz-copy-source=evil-bucket%2Fk",
            "x-amz-acl=public-read",
            "x-id=PutObject",
        ]
    ),
    max_size=3,
)
headers = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "x-amz-copy-source",
                "x-amz-acl",
                "Content-Length",
                "Transfer-Encoding",
                "Host",
                "Upgrade",
                "X-Y",
            ]
        )
        | st.text(max_size=6),
        st.sampled_from(["evil-bucket/k", "good-bucket/k", "public-read", "private", "5", "chunked"])
        | st.text(max_size=10),
    ),
    max_size=3,
)


def mostly[T](usual: st.SearchStrategy[T], odd: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
    """Four times in five the usual, so that many requests get far."""
    return st.integers(0, 4).flatmap(lambda draw: odd if draw == 0 else usual)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    host = draw(mostly(listed_hosts, hosts))
    target = "/" + "/".join(
        draw(mostly(st.lists(plain_segments, max_size=3), st.lists(segments, max_size=4)))
    )
    query = "&".join(draw(mostly(st.just([]), queries)))
    method = draw(mostly(st.sampled_from(["GET", "PUT", "HEAD", "DELETE"]), st.text(max_size=5)))
    return Request(
        method,
        draw(mostly(st.just("https"), st.just("http"))),
        draw(mostly(st.none(), st.just(host) | hosts)),
        target + ("?" + query if query else ""),
        (("Host", draw(mostly(st.just(host), hosts))), *draw(mostly(st.just([]), headers))),
        draw(mostly(st.just(f"{host}:443"), st.none() | st.text(max_size=20))),
        draw(mostly(st.just(host), st.none() | hosts)),
        Client("10.0.0.1"),
        datetime(2026, 11, 22, tzinfo=UTC),
    )


def honest(host: str, target: str, method: str) -> Request:
    return Request(
        method,
        "https",
        None,
        target,
        (("Host", host),),
        f"{host}:443",
        host,
        Client("10.0.0.1"),
        datetime(2026, 11, 22, tzinfo=UTC),
    )


@given(requests())
def test_whatever_arrives_gets_a_decision_and_an_allow_names_a_listed_bucket(request: Request) -> None:
    decision = decide_request(FULL, request)
    assert isinstance(decision, Decision)
    assert decision.reason is not Reason.INTERNAL_ERROR
    if decision.allowed:
        assert decision.reading.bucket in BUCKETS
        assert decision.rule in {"a", "b", "c"}
        source = decision.reading.copy_source
        assert source is None or source.bucket in BUCKETS
    for early in (decide_connect(FULL, request), decide_tls(FULL, request)):
        assert early is None or not early.allowed


@given(requests())
def test_deciding_twice_gives_the_same(request: Request) -> None:
    assert decide_request(FULL, request) == decide_request(FULL, request)


@given(requests())
def test_a_rule_more_never_denies_what_was_allowed(request: Request) -> None:
    if decide_request(SMALLER, request).allowed:
        assert decide_request(FULL, request).allowed


@given(
    st.sampled_from([*BUCKETS, "evil-bucket"]),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
    st.sampled_from(["GET", "PUT", "DELETE"]),
    st.data(),
)
def test_another_encoding_never_turns_a_denial_into_an_allow(
    bucket: str, key: str, method: str, data: st.DataObject
) -> None:
    raw = key.encode("utf-8", "replace").decode()
    plain = "/" + quote(raw, safe="/-._~")
    escaped = "/" + "".join(
        f"%{byte:02X}" if data.draw(st.booleans()) or not chr(byte).isalnum() else chr(byte)
        for byte in raw.encode()
    )
    for host, prefix in (
        (f"{bucket}.s3.{REGION}.amazonaws.com", ""),
        (f"s3.{REGION}.amazonaws.com", f"/{bucket}"),
    ):
        first = decide_request(FULL, honest(host, prefix + plain, method))
        second = decide_request(FULL, honest(host, prefix + escaped, method))
        assert first.allowed or not second.allowed


@given(requests(), st.sampled_from(["connect", "sni", "host"]))
def test_an_allow_never_survives_a_second_name(request: Request, part: str) -> None:
    if request.connect is None or not decide_request(FULL, request).allowed:
        return
    evil = f"evil-bucket.s3.{REGION}.amazonaws.com"
    if part == "connect":
        changed = replace(request, connect=f"{evil}:443")
    elif part == "sni":
        changed = replace(request, sni=evil)
    else:
        changed = replace(request, headers=(("Host", evil), *request.headers[1:]))
    assert not decide_request(FULL, changed).allowed
