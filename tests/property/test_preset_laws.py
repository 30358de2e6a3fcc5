"""Laws of presets, attacked with generated requests around their buckets."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from generate.asks import FOREIGN, OWN, Ask
from s3gate.policy.decide import decide_request
from s3gate.policy.decision import Reason
from s3gate.policy.document import parse_policy
from s3gate.policy.model import Policy
from s3gate.policy.preset import PRESETS, PresetRow, Signing
from s3gate.s3.partitions import PARTITIONS

REGIONS = sorted(PARTITIONS["aws"].regions)
HEAD = (
    f"version: 1\nendpoints: {{partitions: [aws], regions: [{', '.join(REGIONS)}], "
    "classes: [standard, dualstack, fips, accelerate, website, access-point], path_style: allow}\n"
    "plain_http: allow\n"
)
PRESET_LINE = f"presets: [{', '.join(PRESETS)}]\n"
ROWS = [row for rows in PRESETS.values() for row in rows]
BY_BUCKET = {row.bucket: row for row in ROWS}
RULES = (
    "rules:\n"
    "  - {id: listing, bucket: amazon-ssm-us-east-1, allow: [list]}\n"
    '  - {id: ours, bucket: aws-ssm-eu-west-1, allow: [read], accounts: ["609629065308"]}\n'
    "  - {id: reading, bucket: al2023-repos-us-east-1-de612dc2, allow: [read, write]}\n"
    "  - {id: host, fqdn: prod-us-east-1-starport-layer-bucket.s3.us-east-1.amazonaws.com, allow: [read]}\n"
)


def policy(text: str) -> Policy:
    return parse_policy((HEAD + text).encode())


BARE = policy("")
WITH_PRESETS = policy(PRESET_LINE)
WITH_RULES = policy(RULES)
WITH_BOTH = policy(PRESET_LINE + RULES)

RULED = [BY_BUCKET[one] for one in ("amazon-ssm-us-east-1", "aws-ssm-eu-west-1", "al2023-repos-us-east-1-de612dc2", "prod-us-east-1-starport-layer-bucket")]  # fmt: skip
HOSTS = (
    "{b}.s3.{r}.amazonaws.com",
    "s3.{r}.amazonaws.com",
    "{b}.s3.dualstack.{r}.amazonaws.com",
    "{b}.s3-fips.{r}.amazonaws.com",
    "{b}.s3-{r}.amazonaws.com",
    "{b}.s3.amazonaws.com",
    "s3.amazonaws.com",
    "{b}.s3-accelerate.amazonaws.com",
    "{b}.s3-website-{r}.amazonaws.com",
    "{b}.s3-website.{r}.amazonaws.com",
    "{b}-111122223333.s3-accesspoint.{r}.amazonaws.com",
)
QUERIES = st.sampled_from(
    [
        "",
        "?acl",
        "?list-type=2",
        "?uploads",
        "?delete",
        "?versionId=1",
        "?x-id=GetObject",
        "?policy",
        "?tagging",
    ]
)


@st.composite
def asks(draw: st.DrawFn) -> Ask:
    row: PresetRow = draw(st.one_of(st.sampled_from(RULED), st.sampled_from(ROWS)))
    region = draw(st.one_of(st.just(row.region), st.sampled_from(REGIONS)))
    bucket = draw(
        st.one_of(
            st.just(row.bucket),
            st.just(row.bucket.replace(row.region, region)),
            st.sampled_from([f"{row.bucket}-x", row.bucket[:-1], row.bucket.upper(), f"{row.bucket}.x"]),
        )
    )
    host = draw(st.sampled_from(HOSTS)).format(b=bucket, r=region)
    path = "/k" if host.startswith(bucket) else f"/{bucket}/k"
    target = draw(st.sampled_from([path, path[:-1], path + "/../k", "//" + path])) + draw(QUERIES)
    ask = Ask(
        host,
        target,
        draw(st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"])),
        draw(
            st.sampled_from(
                [(), (("x-amz-copy-source", f"{row.bucket}/k"),), (("x-amz-acl", "public-read"),)]
            )
        ),
        draw(st.sampled_from([None, OWN, FOREIGN])),
        region,
    )
    if draw(st.booleans()):
        return ask
    return replace(ask, scheme="http", connect=None, sni=None, authority=host)


@given(asks())
def test_what_a_preset_allows_is_one_of_its_rows_in_its_region_for_its_operations(ask: Ask) -> None:
    decision = decide_request(WITH_PRESETS, ask.request())
    assert decision.reason is not Reason.INTERNAL_ERROR
    if decision.allowed:
        row = BY_BUCKET[str(decision.reading.bucket)]
        assert decision.reason is Reason.ALLOWED_PRESET
        assert decision.rule == f"preset:{row.preset}"
        assert decision.reading.region == row.region
        assert decision.reading.operation in row.operations
        assert decision.reading.copy_source is None
        assert ask.method in {"GET", "HEAD"}
        assert decision.reading.endpoint_class not in {"accelerate", "website", "access-point"}
        assert ask.key is not None or row.signing is Signing.ANONYMOUS


@given(asks())
def test_presets_add_and_take_nothing_away(ask: Ask) -> None:
    request = ask.request()
    assert not decide_request(BARE, request).allowed
    apart = [decide_request(one, request) for one in (WITH_PRESETS, WITH_RULES)]
    both = decide_request(WITH_BOTH, request)
    assert both.allowed == any(one.allowed for one in apart)
    if apart[1].allowed:
        assert (both.reason, both.rule) == (apart[1].reason, apart[1].rule)


@given(asks())
def test_no_anonymous_request_passes_but_by_an_exempt_row(ask: Ask) -> None:
    decision = decide_request(WITH_BOTH, replace(ask, key=None).request())
    if decision.allowed:
        assert decision.reason is Reason.ALLOWED_PRESET
        assert BY_BUCKET[str(decision.reading.bucket)].signing is Signing.ANONYMOUS
