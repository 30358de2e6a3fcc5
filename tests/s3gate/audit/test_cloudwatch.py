"""The sink returns when the service has everything, and lets go when told to."""

import json
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError

from faults.fake_logs import FakeLogs, Fault
from s3gate.audit.appender import Position
from s3gate.audit.backoff import Backoff
from s3gate.audit.cloudwatch import CloudWatchSink, open_logs_client
from s3gate.audit.dead_letter import DeadLetters
from s3gate.audit.window import Event


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE00")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "invented")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")


@pytest.fixture
def fake() -> Iterator[FakeLogs]:
    with FakeLogs() as service:
        yield service


def make(fake: FakeLogs, directory: Path) -> CloudWatchSink:
    client = open_logs_client("us-east-1", fake.url)
    return CloudWatchSink(client, fake.group, "w1", DeadLetters(directory), backoff=Backoff(0.01, 0.02))


def events(count: int) -> list[Event]:
    now = time.time_ns() // 1_000_000
    return [
        Event(Position(n, 1, n), now - count + n, json.dumps({"n": n, "text": "{braces} %s"}))
        for n in range(count)
    ]


def test_messages_and_times_arrive_unchanged(fake: FakeLogs, tmp_path: Path) -> None:
    sink, sent = make(fake, tmp_path), events(500)
    assert sink.send(sent, lambda: False)
    assert sink.send(sent[:1], lambda: False)
    sink.close()
    [stream] = fake.streams.values()
    assert [(event["timestamp"], event["message"]) for event in stream[:500]] == [
        (event.time_ms, event.text) for event in sent
    ]
    assert fake.calls["PutLogEvents"] == 3
    assert sink.health().dead_letters == 0


def test_a_large_window_is_never_cut(fake: FakeLogs, tmp_path: Path) -> None:
    sink = make(fake, tmp_path)
    sent = [Event(Position(n, 1, n), time.time_ns() // 1_000_000, "x" * 300_000) for n in range(3)]
    assert sink.send(sent, lambda: False)
    sink.close()
    assert [len(message) for message in fake.messages()] == [300_000] * 3


def test_it_gives_up_when_told(fake: FakeLogs, tmp_path: Path) -> None:
    fake.faults += [Fault.BLACK_HOLE]
    sink = make(fake, tmp_path)
    began = time.monotonic()
    assert not sink.send(events(3), lambda: time.monotonic() > began + 0.2)
    sink.close()
    assert time.monotonic() - began < 2


def test_a_sender_that_lets_go_of_a_batch_is_fed_again(fake: FakeLogs, tmp_path: Path) -> None:
    """watchtower drops a batch after five failures that are not ours to catch; the sink notices and feeds it again."""
    sink = make(fake, tmp_path)
    acking, real = sink._acking, sink._acking._client
    failing = 5

    class Failing:
        def put_log_events(self, **arguments: object) -> object:
            nonlocal failing
            failing -= 1
            if failing >= 0:
                raise LookupError("a fault of the client itself")
            return getattr(real, "put_log_events")(**arguments)  # noqa: B009 - boto3's is made at run time

    acking._client = Failing()  # type: ignore[assignment]  # stands in for a broken boto3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert sink.send(events(3), lambda: False)
    sink.close()
    assert len(fake.messages()) == 3
    assert sink.health().retries >= 1
    assert sink.health().last_error is None


def test_open_makes_a_client_of_its_own(fake: FakeLogs, tmp_path: Path) -> None:
    sink = CloudWatchSink.open(
        tmp_path, region="eu-west-1", group="/new", stream="w1", endpoint_url=fake.url, create_group=True
    )
    assert sink.send(events(2), lambda: False)
    sink.close()
    assert list(fake.streams) == [("/new", "w1")]


def test_the_client_tries_once_and_gives_up_soon() -> None:
    client = open_logs_client("us-east-1")
    config = getattr(client, "meta").config  # noqa: B009 - boto3's is made at run time
    assert (config.connect_timeout, config.read_timeout) == (2.0, 5.0)
    assert config.retries["total_max_attempts"] == 1


def test_no_region_is_an_error() -> None:
    with pytest.raises(BotoCoreError, match="region"):
        open_logs_client(None)
