"""The environment is read as botocore reads it."""

from pathlib import Path

import pytest

from s3gate.doctor.way import (
    USUAL_REGION,
    NoWay,
    find_endpoint,
    find_region,
    find_trust,
    parse_proxy,
    proxy_text,
    suffix_of,
)

S3 = "https://s3.eu-west-1.amazonaws.com/"


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        pytest.param({}, None, id="nothing"),
        pytest.param({"HTTPS_PROXY": "http://gate:1"}, "http://gate:1", id="upper case"),
        pytest.param(
            {"HTTPS_PROXY": "http://a:1", "https_proxy": "http://b:1"}, "http://b:1", id="lower case wins"
        ),
        pytest.param({"HTTP_PROXY": "http://gate:1"}, None, id="only for http"),
        pytest.param({"ALL_PROXY": "http://gate:1"}, None, id="ALL_PROXY is not read"),
        pytest.param({"HTTPS_PROXY": "http://gate:1", "NO_PROXY": ".amazonaws.com"}, None, id="exempt"),
        pytest.param({"HTTPS_PROXY": "http://gate:1", "NO_PROXY": "*"}, None, id="all exempt"),
    ],
)
def test_which_proxy(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], told: str | None) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert proxy_text(S3) == told


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("http://gate:8080", "http://gate:8080", id="a URL"),
        pytest.param("gate:8080", "http://gate:8080", id="without a scheme"),
        pytest.param("//gate:8080", "http://gate:8080", id="with slashes alone"),
        pytest.param("http://gate", "http://gate:80", id="the usual port"),
        pytest.param("http://[fd00::1]:8080", "http://[fd00::1]:8080", id="IPv6"),
        pytest.param("http://us%40er:p%3Aw@gate:8080/", "http://gate:8080", id="user and password"),
    ],
)
def test_a_proxy_is_shown_without_its_password(text: str, shown: str) -> None:
    proxy = parse_proxy(text)
    assert proxy.shown == shown
    assert "dXNA" not in repr(proxy), "base64 of the user must not be in it"


def test_user_and_password_are_decoded() -> None:
    assert parse_proxy("http://us%40er:p%3Aw@gate:1").authorization == "Basic dXNAZXI6cDp3"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("https://secret@gate", "speaks TLS", id="TLS"),
        pytest.param("http://", "names no host", id="no host"),
        pytest.param("http://gate:99999", "is no URL", id="no port"),
        pytest.param("http://u:secret@[::1", "is no URL", id="broken IPv6"),
    ],
)
def test_no_proxy_and_its_text_is_not_repeated(text: str, why: str) -> None:
    with pytest.raises(NoWay, match=why) as caught:
        parse_proxy(text)
    assert "secret" not in str(caught.value)


def test_the_bundle_is_found_in_botocores_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert find_trust().source == "botocore's own roots"
    assert Path(find_trust().path).is_file()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/r.pem")
    assert (find_trust().path, find_trust().source) == ("/r.pem", "REQUESTS_CA_BUNDLE")
    (tmp_path / "aws-config").write_text("[default]\nca_bundle = /c.pem\n[profile p]\nca_bundle = /p.pem\n")
    assert find_trust().path == "/c.pem"
    assert "configuration" in find_trust().source
    monkeypatch.setenv("AWS_PROFILE", "p")
    assert find_trust().path == "/p.pem"
    monkeypatch.setenv("AWS_CA_BUNDLE", "/e.pem")
    assert (find_trust().path, find_trust().source) == ("/e.pem", "AWS_CA_BUNDLE")


def test_region_and_endpoint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert (find_region(), find_endpoint()) == (USUAL_REGION, None)
    (tmp_path / "aws-config").write_text(
        "[default]\nregion = eu-west-1\nservices = mine\n[services mine]\ns3 =\n  endpoint_url = http://e.example\n"
    )
    assert (find_region(), find_endpoint()) == ("eu-west-1", "http://e.example")


@pytest.mark.parametrize("ask", [find_trust, find_region, find_endpoint])
def test_a_profile_that_is_not_there(monkeypatch: pytest.MonkeyPatch, ask: object) -> None:
    monkeypatch.setenv("AWS_PROFILE", "gone")
    with pytest.raises(NoWay, match="gone"):
        ask()  # type: ignore[operator]  # each row is a function


@pytest.mark.parametrize(
    ("region", "suffix"),
    [("eu-west-1", "amazonaws.com"), ("cn-north-1", "amazonaws.com.cn"), ("x", "amazonaws.com")],
)
def test_suffix(region: str, suffix: str) -> None:
    assert suffix_of(region) == suffix
