"""Every row of every preset, asked for as clients do: what it opens, and that it opens nothing else."""

import pickle
from dataclasses import replace
from ipaddress import ip_address

import pytest

from generate.asks import FOREIGN, NOW, Ask
from s3gate.policy.decide import decide_connect, decide_request
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.document import parse_policy
from s3gate.policy.mistake import PolicyErrors
from s3gate.policy.model import Policy
from s3gate.policy.preset import PRESETS, PresetRow, Signing, preset_rows
from s3gate.policy.reading import Client
from s3gate.s3.address import Style, parse_address
from s3gate.s3.endpoint import Endpoint, EndpointClass, classify_host
from s3gate.s3.host import parse_authority
from s3gate.s3.partitions import PARTITIONS

R = Reason
ROWS = [row for rows in PRESETS.values() for row in rows]
REGIONS = sorted(PARTITIONS["aws"].regions)
HEAD = f"""\
version: 1
endpoints:
  partitions: [aws]
  regions: [{", ".join(REGIONS)}]
  classes: [standard, dualstack, fips, accelerate, website]
  path_style: allow
"""
EVERY = f"presets: [{', '.join(PRESETS)}]\n"
SSM = next(row for row in PRESETS["ssm-agent"] if row.bucket == "amazon-ssm-us-east-1")
ECR = next(row for row in PRESETS["ecr"] if row.region == "us-east-1")
PRESIGNED = (
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={key}%2F20261122%2F{region}%2Fs3%2Faws4_request"
    "&X-Amz-Date=20261122T115900Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=" + "0" * 64
)


def policy(extra: str = EVERY, head: str = HEAD) -> Policy:
    return parse_policy((head + extra).encode())


OPEN = policy()
each_preset = pytest.mark.parametrize("rows", PRESETS.values(), ids=PRESETS)


def by_host(row: PresetRow, path: str = "/k") -> Ask:
    return Ask(f"{row.bucket}.s3.{row.region}.amazonaws.com", path, key=None, region=row.region)


def by_path(row: PresetRow, path: str = "/k") -> Ask:
    return Ask(f"s3.{row.region}.amazonaws.com", f"/{row.bucket}{path}", key=None, region=row.region)


def judge(ask: Ask, judged: Policy = OPEN) -> Decision:
    return decide_request(judged, ask.request())


def presigned(ask: Ask, key: str = FOREIGN) -> Ask:
    query = PRESIGNED.format(key=key, region=ask.region)
    return replace(ask, key=None, target=f"{ask.target}?{query}")


@each_preset
def test_a_row_is_the_bucket_that_s3_would_take(rows: tuple[PresetRow, ...]) -> None:
    for row in rows:
        for ask, style in ((by_host(row), Style.VIRTUAL), (by_path(row), Style.PATH)):
            endpoint = classify_host(parse_authority(ask.host).name)
            assert isinstance(endpoint, Endpoint)
            address = parse_address(endpoint, ask.target)
            assert (address.bucket, address.key, address.style) == (row.bucket, "k", style)
            assert (endpoint.partition, endpoint.region) == (row.partition, row.region)
            assert address.special is None


@each_preset
def test_a_row_opens_its_reads_and_nothing_else(rows: tuple[PresetRow, ...]) -> None:
    for row in rows:
        for spell in (by_host, by_path):
            ask = spell(row)
            anonymous = R.ALLOWED_PRESET if row.signing is Signing.ANONYMOUS else R.UNSIGNED_REQUEST
            for method in ("GET", "HEAD"):
                assert judge(replace(ask, method=method)).reason is anonymous
                for signed in (replace(ask, key=FOREIGN), presigned(ask)):
                    found = judge(replace(signed, method=method))
                    assert (found.reason, found.rule) == (R.ALLOWED_PRESET, f"preset:{row.preset}")
            bucket = replace(spell(row, "/" if spell is by_host else ""), key=FOREIGN)
            probe = judge(replace(bucket, method="HEAD")).reason
            assert (probe is R.ALLOWED_PRESET) == ("HeadBucket" in row.operations)
            for asked in (
                replace(ask, key=FOREIGN, method="PUT"),
                replace(ask, key=FOREIGN, method="DELETE"),
                replace(ask, key=FOREIGN, target=f"{ask.target}?acl"),
                replace(ask, key=FOREIGN, target=f"{ask.target}?tagging"),
                replace(ask, key=FOREIGN, method="POST", target=f"{ask.target}?uploads"),
                bucket,
                replace(bucket, target=f"{bucket.target}?policy"),
                replace(bucket, target=f"{bucket.target}?list-type=2"),
                replace(bucket, method="PUT", target=f"{bucket.target}?acl"),
                replace(bucket, method="POST", target=f"{bucket.target}?delete"),
                replace(bucket, method="PUT"),
                replace(bucket, method="DELETE"),
            ):
                found = judge(asked)
                assert found.reason is R.OPERATION_NOT_ALLOWED, (asked, found)
                assert found.rule == f"preset:{row.preset}"


@each_preset
def test_a_row_opens_its_region_alone(rows: tuple[PresetRow, ...]) -> None:
    for row in rows:
        for region in REGIONS:
            if region != row.region:
                for spell in (by_host, by_path):
                    assert judge(spell(replace(row, region=region))).reason is R.REGION_NOT_ALLOWED


KNOWN = frozenset(row.bucket for row in ROWS)


@each_preset
def test_a_name_that_anybody_may_register_is_not_opened_beside_a_row(rows: tuple[PresetRow, ...]) -> None:
    for row in rows:
        near = {
            f"{row.bucket}-1",
            f"{row.bucket}x",
            f"x{row.bucket}",
            row.bucket[:-2],
            f"{row.bucket}.a",
            *(row.bucket.replace(row.region, region) for region in (*REGIONS, "xx-fake-1")),
        }
        for name in sorted(near - KNOWN):
            for region in {row.region, *(one for one in REGIONS if one in name)}:
                squatted = replace(row, bucket=name, region=region)
                for spell in (by_host, by_path):
                    assert judge(replace(spell(squatted), key=FOREIGN)).reason is R.BUCKET_NOT_LISTED


HOSTS = [
    ("dualstack", "{b}.s3.dualstack.us-east-1.amazonaws.com", R.ALLOWED_PRESET),
    ("fips", "{b}.s3-fips.us-east-1.amazonaws.com", R.ALLOWED_PRESET),
    ("the global name, which means us-east-1", "{b}.s3.amazonaws.com", R.ALLOWED_PRESET),
    ("accelerate, which tells no region", "{b}.s3-accelerate.amazonaws.com", R.BUCKET_NOT_LISTED),
    ("a website", "{b}.s3-website-us-east-1.amazonaws.com", R.BUCKET_NOT_LISTED),
]


@pytest.mark.parametrize(("host", "reason"), [one[1:] for one in HOSTS], ids=[one[0] for one in HOSTS])
def test_endpoints(host: str, reason: Reason) -> None:
    assert judge(replace(by_host(SSM), host=host.format(b=SSM.bucket))).reason is reason


def test_the_global_name_is_no_way_to_another_region() -> None:
    west = next(row for row in PRESETS["ssm-agent"] if row.bucket == "aws-ssm-us-west-2")
    assert judge(replace(by_path(west), host="s3.amazonaws.com")).reason is R.REGION_NOT_ALLOWED


def test_an_interface_endpoint_must_be_listed() -> None:
    text = HEAD.replace("website]", "vpce]\n  vpce: [vpce-1a2b3c4d]")
    for endpoint, reason in (("1a2b3c4d", R.ALLOWED_PRESET), ("1a2b3c4e", R.ENDPOINT_NOT_ALLOWED)):
        host = f"{SSM.bucket}.bucket.vpce-{endpoint}-abcd.s3.us-east-1.vpce.amazonaws.com"
        assert judge(replace(by_host(SSM), host=host), policy(head=text)).reason is reason


def test_the_same_name_in_another_partition_is_another_bucket() -> None:
    both = HEAD.replace("[aws]", "[aws, aws-us-gov]").replace("us-east-1,", "us-east-1, us-gov-west-1,")
    for spell in (by_host, by_path):
        elsewhere = spell(replace(SSM, region="us-gov-west-1"))
        assert judge(elsewhere, policy(head=both)).reason is R.BUCKET_NOT_LISTED


@pytest.mark.parametrize("header", ["Basic Zm9v", "Bearer x", "AWS4-HMAC-SHA256", ""])
def test_half_a_signature_is_not_anonymous(header: str) -> None:
    ask = replace(by_host(SSM), headers=(("Authorization", header),))
    assert judge(ask).reason is R.MALFORMED_REQUEST


def test_no_rule_of_the_file_can_take_the_name_of_a_row() -> None:
    with pytest.raises(PolicyErrors, match="is not a name"):
        policy('rules: [{id: "preset:ecr", bucket: bkt, allow: [read]}]\n')


def test_without_the_preset_its_buckets_are_closed() -> None:
    closed = policy("presets: [ecr]\n")
    for row in PRESETS["ssm-agent"]:
        assert judge(by_host(row), closed).reason is R.BUCKET_NOT_LISTED


def test_a_region_class_or_partition_that_is_not_listed_stays_closed() -> None:
    text = "version: 1\nendpoints: {partitions: [aws], regions: [us-east-1], classes: [fips], path_style: deny}\n"
    narrow = policy("presets: [ssm-agent]\n", text)
    west = next(row for row in PRESETS["ssm-agent"] if row.bucket == "aws-ssm-us-west-2")
    assert {row.region for row in preset_rows(narrow)} == {"us-east-1"}
    assert judge(
        replace(by_host(west), host=f"{west.bucket}.s3-fips.us-west-2.amazonaws.com"), narrow
    ).reason is (R.REGION_NOT_ALLOWED)
    assert judge(by_host(SSM), narrow).reason is R.ENDPOINT_NOT_ALLOWED
    by_fips = replace(by_path(SSM), host="s3-fips.us-east-1.amazonaws.com")
    assert judge(by_fips, narrow).reason is R.PATH_STYLE_NOT_ALLOWED


def test_rows_of_a_partition_that_is_not_open_are_left_out() -> None:
    assert preset_rows(replace(OPEN, partitions=frozenset({"aws-us-gov"}))) == ()


def test_rows_come_in_the_order_of_the_policy() -> None:
    rows = preset_rows(policy("presets: [ssm-patch, ecr]\n", HEAD.replace(", ".join(REGIONS), "eu-west-1")))
    assert [row.bucket for row in rows] == [
        "aws-patch-manager-eu-west-1-5522fb710",
        "aws-patchmanager-macos-eu-west-1-5522fb710",
        "patch-baseline-snapshot-eu-west-1",
        "prod-eu-west-1-starport-layer-bucket",
    ]


RULE = "rules: [{id: own, bucket: %s, allow: [%s]%s}]\n"
RULES = [
    ("a rule that allows comes first", RULE % (SSM.bucket, "read", ""), replace(by_host(SSM), key=FOREIGN), (R.ALLOWED_BY_RULE, "own")),
    ("what a rule leaves out the row may", RULE % (SSM.bucket, "list", ""), replace(by_host(SSM), key=FOREIGN), (R.ALLOWED_PRESET, "preset:ssm-agent")),
    ("accounts of a rule are not the row's", RULE % (SSM.bucket, "read", ', accounts: ["111122223333"]'), replace(by_host(SSM), key=FOREIGN), (R.ALLOWED_PRESET, "preset:ssm-agent")),
    ("an anonymous request needs the row", RULE % (SSM.bucket, "read", ""), by_host(SSM), (R.ALLOWED_PRESET, "preset:ssm-agent")),
    ("an anonymous write needs more", RULE % (SSM.bucket, "write", ""), replace(by_host(SSM), method="PUT"), (R.UNSIGNED_REQUEST, None)),
    ("what a rule adds it adds", RULE % (SSM.bucket, "list", ""), replace(by_host(SSM, "/?list-type=2"), key=FOREIGN), (R.ALLOWED_BY_RULE, "own")),
    ("the furthest of both tells why", RULE % (SSM.bucket, "write", ', keys: ["a/*"]'), replace(by_host(SSM), key=FOREIGN, method="PUT"), (R.KEY_NOT_ALLOWED, "own")),
    ("among equals the file's", RULE % (SSM.bucket, "list", ""), replace(by_host(SSM), key=FOREIGN, method="PUT"), (R.OPERATION_NOT_ALLOWED, "own")),
    ("a rule for the host", f"rules: [{{id: own, fqdn: {by_host(SSM).host}, allow: [list]}}]\n", replace(by_host(SSM), key=FOREIGN), (R.ALLOWED_PRESET, "preset:ssm-agent")),
    ("a rule for the host that allows", f"rules: [{{id: own, fqdn: {by_host(SSM).host}, allow: [read]}}]\n", replace(by_host(SSM), key=FOREIGN), (R.ALLOWED_BY_RULE, "own")),
    ("unsigned: allow", "unsigned: allow\n" + RULE % (SSM.bucket, "read", ""), by_host(SSM), (R.ALLOWED_BY_RULE, "own")),
    ("unsigned: allow opens layers too", "unsigned: allow\n", by_host(ECR), (R.ALLOWED_PRESET, "preset:ecr")),
    ("a rule in monitor mode is not asked where the row allows", RULE % (SSM.bucket, "list", ", mode: monitor, until: 2027-01-01"), by_host(SSM), (R.ALLOWED_PRESET, "preset:ssm-agent")),
    ("monitor mode as a whole lifts what the row refuses", "mode: monitor\nuntil: 2027-01-01\n", replace(by_host(SSM), key=FOREIGN, method="PUT"), (R.MONITOR_ONLY, "preset:ssm-agent")),
    ("but lets no anonymous write pass", "mode: monitor\nuntil: 2027-01-01\n", replace(by_host(SSM), method="PUT"), (R.UNSIGNED_REQUEST, None)),
    ("nor an anonymous read elsewhere", "mode: monitor\nuntil: 2027-01-01\n", by_host(replace(SSM, bucket="evil")), (R.UNSIGNED_REQUEST, None)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("extra", "ask", "expected"), [one[1:] for one in RULES], ids=[one[0] for one in RULES]
)
def test_beside_rules(extra: str, ask: Ask, expected: tuple[Reason, str | None]) -> None:
    found = judge(ask, policy(EVERY + extra))
    assert (found.reason, found.rule) == expected


SIGNED = [
    ("a presigned URL of any account", presigned(by_host(ECR)), R.ALLOWED_PRESET),
    ("one that has expired", replace(presigned(by_host(ECR)), target=presigned(by_host(ECR)).target.replace("T115900Z", "T015900Z")), R.CREDENTIAL_EXPIRED),
    ("one for another region", replace(presigned(replace(by_host(ECR), region="eu-west-1"))), R.CREDENTIAL_SCOPE_MISMATCH),
    ("one that writes", replace(presigned(by_host(ECR)), method="PUT"), R.OPERATION_NOT_ALLOWED),
    ("a layer unsigned", by_host(ECR), R.UNSIGNED_REQUEST),
    ("a signed scope of another region for an exempt row", replace(by_host(SSM), key=FOREIGN, region="eu-west-1"), R.CREDENTIAL_SCOPE_MISMATCH),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "reason"), [one[1:] for one in SIGNED], ids=[one[0] for one in SIGNED])
def test_signatures(ask: Ask, reason: Reason) -> None:
    assert judge(ask).reason is reason


def test_a_copy_reads_from_no_row() -> None:
    own = policy(EVERY + "rules: [{id: own, bucket: own-bucket, allow: [read, write]}]\n")
    copy = Ask(
        "own-bucket.s3.us-east-1.amazonaws.com",
        method="PUT",
        headers=(("x-amz-copy-source", f"{SSM.bucket}/k"),),
        region="us-east-1",
    )
    assert judge(copy, own).reason is R.COPY_SOURCE_NOT_LISTED


PLAIN = [
    ("deny: the probe", "deny", replace(by_host(SSM, "/"), method="HEAD"), R.PLAIN_HTTP),
    ("head: the probe", "head", replace(by_host(SSM, "/"), method="HEAD"), R.ALLOWED_PRESET),
    ("head: the probe by path", "head", replace(by_path(SSM, ""), method="HEAD"), R.ALLOWED_PRESET),
    ("head: a probe of layers", "head", replace(by_host(ECR, "/"), method="HEAD"), R.OPERATION_NOT_ALLOWED),
    ("head: an object", "head", by_host(SSM), R.PLAIN_HTTP),
    ("allow: an object", "allow", by_host(SSM), R.ALLOWED_PRESET),
    ("allow: another bucket", "allow", by_host(replace(SSM, bucket="evil")), R.BUCKET_NOT_LISTED),
]


@pytest.mark.parametrize(("mode", "ask", "reason"), [one[1:] for one in PLAIN], ids=[one[0] for one in PLAIN])
def test_clear_text(mode: str, ask: Ask, reason: Reason) -> None:
    plain = replace(ask, scheme="http", connect=None, sni=None, authority=ask.host)
    assert judge(plain, policy(f"{EVERY}plain_http: {mode}\n")).reason is reason


def test_a_connect_is_refused_early_for_what_no_row_lists() -> None:
    early = policy(EVERY + "deny_at: connect\n")
    assert decide_connect(early, by_host(SSM).request()) is None
    evil = decide_connect(early, by_host(replace(SSM, bucket="amazon-ssm-evil")).request())
    assert evil is not None
    assert evil.reason is R.BUCKET_NOT_LISTED


def test_rows_survive_the_way_to_another_process() -> None:
    again = pickle.loads(pickle.dumps(OPEN))  # noqa: S301 - our own bytes, as the workers get them
    assert again == OPEN
    assert preset_rows(again) == preset_rows(OPEN) == tuple(ROWS)


def test_every_client_may_use_a_row() -> None:
    request = replace(by_host(SSM).request(), client=Client(str(ip_address("2001:db8::1"))), now=NOW)
    assert decide_request(OPEN, request).reason is R.ALLOWED_PRESET


def test_website_and_accelerate_are_among_the_classes_of_this_policy() -> None:
    assert {EndpointClass.WEBSITE, EndpointClass.ACCELERATE} <= OPEN.classes
