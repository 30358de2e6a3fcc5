"""Every remote source against MiniStack: first whole, then unchanged, then the new one, with its version."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drive.sources import BUCKET, Aws, Put, run_aws
from s3gate.aws import fetch
from s3gate.aws.fetch import Client, Fetcher, find_cases, open_clients
from s3gate.policy.source import Remote, Scheme, SourceUnreachable


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with run_aws(tmp_path_factory.mktemp("aws")) as running:
        yield running


@pytest.fixture
def clients(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Client]:
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # the gate itself, say: it is not asked
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    return lambda: open_clients(None)


SOURCES: dict[str, Callable[[Aws], tuple[Remote, Put]]] = {
    "s3": lambda aws: aws.s3(),
    "ssm": lambda aws: aws.ssm(),
    "secretsmanager": lambda aws: aws.secret(),
    "appconfig": lambda aws: aws.appconfig(),
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_change_is_seen_once(
    aws: Aws, clients: Callable[[], Client], source: Callable[[Aws], tuple[Remote, Put]]
) -> None:
    place, put = source(aws)
    put(b"one")
    fetcher = Fetcher(place, clients)
    first = fetcher.look()
    assert first is not None
    assert first.data == b"one"
    assert first.version
    assert fetcher.look() is None
    assert fetcher.look() is None
    put(b"two")
    second = fetcher.look()
    assert second is not None
    assert second.data == b"two"
    assert second.version != first.version
    assert fetcher.look() is None


def test_one_that_was_deleted_and_made_anew_is_another(aws: Aws, clients: Callable[[], Client]) -> None:
    """Its version is 1 again: a stack that replaces the parameter must not leave the old policy in force."""
    place, put = aws.ssm("/replaced")
    put(b"one")
    fetcher = Fetcher(place, clients)
    first = fetcher.look()
    aws.client("ssm").delete_parameter(Name="/replaced")
    put(b"two")
    second = fetcher.look()
    assert first is not None
    assert second is not None
    assert (second.data, second.version) == (b"two", first.version)


def test_what_is_not_there_is_told_and_found_when_it_comes(aws: Aws, clients: Callable[[], Client]) -> None:
    place, put = aws.ssm("/later")
    fetcher = Fetcher(place, clients)
    with pytest.raises(
        SourceUnreachable, match="ssm:///later cannot be read: GetParameter answers ParameterNotFound"
    ):
        fetcher.look()
    put(b"here")
    found = fetcher.look()
    assert found is not None
    assert found.data == b"here"


def test_cases_beside_it_are_read_and_seen_to_change(aws: Aws, clients: Callable[[], Client]) -> None:
    place, put = aws.ssm("/with/policy.yaml")
    cases, put_cases = aws.ssm("/with/policy_cases.yaml")
    assert find_cases(place) == cases
    put(b"policy")
    fetcher = Fetcher(place, clients, cases)
    first = fetcher.look()
    assert first is not None
    assert first.cases is None
    put_cases(b"cases")
    second = fetcher.look()
    assert second is not None
    assert (second.data, second.cases) == (b"policy", b"cases")
    assert fetcher.look() is None


@pytest.mark.parametrize(
    ("place", "cases"),
    [
        (Remote(Scheme.S3, (BUCKET, "a/policy.yaml")), Remote(Scheme.S3, (BUCKET, "a/policy_cases.yaml"))),
        (Remote(Scheme.SSM, ("/s3gate/policy",)), Remote(Scheme.SSM, ("/s3gate/policy_cases",))),
        (Remote(Scheme.APPCONFIG, ("a", "b", "c")), None),
    ],
    ids=str,
)
def test_where_the_cases_are(place: Remote, cases: Remote | None) -> None:
    assert find_cases(place) == cases


def test_what_is_too_large_is_no_policy(
    aws: Aws, clients: Callable[[], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    place, put = aws.s3("gate/huge.yaml")
    put(b"x" * 1001)
    monkeypatch.setattr(fetch, "MAX_BYTES", 1000)
    with pytest.raises(SourceUnreachable, match="has more than 1000 bytes"):
        Fetcher(place, clients).look()


def test_a_dead_endpoint_is_one_sentence(
    clients: Callable[[], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(SourceUnreachable, match="EndpointConnectionError"):
        Fetcher(Remote(Scheme.SSM, ("/p",)), clients).look()


def test_without_credentials_it_is_told_and_with_them_it_goes_on(
    aws: Aws, clients: Callable[[], Client], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place, put = aws.ssm("/credentials")
    put(b"policy")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    fetcher = Fetcher(place, clients)
    with pytest.raises(SourceUnreachable, match="Credentials"):
        fetcher.look()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    assert fetcher.look() is not None
