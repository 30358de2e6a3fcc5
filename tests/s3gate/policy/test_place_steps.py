"""Steps 9 and 10 by the name alone: which endpoints are open, and what may stand in a bucket's place."""

import pytest

from generate.asks import REGION, Ask, policy
from s3gate.policy.case import Case
from s3gate.policy.decision import Reason
from s3gate.policy.place_steps import foreign, step_endpoint, step_place, unlisted, unlisted_service
from s3gate.policy.walk import Denied
from s3gate.s3.endpoint import AwsName, Endpoint, classify_host
from s3gate.s3.host import HostName

R = Reason

PLACES: list[tuple[str, str, Reason | None]] = [
    ("a bucket", f"good-bucket.s3.{REGION}.amazonaws.com", None),
    ("the service root", f"s3.{REGION}.amazonaws.com", R.NO_BUCKET),
    ("a closed class", f"good-bucket.s3-fips.{REGION}.amazonaws.com", R.ENDPOINT_NOT_ALLOWED),
    ("a closed partition", "good-bucket.s3.cn-north-1.amazonaws.com.cn", R.ENDPOINT_NOT_ALLOWED),
    ("a closed region", "good-bucket.s3.eu-west-1.amazonaws.com", R.REGION_NOT_ALLOWED),
    ("an alias", f"ap-abcdefghijklmnop-s3alias.s3.{REGION}.amazonaws.com", R.ENDPOINT_NOT_ALLOWED),
]


@pytest.mark.parametrize(("name", "host", "reason"), PLACES, ids=[row[0] for row in PLACES])
def test_each_place_is_open_or_refused(name: str, host: str, reason: Reason | None) -> None:
    case = Case(policy(), Ask(host, target="/").request())
    endpoint = classify_host(HostName(host))
    assert isinstance(endpoint, Endpoint)
    case.read_connect(f"{host}:443")
    case.read_head()
    refused: Reason | None = None
    try:
        step_endpoint(case, endpoint)
        step_place(case, case.read_target(endpoint))
    except Denied as denied:
        refused = denied.refusal.reason
    assert refused is reason


def test_refusals_name_what_was_asked() -> None:
    case = Case(policy(), Ask(f"evil.s3.{REGION}.amazonaws.com").request())
    case.read_connect(f"evil.s3.{REGION}.amazonaws.com:443")
    case.read_head()
    assert isinstance(case.named, Endpoint)
    assert '"evil"' in unlisted(case, case.read_target(case.named)).detail
    assert foreign("example.com").final
    look_alike = classify_host(HostName("b.s3.cn-north-1.amazonaws.com"))
    assert isinstance(look_alike, AwsName)
    assert unlisted_service(look_alike).final
