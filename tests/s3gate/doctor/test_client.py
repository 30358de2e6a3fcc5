"""What a client's configuration says, each mistake with its own next step."""

from pathlib import Path

import pytest

from s3gate.doctor.client import EXEMPT, check_metadata, check_way, find_proxy, no_proxy_found
from s3gate.doctor.finding import Outcome

REGION = "eu-west-1"
GATE = "http://gate.example:8080"


def setenv(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_a_proxy_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    setenv(monkeypatch, HTTPS_PROXY="http://user:pass@gate.example:8080")
    proxy, found = find_proxy(REGION)
    assert (found.outcome, found.detail) == (Outcome.FINE, GATE)
    assert proxy is not None
    assert proxy.authorization is not None


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        pytest.param({}, "neither HTTPS_PROXY nor https_proxy", id="not set"),
        pytest.param(
            {"HTTP_PROXY": GATE, "ALL_PROXY": GATE}, "neither HTTPS_PROXY nor", id="the wrong variable"
        ),
        pytest.param({"HTTPS_PROXY": "https://gate:1"}, "speaks TLS", id="TLS"),
        pytest.param({"HTTPS_PROXY": GATE, "https_proxy": "http://other:1"}, "differ", id="two proxies"),
    ],
)
def test_a_proxy_that_is_not(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], why: str) -> None:
    setenv(monkeypatch, **variables)
    _, found = find_proxy(REGION)
    assert found.outcome is Outcome.WRONG
    assert why in found.detail
    assert found.then


@pytest.mark.parametrize(
    ("excepted", "outcome"),
    [
        pytest.param("169.254.169.254", Outcome.FINE, id="metadata only"),
        pytest.param("s3.eu-west-1.amazonaws.com", Outcome.WRONG, id="one region's S3"),
        pytest.param("amazonaws.com", Outcome.WRONG, id="all of AWS"),
        pytest.param("*", Outcome.WRONG, id="everything"),
        pytest.param("s3.us-west-2.amazonaws.com", Outcome.FINE, id="S3 of a region that is not asked about"),
        pytest.param("any-bucket.s3.amazonaws.com", Outcome.WRONG, id="a global bucket name"),
    ],
)
def test_s3_goes_through_it(monkeypatch: pytest.MonkeyPatch, excepted: str, outcome: Outcome) -> None:
    setenv(monkeypatch, HTTPS_PROXY=GATE, NO_PROXY=excepted)
    (found,) = check_way(REGION)
    assert found.outcome is outcome, found


@pytest.mark.parametrize(
    ("endpoint", "why"),
    [
        pytest.param("http://s3.eu-west-1.amazonaws.com", "go around the proxy", id="HTTP_PROXY is not set"),
        pytest.param("https://inside.example", "go around the proxy", id="exempt endpoint"),
    ],
)
def test_a_configured_endpoint_is_looked_at_too(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, why: str
) -> None:
    setenv(monkeypatch, HTTPS_PROXY=GATE, NO_PROXY="inside.example", AWS_ENDPOINT_URL_S3=endpoint)
    (found,) = check_way(REGION)
    assert (found.outcome, why in found.detail) == (Outcome.WRONG, True), found


def test_clear_text_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    setenv(
        monkeypatch, HTTPS_PROXY=GATE, HTTP_PROXY=GATE, AWS_ENDPOINT_URL="http://u:secret@s3.amazonaws.com"
    )
    (found,) = check_way(REGION)
    assert "in clear text" in found.detail
    assert "secret" not in found.detail


def test_a_broken_profile_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    setenv(monkeypatch, HTTPS_PROXY=GATE, AWS_PROFILE="gone")
    (found,) = check_way(REGION)
    assert (found.outcome, "gone" in found.detail) == (Outcome.WRONG, True)


@pytest.mark.parametrize(
    ("excepted", "outcome", "why"),
    [
        pytest.param(EXEMPT, Outcome.FINE, "both", id="as the next step says"),
        pytest.param("*", Outcome.FINE, "both", id="everything"),
        pytest.param("", Outcome.WRONG, "169.254.169.254 and [fd00:ec2::254]", id="nothing"),
        pytest.param("169.254.169.254", Outcome.WRONG, "have [fd00:ec2::254]", id="IPv4 alone"),
        pytest.param("169.254.169.254,fd00:ec2::254", Outcome.WRONG, "without brackets", id="no brackets"),
        pytest.param("169.254.0.0/16,[fd00:ec2::254]", Outcome.WRONG, "have 169.254.169.254", id="a network"),
    ],
)
def test_metadata(monkeypatch: pytest.MonkeyPatch, excepted: str, outcome: Outcome, why: str) -> None:
    setenv(monkeypatch, NO_PROXY=excepted)
    (found,) = check_metadata()
    assert (found.outcome, why in found.detail) == (outcome, True), found


def test_without_a_proxy_there_is_nothing_to_try() -> None:
    (found,) = no_proxy_found("x")
    assert (found.name, found.outcome) == ("x", Outcome.UNKNOWN)
