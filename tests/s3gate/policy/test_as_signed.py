"""A request as if signed reads as signed, by that key, for that host."""

from datetime import UTC, datetime

import pytest

from s3gate.policy.as_signed import NO_SIGNATURE, sign_as
from s3gate.policy.described_request import build_request

NOW = datetime(2026, 7, 1, 1, 2, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("host", "scope"),
    [
        ("bkt.s3.ap-northeast-1.amazonaws.com", "ap-northeast-1/s3"),
        ("bkt.s3.amazonaws.com", "us-east-1/s3"),
        ("bkt.s3-accelerate.amazonaws.com", "us-east-1/s3"),
        ("logs.eu-west-1.amazonaws.com", "eu-west-1/logs"),
        ("example.com", "us-east-1/s3"),
        ("no host", "us-east-1/s3"),
    ],
)
def test_the_scope_is_that_of_the_host(host: str, scope: str) -> None:
    request = build_request({"method": "GET", "url": f"https://{host}/k"}, NOW)
    value = dict(sign_as(request, "AKIA").headers)["Authorization"]
    assert f"Credential=AKIA/20260701/{scope}/aws4_request," in value
    assert value.endswith(NO_SIGNATURE)


def test_every_header_is_covered_that_aws_wants_covered() -> None:
    headers = {"Host": "h", "X-Amz-Copy-Source": "a/b", "Content-Type": "t", "User-Agent": "u"}
    request = build_request({"method": "PUT", "url": "https://h/k", "headers": headers}, NOW)
    signed = dict(sign_as(request, "AKIA").headers)
    assert (
        "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-copy-source;x-amz-date,"
        in signed["Authorization"]
    )
    assert signed["x-amz-date"] == "20260701T010203Z"
