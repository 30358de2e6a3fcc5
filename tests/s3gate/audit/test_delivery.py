"""`put_log_events` comes back when everything was taken, or when it is told to give up."""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from s3gate.audit.backoff import Backoff
from s3gate.audit.dead_letter import DeadLetters
from s3gate.audit.delivery import AckingLogsClient, DeliveryState, LogEvent, error_code, rejected_indexes

NOW_MS = 1_780_000_000_000
META = {"RequestId": "r", "HTTPHeaders": {}}
type Answer = Mapping[str, object] | Exception | Callable[[Sequence[LogEvent]], Mapping[str, object]]


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "not repeated"}}, "PutLogEvents")


class ScriptedLogs:
    """A logs client that answers as written, then well; the smallest fake of boto3's."""

    def __init__(self, *answers: Answer, creation: Sequence[Exception | None] = ()) -> None:
        self.answers, self.creation = list(answers), list(creation)
        self.sent: list[list[LogEvent]] = []
        self.taken: list[LogEvent] = []
        self.created: list[str] = []
        self.poison = ""

    def put_log_events(
        self,
        *,
        logGroupName: str,  # noqa: N803 - boto3's
        logStreamName: str,  # noqa: N803 - boto3's
        logEvents: Sequence[LogEvent],  # noqa: N803 - boto3's
    ) -> Mapping[str, object]:
        assert (logGroupName, logStreamName) == ("group", "stream")
        self.sent.append(list(logEvents))
        answer: Answer = self.answers.pop(0) if self.answers else {}
        if isinstance(answer, Exception):
            raise answer
        if self.poison and any(self.poison in event["message"] for event in logEvents):
            raise error("InvalidParameterException")
        found = answer(logEvents) if callable(answer) else answer
        gone = set(rejected_indexes(found, len(logEvents)))
        self.taken += [event for index, event in enumerate(logEvents) if index not in gone]
        return {"ResponseMetadata": META} | dict(found)

    def create_log_stream(self, *, logGroupName: str, logStreamName: str) -> object:  # noqa: N803 - boto3's
        return self._create(f"{logGroupName}:{logStreamName}")

    def create_log_group(self, *, logGroupName: str) -> object:  # noqa: N803 - boto3's
        return self._create(logGroupName)

    def _create(self, name: str) -> object:
        self.created.append(name)
        failure = self.creation.pop(0) if self.creation else None
        if failure is not None:
            raise failure
        return {}


def events(count: int) -> list[LogEvent]:
    return [LogEvent(timestamp=NOW_MS, message=f"<{number}>") for number in range(count)]


def deliver(
    client: ScriptedLogs, directory: Path, batch: list[LogEvent], *, create_group: bool = False
) -> tuple[AckingLogsClient, DeliveryState]:
    state = DeliveryState()
    acking = AckingLogsClient(
        client, DeadLetters(directory), threading.Event(), state,
        create_group=create_group, backoff=Backoff(0.001, 0.002), now_ms=lambda: NOW_MS,
    )  # fmt: skip
    assert acking.put_log_events(logGroupName="group", logStreamName="stream", logEvents=batch) == {}
    return acking, state


@pytest.mark.parametrize(
    ("answers", "calls"),
    [
        pytest.param([], 1, id="well"),
        pytest.param([error("ThrottlingException")] * 3, 4, id="throttled"),
        pytest.param([error("ServiceUnavailableException"), error("InternalFailure")], 3, id="5xx"),
        pytest.param([EndpointConnectionError(endpoint_url="x"), ConnectionResetError()], 3, id="network"),
        pytest.param(
            [NoCredentialsError(), error("ExpiredTokenException"), error("AccessDeniedException")],
            4,
            id="rights",
        ),
        pytest.param([{"ResponseMetadata": {}}], 2, id="an answer without a request id"),
        pytest.param([error("SomethingNew")], 2, id="an unknown code"),
    ],
)
def test_what_passes_is_tried_again(tmp_path: Path, answers: list[Answer], calls: int) -> None:
    client = ScriptedLogs(*answers)
    acking, state = deliver(client, tmp_path, events(3))
    assert len(client.sent) == calls
    assert acking.settled == 3
    assert state.retries == calls - 1
    assert client.taken[-3:] == events(3)


def test_already_accepted_is_accepted(tmp_path: Path) -> None:
    acking, _ = deliver(ScriptedLogs(error("DataAlreadyAcceptedException")), tmp_path, events(3))
    assert acking.settled == 3


@pytest.mark.parametrize("number", [0, 1, 499, 998, 999])
def test_poison_is_found_by_halving(tmp_path: Path, number: int) -> None:
    client = ScriptedLogs()
    client.poison = f"<{number}>"
    acking, state = deliver(client, tmp_path, events(1000))
    assert (acking.settled, state.dead_letters) == (1000, 1)
    assert len(client.sent) <= 2 * 10 + 2
    assert [event["message"] for event in client.taken if "dead_letter" not in event["message"]] == [
        f"<{other}>" for other in range(1000) if other != number
    ]
    assert sum("dead_letter" in event["message"] for event in client.taken) == 1


def test_where_a_stub_is_refused_too_nothing_is_buried(tmp_path: Path) -> None:
    """A group of another class, a body that is too long for whatever is between: it is not the event."""
    refusal = error("InvalidParameterException")
    client = ScriptedLogs(*[refusal] * 6)
    acking, state = deliver(client, tmp_path, events(4))
    assert [len(sent) for sent in client.sent] == [4, 2, 1, 1, 1, 1, 1, 1, 2]
    assert (acking.settled, state.dead_letters, state.retries) == (4, 0, 2)
    assert client.taken == events(4)
    assert not (tmp_path / "dead-letter.jsonl").exists()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"rejectedLogEventsInfo": {"tooOldLogEventEndIndex": 1}}, id="too old"),
        pytest.param({"ResponseMetadata": {}}, id="no answer of CloudWatch"),
        pytest.param(error("ThrottlingException"), id="throttled"),
        pytest.param(error("ResourceNotFoundException"), id="no stream"),
    ],
)
def test_a_stub_is_delivered_like_any_event(tmp_path: Path, answer: Answer) -> None:
    client = ScriptedLogs(error("InvalidParameterException"), answer)
    acking, state = deliver(client, tmp_path, events(1))
    assert (acking.settled, state.dead_letters) == (1, 1)
    assert "dead_letter" in client.taken[-1]["message"]
    assert client.taken[-1]["timestamp"] == NOW_MS
    assert len((tmp_path / "dead-letter.jsonl").read_text().splitlines()) == 1


def test_a_dead_letter_that_cannot_be_kept_is_not_settled(tmp_path: Path) -> None:
    (tmp_path / "dead-letter.jsonl").mkdir()

    def mended(_: Sequence[LogEvent]) -> Mapping[str, object]:
        (tmp_path / "dead-letter.jsonl").rmdir()
        return {}

    client = ScriptedLogs(error("InvalidParameterException"), {}, mended)
    acking, state = deliver(client, tmp_path, events(1))
    assert (acking.settled, state.dead_letters) == (1, 1)
    assert len(client.sent) == 3
    assert (tmp_path / "dead-letter.jsonl").is_file()


@pytest.mark.parametrize(
    ("creation", "create_group", "created"),
    [
        pytest.param([], False, ["group:stream"], id="a stream"),
        pytest.param([error("ResourceAlreadyExistsException")], False, ["group:stream"], id="by another"),
        pytest.param([ConnectionResetError()], False, ["group:stream"], id="reset"),
        pytest.param([error("ResourceNotFoundException")], True, ["group:stream", "group"], id="the group too"),
        pytest.param(
            [error("ResourceNotFoundException"), error("ResourceAlreadyExistsException")], True,
            ["group:stream", "group"], id="the group by another",
        ),
        pytest.param([error("ResourceNotFoundException")], False, ["group:stream"], id="a group it may not create"),
    ],
)  # fmt: skip
def test_what_is_missing_is_created(
    tmp_path: Path, creation: list[Exception | None], *, create_group: bool, created: list[str]
) -> None:
    client = ScriptedLogs(error("ResourceNotFoundException"), creation=creation)
    acking, _ = deliver(client, tmp_path, events(2), create_group=create_group)
    assert client.created == created
    assert acking.settled == 2


def test_what_is_too_old_or_too_new_is_sent_again_stamped_now(tmp_path: Path) -> None:
    first = {"rejectedLogEventsInfo": {"tooOldLogEventEndIndex": 1, "tooNewLogEventStartIndex": 4}}
    client = ScriptedLogs(first)
    batch = [LogEvent(timestamp=number, message=f"<{number}>") for number in range(5)]
    acking, state = deliver(client, tmp_path, batch)
    assert [[event["message"] for event in sent] for sent in client.sent[1:]] == [["<0>", "<4>"]]
    assert {event["timestamp"] for event in client.sent[1]} == {NOW_MS}
    assert (acking.settled, state.restamped) == (5, 2)


def test_a_wrong_clock_of_ours_is_replaced_by_cloudwatchs(tmp_path: Path) -> None:
    headers = {"date": "Sun, 22 Nov 2026 08:30:00 GMT"}
    rejected = {
        "rejectedLogEventsInfo": {"expiredLogEventEndIndex": 1},
        "ResponseMetadata": {"RequestId": "r", "HTTPHeaders": headers},
    }
    client = ScriptedLogs(rejected)
    deliver(client, tmp_path, events(1))
    assert client.sent[1][0]["timestamp"] == 1_795_336_200_000


def test_what_is_refused_even_now_waits(tmp_path: Path) -> None:
    rejected = {"rejectedLogEventsInfo": {"tooNewLogEventStartIndex": 0}}
    acking, state = deliver(ScriptedLogs(rejected, rejected), tmp_path, events(1))
    assert acking.settled == 1
    assert (state.retries, state.last_error) == (2, None)


def test_giving_up_settles_nothing(tmp_path: Path) -> None:
    abandon = threading.Event()

    def give_up(_: Sequence[LogEvent]) -> Mapping[str, object]:
        abandon.set()
        raise error("ThrottlingException")

    client = ScriptedLogs(give_up)
    acking = AckingLogsClient(
        client, DeadLetters(tmp_path), abandon, DeliveryState(), backoff=Backoff(60, 60)
    )
    acking.put_log_events(
        logGroupName="group", logStreamName="stream", logEvents=events(2), sequenceToken="x"
    )
    assert acking.settled == 0
    assert len(client.sent) == 1


def test_everything_else_is_the_real_clients(tmp_path: Path) -> None:
    client = ScriptedLogs()
    acking = AckingLogsClient(client, DeadLetters(tmp_path), threading.Event(), DeliveryState())
    assert acking.created is client.created


def test_an_error_is_its_code_and_nothing_that_was_sent() -> None:
    assert error_code(error("AccessDeniedException")) == "AccessDeniedException"
    assert error_code(NoCredentialsError()) == "NoCredentialsError"
    assert error_code(ClientError({}, "PutLogEvents")) == "Unknown"
