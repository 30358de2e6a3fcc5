"""Every verdict on names beside the plain bucket: access points, directory buckets, owners, websites."""

from dataclasses import replace

import pytest

from generate.asks import FOREIGN, OLD, OWN, REGION, Ask
from s3gate.policy.decide import decide_connect, decide_request
from s3gate.policy.decision import Reason
from s3gate.policy.document import parse_policy
from s3gate.policy.model import Policy

R = Reason
OWNER = "609629065308"
OTHER = "364679954851"
ZONAL = "data--apne1-az4--x-s3"
NAMED = f"data-{OWNER}-{REGION}-an"
POINT = f"arn:aws:s3:{REGION}:{OWNER}:accesspoint/app"
POLICY = f"""
version: 1
endpoints:
  partitions: [aws]
  regions: [{REGION}, us-east-1]
  vpce: [vpce-0a1b2c3d]
  classes: [standard, dualstack, fips, accelerate, website, access-point, mrap, express, vpce, object-lambda, outposts]
rules:
  - {{id: data, bucket: good-bucket, allow: [read, write, list]}}
  - {{id: point, access_point: "{POINT}", allow: [read, write], keys: ["in/*"]}}
  - {{id: lambda, access_point: "{POINT.replace(":s3:", ":s3-object-lambda:")}", allow: [read]}}
  - {{id: outpost, access_point: "arn:aws:s3-outposts:{REGION}:{OWNER}:outpost/op-01/accesspoint/app", allow: [read]}}
  - {{id: multi, mrap: "arn:aws:s3::{OWNER}:accesspoint/abc.mrap", allow: [read, write]}}
  - {{id: zonal, bucket: {ZONAL}, allow: [read, write], accounts: ["{OWNER}"]}}
  - {{id: owned, bucket: owned, allow: [read, write], owner: "{OWNER}"}}
  - {{id: named, bucket: {NAMED}, allow: [read, write], owner: "{OWNER}"}}
  - {{id: point-owned, access_point: "{POINT}-owned", allow: [read], owner: "{OWNER}"}}
  - {{id: point-foreign, access_point: "{POINT}-foreign", allow: [read], owner: "{OTHER}"}}
  - {{id: multi-owned, mrap: "arn:aws:s3::{OWNER}:accesspoint/own.mrap", allow: [read], owner: "{OWNER}"}}
  - {{id: locked, bucket: locked, allow: [write], encryption: any}}
"""

AP = f"app-{OWNER}.s3-accesspoint.{REGION}.amazonaws.com"
ZONE_HOST = f"{ZONAL}.s3express-apne1-az4.{REGION}.amazonaws.com"
VPCE = f"vpce-0a1b2c3d-xyz.s3.{REGION}.vpce.amazonaws.com"
HOME = f"{{}}.s3.{REGION}.amazonaws.com"
EXPECT = (("x-amz-expected-bucket-owner", OWNER),)
SOURCE = ("x-amz-source-expected-bucket-owner", OWNER)
SSE_C = (("x-amz-server-side-encryption-customer-algorithm", "AES256"),)
SESSION = (("x-amz-s3session-token", "t"),)


def copy(source: str, *more: tuple[str, str]) -> Ask:
    return Ask(HOME.format("good-bucket"), method="PUT", headers=(("x-amz-copy-source", source), *more))


def policy(extra: str = "", text: str = POLICY) -> Policy:
    return parse_policy((text + extra).encode())


ROWS: list[tuple[str, Ask, R]] = [
    ("an access point", Ask(AP, "/in/k"), R.ALLOWED_BY_RULE),
    ("an access point, a key outside", Ask(AP, "/out/k"), R.KEY_NOT_ALLOWED),
    ("an access point, another operation", Ask(AP, "/in/k", "DELETE"), R.OPERATION_NOT_ALLOWED),
    ("an access point by dualstack", Ask(AP.replace("point.", "point.dualstack."), "/in/k"), R.ALLOWED_BY_RULE),
    ("an access point by fips", Ask(AP.replace("point.", "point-fips.").replace(REGION, "us-east-1"), "/in/k"), R.BUCKET_NOT_LISTED),
    ("an access point by an interface endpoint", Ask(f"app-{OWNER}.accesspoint.{VPCE}", "/in/k"), R.ALLOWED_BY_RULE),
    ("another access point", Ask(AP.replace("app-", "evil-"), "/in/k"), R.BUCKET_NOT_LISTED),
    ("the access point of another account", Ask(AP.replace(OWNER, OTHER), "/in/k"), R.BUCKET_NOT_LISTED),
    ("the access point of another region", Ask(AP.replace(REGION, "us-east-1"), "/in/k", region="us-east-1"), R.BUCKET_NOT_LISTED),
    ("a name that ends in the account", Ask(AP.replace("app-", f"app-{OWNER}-"), "/in/k"), R.BUCKET_NOT_LISTED),
    ("a bucket named like the access point", Ask(HOME.format("app"), "/in/k"), R.BUCKET_NOT_LISTED),
    ("a bucket named like its label", Ask(HOME.format(f"app-{OWNER}"), "/in/k"), R.BUCKET_NOT_LISTED),
    ("the access point of a listed bucket's name", Ask(AP.replace("app-", "good-bucket-"), "/in/k"), R.BUCKET_NOT_LISTED),
    ("an alias", Ask(HOME.format("app-abc-s3alias"), "/in/k"), R.ENDPOINT_NOT_ALLOWED),
    ("an alias by path", Ask(f"s3.{REGION}.amazonaws.com", "/app-abc-s3alias/in/k"), R.ENDPOINT_NOT_ALLOWED),
    ("object lambda", Ask(f"app-{OWNER}.s3-object-lambda.{REGION}.amazonaws.com", service="s3-object-lambda"), R.ALLOWED_BY_RULE),
    ("object lambda signed as s3", Ask(f"app-{OWNER}.s3-object-lambda.{REGION}.amazonaws.com"), R.CREDENTIAL_SCOPE_MISMATCH),
    ("another object lambda", Ask(f"evil-{OWNER}.s3-object-lambda.{REGION}.amazonaws.com", service="s3-object-lambda"), R.BUCKET_NOT_LISTED),
    ("a route of object lambda", Ask(f"route.s3-object-lambda.{REGION}.amazonaws.com", "/WriteGetObjectResponse", "POST", service="s3-object-lambda"), R.ENDPOINT_NOT_ALLOWED),
    ("its answer to an access point", Ask(f"app-{OWNER}.s3-object-lambda.{REGION}.amazonaws.com", "/WriteGetObjectResponse", "POST", (("x-amz-request-route", "r"),), service="s3-object-lambda"), R.UNKNOWN_OPERATION),
    ("outposts", Ask(f"app-{OWNER}.op-01.s3-outposts.{REGION}.amazonaws.com", service="s3-outposts"), R.ALLOWED_BY_RULE),
    ("another outpost", Ask(f"app-{OWNER}.op-02.s3-outposts.{REGION}.amazonaws.com", service="s3-outposts"), R.BUCKET_NOT_LISTED),
    ("an alias on an outpost", Ask(f"app--op-s3.op-01.s3-outposts.{REGION}.amazonaws.com", service="s3-outposts"), R.ENDPOINT_NOT_ALLOWED),
    ("a multi-region access point", Ask("abc.mrap.accesspoint.s3-global.amazonaws.com", region_set="*"), R.ALLOWED_BY_RULE),
    ("another multi-region access point", Ask("evil.mrap.accesspoint.s3-global.amazonaws.com", region_set="*"), R.BUCKET_NOT_LISTED),
    ("every region at one region's endpoint", Ask(HOME.format("good-bucket"), region_set="*"), R.CREDENTIAL_SCOPE_MISMATCH),
    ("control", Ask(f"{OWNER}.s3-control.{REGION}.amazonaws.com", "/v20180820/jobs", "POST"), R.ENDPOINT_NOT_ALLOWED),
    ("accelerate", Ask("good-bucket.s3-accelerate.amazonaws.com"), R.ALLOWED_BY_RULE),
    ("accelerate, another bucket", Ask("evil.s3-accelerate.amazonaws.com"), R.BUCKET_NOT_LISTED),
    ("accelerate, scope of a closed region", Ask("good-bucket.s3-accelerate.amazonaws.com", region="eu-west-1"), R.CREDENTIAL_SCOPE_MISMATCH),
    ("an interface endpoint", Ask(f"good-bucket.bucket.{VPCE}"), R.ALLOWED_BY_RULE),
    ("an interface endpoint by path", Ask(f"bucket.{VPCE}", "/good-bucket/k"), R.ALLOWED_BY_RULE),
    ("another's interface endpoint", Ask(f"good-bucket.bucket.{VPCE}".replace("0a1b2c3d", "0a1b2c3e")), R.ENDPOINT_NOT_ALLOWED),
    ("another bucket there", Ask(f"evil.bucket.{VPCE}"), R.BUCKET_NOT_LISTED),
    ("a session is opened", Ask(ZONE_HOST, "/?session", service="s3express"), R.ALLOWED_BY_RULE),
    ("a session is opened by foreign keys", Ask(ZONE_HOST, "/?session", service="s3express", key=FOREIGN), R.ACCOUNT_NOT_ALLOWED),
    ("a session is used", Ask(ZONE_HOST, method="PUT", headers=SESSION, service="s3express"), R.ALLOWED_BY_RULE),
    ("a session that tells no account", Ask(ZONE_HOST, method="PUT", headers=SESSION, service="s3express", key=OLD), R.ACCOUNT_NOT_ALLOWED),
    ("a session at a standard name", Ask(HOME.format("good-bucket"), headers=SESSION, service="s3express"), R.CREDENTIAL_SCOPE_MISMATCH),
    ("another directory bucket", Ask(ZONE_HOST.replace("data", "evil"), service="s3express"), R.BUCKET_NOT_LISTED),
    ("an access point of a directory bucket", Ask(ZONE_HOST.replace("--x-", "--xa-"), service="s3express"), R.ENDPOINT_NOT_ALLOWED),
    ("a directory bucket by its control name", Ask(f"s3express-control.{REGION}.amazonaws.com", f"/{ZONAL}/?policy", service="s3express"), R.ALLOWED_BY_RULE),
    ("a general bucket by that name", Ask(f"s3express-control.{REGION}.amazonaws.com", "/good-bucket/?policy", service="s3express"), R.ENDPOINT_NOT_ALLOWED),
    ("all directory buckets", Ask(f"s3express-control.{REGION}.amazonaws.com", "/", service="s3express"), R.NO_BUCKET),
    ("a directory bucket at a standard name", Ask(HOME.format(ZONAL)), R.ENDPOINT_NOT_ALLOWED),
    ("an owner unproven", Ask(HOME.format("owned")), R.BUCKET_OWNER_NOT_PROVEN),
    ("an owner proven", Ask(HOME.format("owned"), headers=EXPECT), R.ALLOWED_BY_RULE),
    ("another owner proven", Ask(HOME.format("owned"), headers=(("x-amz-expected-bucket-owner", OTHER),)), R.BUCKET_OWNER_NOT_PROVEN),
    ("an owner in the name", Ask(HOME.format(NAMED)), R.ALLOWED_BY_RULE),
    ("an owner in the name, by accelerate", Ask(f"{NAMED}.s3-accelerate.amazonaws.com"), R.ALLOWED_BY_RULE),
    ("an owner in the name, in another region", Ask(f"{NAMED}.s3.us-east-1.amazonaws.com", region="us-east-1"), R.BUCKET_OWNER_NOT_PROVEN),
    ("an owner in the name, scope of another region", Ask(f"{NAMED}.s3.amazonaws.com", region="us-east-1"), R.BUCKET_OWNER_NOT_PROVEN),
    ("the account of an access point", Ask(AP.replace("app-", "app-owned-")), R.ALLOWED_BY_RULE),
    ("another owner than the access point's", Ask(AP.replace("app-", "app-foreign-")), R.BUCKET_OWNER_NOT_PROVEN),
    ("the bucket's owner behind a foreign access point", Ask(AP.replace("app-", "app-foreign-"), headers=(("x-amz-expected-bucket-owner", OTHER),)), R.ALLOWED_BY_RULE),
    ("a multi-region name tells no owner", Ask("own.mrap.accesspoint.s3-global.amazonaws.com", region_set="*"), R.BUCKET_OWNER_NOT_PROVEN),
    ("a multi-region name with a header", Ask("own.mrap.accesspoint.s3-global.amazonaws.com", region_set="*", headers=EXPECT), R.ALLOWED_BY_RULE),
    ("a customer's key where any is allowed", Ask(HOME.format("locked"), method="PUT", headers=SSE_C), R.ALLOWED_BY_RULE),
    ("a copy from an access point", copy(f"{POINT}/object/in/k"), R.ALLOWED_BY_RULE),
    ("a copy from it with colons", copy(f"{POINT}/object/in/k".replace("point/", "point:")), R.ALLOWED_BY_RULE),
    ("a copy from it, a key outside", copy(f"{POINT}/object/out"), R.COPY_SOURCE_NOT_LISTED),
    ("a copy from another account's", copy(f"{POINT}/object/in/k".replace(OWNER, OTHER)), R.COPY_SOURCE_NOT_LISTED),
    ("a copy from a multi-region one", copy(f"arn:aws:s3::{OWNER}:accesspoint/abc.mrap/object/k"), R.ALLOWED_BY_RULE),
    ("a copy from a multi-region one of another", copy(f"arn:aws:s3::{OTHER}:accesspoint/abc.mrap/object/k"), R.COPY_SOURCE_NOT_LISTED),
    ("a copy from an owner unproven", copy("owned/k"), R.BUCKET_OWNER_NOT_PROVEN),
    ("a copy with the target's owner", copy("owned/k", *EXPECT), R.BUCKET_OWNER_NOT_PROVEN),
    ("a copy from an owner proven", copy("owned/k", SOURCE), R.ALLOWED_BY_RULE),
    ("a copy from a name without a region", copy(f"{NAMED}/k"), R.BUCKET_OWNER_NOT_PROVEN),
    ("a copy from an owned access point", copy(f"{POINT}-owned/object/k"), R.ALLOWED_BY_RULE),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "reason"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_each_name_gets_its_reason(ask: Ask, reason: R) -> None:
    decision = decide_request(policy(), ask.request())
    assert decision.reason is reason, decision.detail


WEB = f"good-bucket.s3-website-{REGION}.amazonaws.com"
OPEN = "plain_http: allow\nunsigned: allow\n"
PAGES: list[tuple[str, str, Ask, R]] = [
    ("a page", OPEN, Ask(WEB, "/index.html", key=None), R.ALLOWED_BY_RULE),
    ("the index", OPEN, Ask(WEB, "/", key=None), R.ALLOWED_BY_RULE),
    ("another bucket", OPEN, Ask(WEB.replace("good", "evil"), "/", key=None), R.BUCKET_NOT_LISTED),
    ("a signature, which nobody verifies", OPEN, Ask(WEB, "/index.html"), R.UNSIGNED_REQUEST),
    ("a write", OPEN, Ask(WEB, "/k", "PUT", key=None), R.UNKNOWN_OPERATION),
    ("a query", OPEN, Ask(WEB, "/?policy", key=None), R.UNKNOWN_OPERATION),
    ("no clear text", "unsigned: allow\n", Ask(WEB, "/", key=None), R.PLAIN_HTTP),
    ("no anonymous requests", "plain_http: allow\n", Ask(WEB, "/", key=None), R.UNSIGNED_REQUEST),
    ("no probe of a website", "plain_http: head\n", Ask(WEB, "/", "HEAD", key=None), R.PLAIN_HTTP),
]  # fmt: skip


@pytest.mark.parametrize(
    ("extra", "ask", "reason"), [row[1:] for row in PAGES], ids=[row[0] for row in PAGES]
)
def test_websites(extra: str, ask: Ask, reason: R) -> None:
    plain = replace(ask, connect=None, sni=None, scheme="http", authority=ask.host)
    assert decide_request(policy(extra), plain.request()).reason is reason


def test_the_index_of_a_website_is_within_no_keys() -> None:
    text = POLICY.replace("allow: [read, write, list]}", 'allow: [read], keys: ["index.html"]}')
    for target, reason in (("/index.html", R.ALLOWED_BY_RULE), ("/", R.KEY_NOT_ALLOWED)):
        ask = Ask(WEB, target, key=None, connect=None, sni=None, scheme="http", authority=WEB)
        assert decide_request(policy(OPEN, text), ask.request()).reason is reason


MONITOR = "mode: monitor\nuntil: 2026-12-01\n"
LIFTED: list[tuple[str, Ask, R, R | None]] = [
    ("another access point passes", Ask(AP.replace("app-", "evil-")), R.MONITOR_ONLY, R.BUCKET_NOT_LISTED),
    ("an alias on an outpost does not", Ask(f"app--op-s3.op-01.s3-outposts.{REGION}.amazonaws.com", service="s3-outposts"), R.NO_BUCKET, None),
    ("a route of object lambda does not", Ask(f"r.s3-object-lambda.{REGION}.amazonaws.com", "/WriteGetObjectResponse", "POST", service="s3-object-lambda"), R.NO_BUCKET, None),
    ("control does not", Ask(f"{OWNER}.s3-control.{REGION}.amazonaws.com", "/v20180820/jobs", "POST"), R.NO_BUCKET, None),
    ("an owner unproven does not", Ask(HOME.format("owned")), R.BUCKET_OWNER_NOT_PROVEN, None),
    ("an operation without the owner does not", Ask(HOME.format("owned"), method="DELETE"), R.BUCKET_OWNER_NOT_PROVEN, None),
    ("an operation with the owner passes", Ask(HOME.format("owned"), method="DELETE", headers=EXPECT), R.MONITOR_ONLY, R.OPERATION_NOT_ALLOWED),
    ("a copy without the source's owner does not", copy("owned/k"), R.BUCKET_OWNER_NOT_PROVEN, None),
    ("a source's key with its owner passes", copy("locked/k", SOURCE), R.MONITOR_ONLY, R.COPY_SOURCE_NOT_LISTED),
    ("a customer's key elsewhere does not", Ask(HOME.format("evil"), method="PUT", headers=SSE_C), R.ENCRYPTION_NOT_ALLOWED, None),
    ("a customer's key where any is allowed passes", Ask(HOME.format("locked"), headers=()), R.MONITOR_ONLY, R.OPERATION_NOT_ALLOWED),
]  # fmt: skip


@pytest.mark.parametrize(
    ("ask", "reason", "would"), [row[1:] for row in LIFTED], ids=[row[0] for row in LIFTED]
)
def test_monitor_mode_never_lifts_who_owns_the_data(ask: Ask, reason: R, would: R | None) -> None:
    decision = decide_request(policy(MONITOR), ask.request())
    assert (decision.reason, decision.would_deny) == (reason, would), decision.detail


def test_a_rule_more_never_denies_what_monitor_mode_let_pass() -> None:
    watched = POLICY + "  - {id: w, bucket: two, allow: [write], mode: monitor, until: 2026-12-01}\n"
    both = watched + f'  - {{id: o, bucket: two, allow: [read], owner: "{OWNER}"}}\n'
    ask = Ask(HOME.format("two"))
    for text in (watched, both):
        decision = decide_request(policy(text=text), ask.request())
        assert (decision.reason, decision.would_deny, decision.rule) == (
            R.MONITOR_ONLY,
            R.OPERATION_NOT_ALLOWED,
            "w",
        )


EARLY: list[tuple[str, str, R | None]] = [
    ("an access point", AP, None),
    ("another", AP.replace("app-", "evil-"), R.BUCKET_NOT_LISTED),
    ("a multi-region one", "abc.mrap.accesspoint.s3-global.amazonaws.com", None),
    ("a directory bucket", ZONE_HOST, None),
    ("a listed interface endpoint", f"good-bucket.bucket.{VPCE}", None),
    ("another interface endpoint", f"good-bucket.bucket.{VPCE}".replace("0a1b2c3d", "0a1b2c3e"), R.ENDPOINT_NOT_ALLOWED),
    ("a route", f"route.s3-object-lambda.{REGION}.amazonaws.com", R.ENDPOINT_NOT_ALLOWED),
]  # fmt: skip


@pytest.mark.parametrize(("host", "reason"), [row[1:] for row in EARLY], ids=[row[0] for row in EARLY])
def test_deny_at_connect_knows_these_names(host: str, reason: R | None) -> None:
    early = decide_connect(policy("deny_at: connect\n"), Ask(host).request())
    assert (early.reason if early is not None else None) is reason


def test_a_key_of_ours_is_what_the_rows_are_signed_by() -> None:
    decision = decide_request(policy(), Ask(AP, "/in/k").request())
    assert (decision.reading.access_key_id, decision.reading.account) == (OWN, OWNER)
    assert (decision.reading.endpoint_class, decision.reading.bucket) == ("access-point", None)
    assert (decision.reading.region, decision.reading.key) == (REGION, "in/k")
