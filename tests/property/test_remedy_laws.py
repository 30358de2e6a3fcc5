"""Laws of the smallest change: it is there only where the list refused, and it allows that very request."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from s3gate.policy.as_signed import sign_as
from s3gate.policy.decide import decide_request
from s3gate.policy.decision import Reason
from s3gate.policy.described_request import build_request
from s3gate.policy.document import parse_policy_tree
from s3gate.policy.reading import Request
from s3gate.policy.remedy import ENFORCED, find_remedy
from s3gate.policy.walk import LIFTABLE

POLICY, ROOT = parse_policy_tree(b"""\
version: 1
endpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard], path_style: deny}
clients: {batch: {cidrs: [10.20.0.0/24]}}
rules:
  - {id: a, bucket: aaa, allow: [read], keys: ["in/*"], clients: [batch], accounts: ["111122223333"]}
  - {id: b, bucket: bbb, allow: [read, write, list], owner: "111122223333"}
  - {id: c, bucket: ccc, allow: [write], mode: monitor, until: 2026-12-31}
  - {id: d, fqdn: ddd.s3.eu-west-1.amazonaws.com, allow: [GetObject], regions: [eu-west-1]}
hosts:
  - {name: logs.eu-west-1.amazonaws.com, accounts: ["111122223333"]}
""")
# What a switch or word of the policy may change besides the list.
OPENED = LIFTABLE | {
    Reason.PATH_STYLE_NOT_ALLOWED, Reason.UNSIGNED_REQUEST, Reason.SIGNATURE_VERSION, Reason.PLAIN_HTTP,
    Reason.ENCRYPTION_NOT_ALLOWED,
}  # fmt: skip

HOSTS = [
    *(f"{bucket}.s3.eu-west-1.amazonaws.com" for bucket in ("aaa", "bbb", "ccc", "ddd", "evil")),
    "aaa.s3.eu-west-2.amazonaws.com", "ddd.s3.dualstack.eu-west-1.amazonaws.com", "s3.eu-west-1.amazonaws.com",
    "aaa.s3.amazonaws.com", "ccc.s3-accelerate.amazonaws.com", "point-111122223333.s3-accesspoint.eu-west-1.amazonaws.com",
    "logs.eu-west-1.amazonaws.com", "sts.eu-west-1.amazonaws.com", "example.com", "192.0.2.1", "aaa..s3.amazonaws.com",
]  # fmt: skip
TARGETS = [
    "/",
    "/in/k",
    "/out/k",
    "/aaa/in/k",
    "/evil/k",
    "/k%2a",
    "/?list-type=2&prefix=in/",
    "/?policy",
    "/in/k?acl",
    "/in/k?a=%zz",
]
HEADERS: list[dict[str, str]] = [
    {}, {"x-amz-copy-source": "bbb/k"}, {"x-amz-copy-source": "evil/k"}, {"x-amz-acl": "public-read"},
    {"x-amz-expected-bucket-owner": "111122223333"}, {"x-amz-server-side-encryption-customer-algorithm": "AES256"},
    {"Host": "other.s3.eu-west-1.amazonaws.com"},
]  # fmt: skip
EXAMPLES = 25  # a denial without a small change tries 300 documents, some 2 ms each
KEY_IDS = [None, "AKIARTX3GSDSQAAACAQD", "AKIA5TUXHE4EQAAACAQD"]


@st.composite
def requests(draw: st.DrawFn) -> Request:
    host, headers = draw(st.sampled_from(HOSTS)), draw(st.sampled_from(HEADERS))
    fields: dict[str, object] = {
        "method": draw(st.sampled_from(["GET", "HEAD", "PUT", "DELETE", "POST"])),
        "url": f"{draw(st.sampled_from(['https', 'http']))}://{host}{draw(st.sampled_from(TARGETS))}",
        "client": draw(st.sampled_from(["10.20.0.5", "10.99.0.5", "2001:db8::1"])),
        "headers": {"Host": host, **headers},
    }
    built = build_request(fields, datetime(2026, 7, 1, tzinfo=UTC))
    key_id = draw(st.sampled_from(KEY_IDS))
    return built if key_id is None else sign_as(built, key_id)


@settings(max_examples=EXAMPLES)
@given(requests())
def test_a_change_is_for_what_the_list_refused_and_leads_to_an_allow(request: Request) -> None:
    before = decide_request(POLICY, request)
    found = find_remedy(ROOT, POLICY, request)
    if before.reason in ENFORCED:
        assert found is None
        return
    assert found is not None
    if found.decision is None:
        assert found.edits == ()
        assert found.advice
        return
    assert found.decision.reason in ENFORCED
    assert found.edits
    assert (before.would_deny or before.reason) in OPENED
    assert found.decision.reading.bucket == before.reading.bucket


@settings(max_examples=EXAMPLES)
@given(requests())
def test_no_change_takes_a_protection_away(request: Request) -> None:
    """Buckets with an owner, accounts or client groups keep them, whatever is asked."""
    found = find_remedy(ROOT, POLICY, request)
    if found is None or found.decision is None:
        return
    reading = found.decision.reading
    if reading.bucket == "bbb":
        assert dict(request.headers).get("x-amz-expected-bucket-owner") == "111122223333"
    if reading.bucket == "aaa" and found.decision.rule != "a":
        rule = next(one.text for one in found.edits if "- {id: aaa" in one.text)
        assert "clients: [" in rule
        assert "accounts: [" in rule
