"""Every verdict, as a table of requests and the reason each must get."""

from dataclasses import replace
from datetime import datetime

import pytest

from generate.asks import EVIL, FOREIGN, GOOD, OLD, OWN, POLICY, REGION, ROOT, Ask, policy
from s3gate.policy.decide import (
    decide_addresses,
    decide_connect,
    decide_request,
    decide_tls,
    refuse,
    refuse_unread,
)
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.model import Policy
from s3gate.policy.network import parse_networks

R = Reason
# Signed, but for its Host and date alone.
UNCOVERED = (
    (
        "Authorization",
        (
            f"AWS4-HMAC-SHA256 Credential={OWN}/20261122/{REGION}/s3/aws4_request, "
            "SignedHeaders=host;x-amz-date, Signature=00"
        ),
    ),
    ("X-Amz-Date", "20261122T120000Z"),
)

ROWS: list[tuple[str, Ask, Reason]] = [
    ("an allowed get", Ask(), R.ALLOWED_BY_RULE),
    ("an allowed put", Ask(method="PUT"), R.ALLOWED_BY_RULE),
    ("an allowed list", Ask(target="/?list-type=2&prefix=a"), R.ALLOWED_BY_RULE),
    ("an allowed delete", Ask(method="DELETE"), R.ALLOWED_BY_RULE),
    ("path style", Ask(host=ROOT, target="/good-bucket/k"), R.ALLOWED_BY_RULE),
    ("global name", Ask(host="good-bucket.s3.amazonaws.com", region="us-east-1"), R.ALLOWED_BY_RULE),
    ("global name, scope of a listed region", Ask(host="good-bucket.s3.amazonaws.com"), R.ALLOWED_BY_RULE),
    ("dualstack", Ask(host=f"good-bucket.s3.dualstack.{REGION}.amazonaws.com"), R.ALLOWED_BY_RULE),
    ("host in capitals", Ask(header_host=GOOD.upper()), R.ALLOWED_BY_RULE),
    ("host with its port", Ask(header_host=f"{GOOD}:443"), R.ALLOWED_BY_RULE),
    ("another bucket", Ask(host=EVIL), R.BUCKET_NOT_LISTED),
    ("another bucket, unsigned", Ask(host=EVIL, key=None), R.BUCKET_NOT_LISTED),
    ("another bucket by path", Ask(host=ROOT, target="/evil-bucket/k"), R.BUCKET_NOT_LISTED),
    ("the bucket of another partition", Ask(host="good-bucket.s3.cn-north-1.amazonaws.com.cn"), R.ENDPOINT_NOT_ALLOWED),
    ("fips is not open", Ask(host=f"good-bucket.s3-fips.{REGION}.amazonaws.com"), R.ENDPOINT_NOT_ALLOWED),
    ("a region that is not open", Ask(host="good-bucket.s3.eu-west-1.amazonaws.com"), R.REGION_NOT_ALLOWED),
    ("list of all buckets", Ask(host=ROOT, target="/"), R.NO_BUCKET),
    ("fronted by Host", Ask(header_host=EVIL), R.HOST_MISMATCH),
    ("fronted by a bare bucket name", Ask(header_host="evil-bucket"), R.HOST_MISMATCH),
    ("fronted by SNI", Ask(host=EVIL, connect=f"{GOOD}:443"), R.SNI_MISMATCH),
    ("fronted by an absolute target", Ask(authority=EVIL), R.HOST_MISMATCH),
    ("an absolute target of itself", Ask(authority=GOOD), R.ALLOWED_BY_RULE),
    ("no SNI", Ask(sni=None), R.SNI_MISSING),
    ("an SNI with a trailing dot", Ask(sni=GOOD + "."), R.AMBIGUOUS_TARGET),
    ("an SNI with a port", Ask(sni=GOOD + ":443"), R.AMBIGUOUS_TARGET),
    ("an IP in the SNI", Ask(sni="127.0.0.1"), R.IP_LITERAL),
    ("no Host", Ask(header_host=None), R.MALFORMED_REQUEST),
    ("two Hosts", Ask(headers=(("Host", EVIL),)), R.MALFORMED_REQUEST),
    ("Host with a trailing dot", Ask(header_host=GOOD + "."), R.AMBIGUOUS_TARGET),
    ("Host with another port", Ask(header_host=GOOD + ":80"), R.PORT_NOT_ALLOWED),
    ("CONNECT to another port", Ask(connect=f"{GOOD}:8443"), R.PORT_NOT_ALLOWED),
    ("CONNECT without a port", Ask(connect=GOOD), R.MALFORMED_HOST),
    ("CONNECT to an address", Ask(connect="52.219.0.1:443"), R.IP_LITERAL),
    ("CONNECT to a decimal address", Ask(connect="2130706433:443"), R.IP_LITERAL),
    ("CONNECT outside AWS", Ask(connect="example.com:443"), R.HOST_NOT_LISTED),
    ("CONNECT with userinfo", Ask(connect=f"{GOOD}@example.com:443"), R.MALFORMED_HOST),
    ("https without a tunnel", Ask(connect=None, authority=GOOD), R.NOT_TLS),
    ("clear text in the tunnel", Ask(scheme="http"), R.NOT_TLS),
    ("clear text", Ask(connect=None, sni=None, scheme="http", authority=GOOD), R.PLAIN_HTTP),
    ("clear text outside AWS", Ask("example.com", connect=None, sni=None, scheme="http", authority="example.com"), R.HOST_NOT_LISTED),
    ("clear text without a name in the target", Ask(connect=None, sni=None, scheme="http"), R.MALFORMED_REQUEST),
    ("websocket", Ask(headers=(("Connection", "Upgrade"), ("Upgrade", "websocket"))), R.PROTOCOL_UPGRADE),
    ("length and chunks", Ask(method="PUT", headers=(("Content-Length", "3"), ("Transfer-Encoding", "chunked"))), R.MALFORMED_REQUEST),
    ("no operation", Ask(method="PATCH"), R.UNKNOWN_OPERATION),
    ("preflight", Ask(method="OPTIONS"), R.UNKNOWN_OPERATION),
    ("an unknown sub-resource", Ask(target="/?brandnew"), R.UNKNOWN_OPERATION),
    ("a form upload", Ask(method="POST", target="/", headers=(("Content-Type", "multipart/form-data; boundary=x"),)), R.UNKNOWN_OPERATION),
    ("admin is not implied", Ask(method="PUT", target="/?policy"), R.OPERATION_NOT_ALLOWED),
    ("replication is not implied", Ask(method="PUT", target="/?replication"), R.OPERATION_NOT_ALLOWED),
    ("deleting the bucket is not implied", Ask(method="DELETE", target="/"), R.OPERATION_NOT_ALLOWED),
    ("a public acl on a put", Ask(method="PUT", headers=(("x-amz-acl", "public-read"),)), R.OPERATION_NOT_ALLOWED),
    ("a private acl on a put", Ask(method="PUT", headers=(("x-amz-acl", "private"),)), R.ALLOWED_BY_RULE),
    ("write to a read-only bucket", Ask(f"read-only.s3.{REGION}.amazonaws.com", method="PUT"), R.OPERATION_NOT_ALLOWED),
    ("an operation by name", Ask(f"one-op.s3.{REGION}.amazonaws.com"), R.ALLOWED_BY_RULE),
    ("another operation than the one by name", Ask(f"one-op.s3.{REGION}.amazonaws.com", method="HEAD"), R.OPERATION_NOT_ALLOWED),
    ("a key within", Ask(f"keyed.s3.{REGION}.amazonaws.com", "/incoming/a"), R.ALLOWED_BY_RULE),
    ("a key outside", Ask(f"keyed.s3.{REGION}.amazonaws.com", "/secret/a"), R.KEY_NOT_ALLOWED),
    ("a key that leaves by dots", Ask(f"keyed.s3.{REGION}.amazonaws.com", "/incoming/../secret"), R.KEY_NOT_ALLOWED),
    ("a key that leaves by encoded dots", Ask(f"keyed.s3.{REGION}.amazonaws.com", "/incoming/%2e%2e/secret"), R.KEY_NOT_ALLOWED),
    ("a list within", Ask(f"keyed.s3.{REGION}.amazonaws.com", "/?prefix=incoming%2Fa"), R.ALLOWED_BY_RULE),
    ("a list of everything", Ask(f"keyed.s3.{REGION}.amazonaws.com", "/"), R.KEY_NOT_ALLOWED),
    ("a list of more", Ask(f"keyed.s3.{REGION}.amazonaws.com", "/?prefix=in"), R.KEY_NOT_ALLOWED),
    ("a deletion by body", Ask(f"keyed.s3.{REGION}.amazonaws.com", "/?delete", "POST"), R.KEY_NOT_ALLOWED),
    ("another client", Ask(f"batch-bucket.s3.{REGION}.amazonaws.com", method="PUT"), R.CLIENT_NOT_ALLOWED),
    ("the rule's client", Ask(f"batch-bucket.s3.{REGION}.amazonaws.com", method="PUT", client="10.20.0.7"), R.ALLOWED_BY_RULE),
    ("our account", Ask(f"ours-only.s3.{REGION}.amazonaws.com"), R.ALLOWED_BY_RULE),
    ("foreign keys", Ask(f"ours-only.s3.{REGION}.amazonaws.com", key=FOREIGN), R.ACCOUNT_NOT_ALLOWED),
    ("old keys", Ask(f"ours-only.s3.{REGION}.amazonaws.com", key=OLD), R.ACCOUNT_NOT_ALLOWED),
    ("old keys where no account is listed", Ask(key=OLD), R.ALLOWED_BY_RULE),
    ("a fqdn", Ask(f"named.s3.{REGION}.amazonaws.com"), R.ALLOWED_BY_RULE),
    ("a fqdn does not imply its path style", Ask(ROOT, "/named/k"), R.BUCKET_NOT_LISTED),
    ("a fqdn does not imply its dualstack", Ask(f"named.s3.dualstack.{REGION}.amazonaws.com"), R.BUCKET_NOT_LISTED),
    ("a rule's region", Ask(f"narrow.s3.{REGION}.amazonaws.com"), R.REGION_NOT_ALLOWED),
    ("unsigned", Ask(key=None), R.UNSIGNED_REQUEST),
    ("an acl outside the signature", Ask(key=None, headers=(*UNCOVERED, ("x-amz-acl", "private")), method="PUT"), R.UNSIGNED_REQUEST),
    ("a copy source outside the signature", Ask(key=None, headers=(*UNCOVERED, ("x-amz-copy-source", "evil-bucket/k")), method="PUT"), R.COPY_SOURCE_NOT_LISTED),
    ("signature version 2", Ask(key=None, headers=(("Authorization", f"AWS {OWN}:c2lnbmF0dXJlc2lnbmF0dXJlMTI="), ("Date", "Sun, 22 Nov 2026 12:00:00 GMT"))), R.SIGNATURE_VERSION),
    ("scope of another region", Ask(region="eu-west-1"), R.CREDENTIAL_SCOPE_MISMATCH),
    ("scope of another service", Ask(service="sts"), R.CREDENTIAL_SCOPE_MISMATCH),
    ("copy from a listed bucket", Ask(method="PUT", headers=(("x-amz-copy-source", "/read-only/k"),)), R.ALLOWED_BY_RULE),
    ("copy from a bucket listed by fqdn", Ask(method="PUT", headers=(("x-amz-copy-source", "named/k"),)), R.ALLOWED_BY_RULE),
    ("copy from another bucket", Ask(method="PUT", headers=(("x-amz-copy-source", "/evil-bucket/k"),)), R.COPY_SOURCE_NOT_LISTED),
    ("copy from outside the keys", Ask(method="PUT", headers=(("x-amz-copy-source", "/keyed/secret"),)), R.COPY_SOURCE_NOT_LISTED),
    ("copy from an access point", Ask(method="PUT", headers=(("x-amz-copy-source", f"arn:aws:s3:{REGION}:609629065308:accesspoint/ap/object/k"),)), R.COPY_SOURCE_NOT_LISTED),
    ("copy from a bucket one may only write", Ask(method="PUT", client="10.20.0.7", headers=(("x-amz-copy-source", "/batch-bucket/k"),)), R.COPY_SOURCE_NOT_LISTED),
    ("a customer's key", Ask(method="PUT", headers=(("x-amz-server-side-encryption-customer-algorithm", "AES256"), ("x-amz-server-side-encryption-customer-key", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="), ("x-amz-server-side-encryption-customer-key-MD5", "AAAAAAAAAAAAAAAAAAAAAA=="))), R.ENCRYPTION_NOT_ALLOWED),
    ("s3 tables", Ask(f"s3tables.{REGION}.amazonaws.com"), R.SERVICE_NOT_S3),
    ("an access point", Ask(f"ap-609629065308.s3-accesspoint.{REGION}.amazonaws.com"), R.ENDPOINT_NOT_ALLOWED),
    ("an access point's alias", Ask(f"ap-abcdefghijklmnop1234567890abcdef-s3alias.s3.{REGION}.amazonaws.com"), R.ENDPOINT_NOT_ALLOWED),
    ("a wrong region for the suffix", Ask("good-bucket.s3.cn-north-1.amazonaws.com"), R.ENDPOINT_NOT_ALLOWED),
    ("a function url", Ask("x.lambda-url.us-east-1.on.aws"), R.HOST_NOT_LISTED),
    ("a key with a raw plus that may be a space", Ask(f"keyed.s3.{REGION}.amazonaws.com", "/incoming/a+b"), R.ALLOWED_BY_RULE),
    ("accelerate", Ask("good-bucket.s3-accelerate.amazonaws.com"), R.ENDPOINT_NOT_ALLOWED),
    ("a listed service", Ask(f"sts.{REGION}.amazonaws.com", "/", "POST", service="sts"), R.ALLOWED_HOST),
    ("a listed service, foreign keys", Ask(f"sts.{REGION}.amazonaws.com", "/", "POST", service="sts", key=FOREIGN), R.ACCOUNT_NOT_ALLOWED),
    ("a listed service, unsigned", Ask(f"sts.{REGION}.amazonaws.com", "/", "POST", key=None), R.UNSIGNED_REQUEST),
    ("an unlisted service", Ask("sqs.us-east-1.amazonaws.com", "/", "POST", service="sqs"), R.HOST_NOT_LISTED),
]  # fmt: skip


@pytest.mark.parametrize(("name", "ask", "reason"), ROWS, ids=[row[0] for row in ROWS])
def test_each_request_gets_its_reason(name: str, ask: Ask, reason: Reason) -> None:
    decision = decide_request(policy(), ask.request())
    assert decision.reason is reason, decision.detail
    assert decision.detail
    assert decision.policy.startswith("sha256:")


def test_an_allow_names_its_rule_and_everything_that_was_read() -> None:
    decision = decide_request(policy(), Ask(f"keyed.s3.{REGION}.amazonaws.com", "/incoming/a%20b").request())
    assert decision.allowed
    assert decision.rule == "inbox"
    reading = decision.reading
    assert (reading.bucket, reading.key, reading.style) == ("keyed", "incoming/a b", "virtual")
    assert (reading.endpoint_class, reading.region, reading.partition) == ("standard", REGION, "aws")
    assert (reading.operation, reading.access_key_id, reading.account) == ("GetObject", OWN, "609629065308")


def test_a_denial_tells_what_was_read_too() -> None:
    decision = decide_request(policy(), Ask(EVIL, method="PUT").request())
    assert decision.reading.bucket == "evil-bucket"
    assert decision.reading.operation == "PutObject"
    assert decision.reading.account == "609629065308"


def test_a_fronted_request_tells_what_was_asked_for() -> None:
    decision = decide_request(policy(), Ask(header_host=EVIL, method="PUT", target="/report.csv").request())
    assert decision.reason is R.HOST_MISMATCH
    reading = decision.reading
    assert (reading.host, reading.bucket, reading.key) == (EVIL, "evil-bucket", "report.csv")
    assert (reading.operation, reading.account) == ("PutObject", "609629065308")


def test_a_denial_never_names_what_else_is_listed() -> None:
    decision = decide_request(policy(), Ask(EVIL).request())
    assert "good-bucket" not in decision.detail


def test_without_a_policy_nothing_passes() -> None:
    request = Ask().request()
    assert decide_request(None, request).reason is R.POLICY_UNAVAILABLE
    for decision in (decide_connect(None, request), decide_tls(None, request)):
        assert decision is not None
        assert decision.reason is R.POLICY_UNAVAILABLE


def test_a_decision_has_no_truth_value() -> None:
    with pytest.raises(TypeError):
        bool(decide_request(policy(), Ask().request()))


MONITOR = "mode: monitor\nuntil: 2026-11-22\n"

MONITORED: list[tuple[str, Ask, Reason, Reason | None]] = [
    ("a listed bucket is no matter for monitor", Ask(), R.ALLOWED_BY_RULE, None),
    ("an unlisted bucket passes", Ask(host=EVIL), R.MONITOR_ONLY, R.BUCKET_NOT_LISTED),
    ("an operation passes", Ask(f"read-only.s3.{REGION}.amazonaws.com", method="PUT"), R.MONITOR_ONLY, R.OPERATION_NOT_ALLOWED),
    ("an unlisted AWS service passes", Ask("sqs.us-east-1.amazonaws.com", "/", "POST", service="sqs"), R.MONITOR_ONLY, R.HOST_NOT_LISTED),
    ("an S3 look-alike does not", Ask("good-bucket.s3.cn-north-1.amazonaws.com"), R.ENDPOINT_NOT_ALLOWED, None),
    ("a customer's own AWS name does not", Ask("abc.execute-api.us-east-1.amazonaws.com", "/", "POST"), R.HOST_NOT_LISTED, None),
    ("a name outside AWS does not", Ask("example.com"), R.HOST_NOT_LISTED, None),
    ("a mismatch does not", Ask(header_host=EVIL), R.HOST_MISMATCH, None),
    ("an unsigned request to an unlisted bucket does not", Ask(host=EVIL, key=None), R.UNSIGNED_REQUEST, None),
    ("an unknown operation does not", Ask(host=EVIL, method="PATCH"), R.UNKNOWN_OPERATION, None),
    ("a copy source passes", Ask(method="PUT", headers=(("x-amz-copy-source", "/evil-bucket/k"),)), R.MONITOR_ONLY, R.COPY_SOURCE_NOT_LISTED),
]  # fmt: skip


@pytest.mark.parametrize(("name", "ask", "reason", "would"), MONITORED, ids=[row[0] for row in MONITORED])
def test_monitor_mode_lifts_verdicts_of_the_list_only(
    name: str, ask: Ask, reason: Reason, would: Reason | None
) -> None:
    decision = decide_request(policy(MONITOR), ask.request())
    assert (decision.reason, decision.would_deny) == (reason, would), decision.detail


@pytest.mark.parametrize(
    ("text", "ask", "reason"),
    [
        (policy(MONITOR), Ask(host=EVIL), R.BUCKET_NOT_LISTED),
        (
            policy(text=POLICY.replace("{id: reports, ", "{id: reports, mode: monitor, until: 2026-11-22, ")),
            Ask(f"read-only.s3.{REGION}.amazonaws.com", method="PUT"),
            R.OPERATION_NOT_ALLOWED,
        ),
    ],
    ids=["the whole policy", "one rule"],
)
@pytest.mark.parametrize(
    ("now", "monitored"),
    [
        ("2026-11-22T00:00:00+00:00", True),
        ("2026-11-22T23:59:59+00:00", True),
        ("2026-11-22T23:59:59.999999+00:00", True),
        ("2026-11-23T00:00:00+00:00", False),
        ("2026-11-23T00:00:01+00:00", False),
        ("2026-11-23T08:59:59+09:00", True),
        ("2026-11-23T09:00:00+09:00", False),
        ("2026-11-22T15:59:59-08:00", True),
        ("2026-11-22T16:00:00-08:00", False),
    ],
)
def test_monitor_mode_ends_at_midnight_utc_after_its_day(
    text: Policy, ask: Ask, reason: Reason, now: str, *, monitored: bool
) -> None:
    decision = decide_request(text, replace(ask.request(), now=datetime.fromisoformat(now)))
    expected = (R.MONITOR_ONLY, reason) if monitored else (reason, None)
    assert (decision.reason, decision.would_deny) == expected


def allowed() -> Decision:
    return decide_request(policy(), Ask().request())


def test_the_judged_addresses_are_kept_in_order() -> None:
    networks = parse_networks(["public"])
    assert decide_addresses(allowed(), ["52.219.0.2", "52.219.0.1"], networks) == ("52.219.0.2", "52.219.0.1")


def test_one_forbidden_address_refuses_the_answer() -> None:
    decision = decide_addresses(allowed(), ["52.219.0.2", "169.254.169.254"], parse_networks(["public"]))
    assert isinstance(decision, Decision)
    assert decision.reason is R.UPSTREAM_ADDRESS_NOT_ALLOWED
    assert decision.reading.bucket == "good-bucket"


def test_an_empty_answer_is_a_dns_failure() -> None:
    decision = decide_addresses(allowed(), [], parse_networks(["public"]))
    assert isinstance(decision, Decision)
    assert decision.reason is R.DNS_FAILURE


def test_a_case_can_be_refused_later_with_its_reading_kept() -> None:
    decision = refuse(allowed(), R.UPSTREAM_UNREACHABLE, "no answer")
    assert not decision.allowed
    assert (decision.reading.bucket, decision.rule) == ("good-bucket", "data")
    assert refuse_unread(policy(), R.NOT_TLS, "raw bytes").policy.startswith("sha256:")
