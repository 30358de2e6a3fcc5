"""A boto3 logs client whose `put_log_events` returns only when CloudWatch has accepted everything.

Normal case: one call, accepted. A missing stream is created. What fails in a
passing way is tried again, with back-off. A batch that is refused as invalid is
halved until the one event that CloudWatch will never take stands alone; a stub takes its
place, and it goes to the dead letters. Where the stub is refused too it is not the event:
nothing would be taken there, and all of it waits. Events refused for their age
are sent again stamped now: the true time stays in the record itself.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Protocol, TypedDict

from botocore.exceptions import BotoCoreError, ClientError

from s3gate.audit.backoff import Backoff
from s3gate.audit.dead_letter import DeadLetters, render_stub

# A batch, or an event in it, is refused for what it is. Everything else passes, or somebody repairs it.
INVALID: Final = frozenset(
    {
        "InvalidParameterException",
        "ValidationException",
        "SerializationException",
        "ParamValidationError",
        "RequestEntityTooLarge",
        "413",
    }
)
MISSING: Final = "ResourceNotFoundException"
EXISTS: Final = "ResourceAlreadyExistsException"
ALREADY_TAKEN: Final = (
    "DataAlreadyAcceptedException"  # no longer sent (API reference), an acceptance when it was
)


class LogEvent(TypedDict):
    """One event as PutLogEvents takes it: milliseconds since 1970, and the message."""

    timestamp: int
    message: str


class LogsClient(Protocol):
    """What is used of boto3's client for CloudWatch Logs; the names of the arguments are boto3's."""

    def put_log_events(
        self,
        *,
        logGroupName: str,  # noqa: N803 - boto3's
        logStreamName: str,  # noqa: N803 - boto3's
        logEvents: Sequence[LogEvent],  # noqa: N803 - boto3's
    ) -> Mapping[str, object]:
        """Upload a batch."""

    def create_log_stream(self, *, logGroupName: str, logStreamName: str) -> object:  # noqa: N803 - boto3's
        """Make a stream."""

    def create_log_group(self, *, logGroupName: str) -> object:  # noqa: N803 - boto3's
        """Make a group."""


class DeliveryState:
    """What delivery has seen, shared by the clients of one sink; written by one thread at a time."""

    def __init__(self) -> None:
        self.retries = 0
        self.dead_letters = 0
        self.restamped = 0
        self.behind_ms = 0  # how far our clock is behind CloudWatch's, by its last answer
        self.last_error: str | None = None


class AckingLogsClient:
    """Stands where a boto3 logs client is expected, and does not come back without an acceptance.

    Args:
        client: the real one; it must not retry by itself.
        dead_letters: where events go that are never taken.
        abandon: set it and `put_log_events` returns soon, without having acknowledged.
        state: counters.
        create_group: whether a missing group may be created.
        backoff: the first state of every row of failures.
        now_ms: the wall clock, milliseconds since 1970.
    """

    def __init__(
        self,
        client: LogsClient,
        dead_letters: DeadLetters,
        abandon: threading.Event,
        state: DeliveryState,
        *,
        create_group: bool = False,
        backoff: Backoff | None = None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._client, self._dead_letters, self._abandon, self._state = client, dead_letters, abandon, state
        self._create_group, self._now_ms = create_group, now_ms
        self._calm = self._backoff = backoff if backoff is not None else Backoff()
        self._stubs: dict[str, tuple[LogEvent, str]] = {}  # by their text: what each stands for, and why
        self.settled = 0
        self.progress = threading.Event()

    def __getattr__(self, name: str) -> object:
        """Everything else is the real client's."""
        return getattr(self._client, name)

    def put_log_events(
        self,
        *,
        logGroupName: str,  # noqa: N803 - boto3's
        logStreamName: str,  # noqa: N803 - boto3's
        logEvents: Sequence[LogEvent],  # noqa: N803 - boto3's
        sequenceToken: str | None = None,  # noqa: N803, ARG002 - boto3's; CloudWatch ignores it since 2023
    ) -> dict[str, object]:
        """Deliver a batch, however long it takes.

        Returns:
            An empty answer; `settled` says how many events were accepted or dead-lettered so far.
        """
        waiting = [list(logEvents)]
        while waiting and not self._abandon.is_set():
            batch = waiting.pop()
            waiting += reversed(self._attempt(logGroupName, logStreamName, batch))
        return {}

    def _attempt(self, group: str, stream: str, batch: list[LogEvent]) -> list[list[LogEvent]]:
        """One call; what of the batch is still to be sent, in order."""
        try:
            answer = self._client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=batch)
        except (ClientError, BotoCoreError, OSError) as exc:
            code = error_code(exc)
        else:
            if _request_id(answer):
                return self._accepted(batch, answer)
            code = "UnconfirmedAnswer"  # a 200 of something that is not CloudWatch
        if code == ALREADY_TAKEN:
            self._settle(len(batch))
            return []
        if code in INVALID:
            if len(batch) > 1:
                middle = len(batch) // 2
                return [batch[:middle], batch[middle:]]
            return self._bury(batch[0], code)
        if code == MISSING:
            code = (
                self._create(group, stream) or code
            )  # also when it was made: it may take a moment to be seen
        self._pause(code)
        return [batch]

    def _accepted(self, batch: list[LogEvent], answer: Mapping[str, object]) -> list[list[LogEvent]]:
        """Count what was taken; what was refused for its age comes back stamped now."""
        self._backoff = self._calm
        server_ms = _server_time_ms(answer)
        self._state.behind_ms = server_ms - self._now_ms() if server_ms is not None else 0
        refused = rejected_indexes(answer, len(batch))
        if not refused and not self._keep_buried(batch):
            return [batch]
        self._settle(len(batch) - len(refused))
        if not refused:
            self._state.last_error = None
            return []
        now = server_ms or self._now_ms()
        self._state.restamped += len(refused)
        if len(refused) == len(batch) and all(abs(event["timestamp"] - now) < 1000 for event in batch):
            self._pause("RejectedNow")  # stamped now and refused all the same: do not spin
        return [[LogEvent(timestamp=now, message=batch[index]["message"]) for index in refused]]

    def _bury(self, event: LogEvent, code: str) -> list[list[LogEvent]]:
        """The stub of an event that was refused alone; of a stub its event again: then it is the call."""
        refused = self._stubs.pop(event["message"], None)
        if refused is not None:
            self._pause(code)
            return [[refused[0]]]
        stub = LogEvent(timestamp=self._now_ms(), message=render_stub(event["message"], code))
        self._stubs[stub["message"]] = (event, code)
        return [[stub]]

    def _keep_buried(self, batch: list[LogEvent]) -> bool:
        """Dead-letter the event whose stub was taken, if this is one; False when that failed."""
        buried = self._stubs.get(batch[0]["message"])
        if buried is None:
            return True
        event, code = buried
        try:
            self._dead_letters.keep(event["message"], code)
        except OSError as exc:
            self._pause(f"dead letter: {exc.strerror}")
            return False
        del self._stubs[batch[0]["message"]]
        self._state.dead_letters += 1
        return True

    def _create(self, group: str, stream: str) -> str | None:
        """Make the stream, and the group if that is allowed; the code of what went wrong, or None."""
        try:
            self._client.create_log_stream(logGroupName=group, logStreamName=stream)
        except (ClientError, BotoCoreError, OSError) as exc:
            code = error_code(exc)
        else:
            return None
        if code != MISSING or not self._create_group:
            return code
        try:
            self._client.create_log_group(logGroupName=group)
        except (ClientError, BotoCoreError, OSError) as exc:
            code = error_code(exc)
            return None if code == EXISTS else code
        return None

    def _settle(self, count: int) -> None:
        self.settled += count
        self.progress.set()

    def _pause(self, code: str) -> None:
        self._state.last_error = code
        self._state.retries += 1
        self._backoff = self._backoff.after_failure()
        self._abandon.wait(self._backoff.delay_s(random.random()))  # noqa: S311 - jitter, not a secret


def error_code(exc: Exception) -> str:
    """The code of an error of boto3, or the name of its class: short, and without what was sent."""
    if isinstance(exc, ClientError):
        return str(exc.response.get("Error", {}).get("Code", "Unknown"))
    return type(exc).__name__


def rejected_indexes(answer: Mapping[str, object], count: int) -> list[int]:
    """Which events of a batch were not taken, by `rejectedLogEventsInfo`.

    Too old and expired ones are those below an index, exclusive; too new ones are
    those from an index on, inclusive (API reference, RejectedLogEventsInfo).

    Args:
        answer: that of PutLogEvents.
        count: events in the batch.
    """
    info = answer.get("rejectedLogEventsInfo")
    if not isinstance(info, Mapping):
        return []
    begin = max(int(info.get("tooOldLogEventEndIndex", 0)), int(info.get("expiredLogEventEndIndex", 0)))
    end = int(info.get("tooNewLogEventStartIndex", count))
    return [index for index in range(count) if index < begin or index >= end]


def _request_id(answer: Mapping[str, object]) -> object:
    metadata = answer.get("ResponseMetadata")
    return metadata.get("RequestId") if isinstance(metadata, Mapping) else None


def _server_time_ms(answer: Mapping[str, object]) -> int | None:
    """CloudWatch's own clock, from the `Date` header (RFC 9110 section 6.6.1), so that ours may be wrong."""
    metadata = answer.get("ResponseMetadata")
    headers = metadata.get("HTTPHeaders") if isinstance(metadata, Mapping) else None
    date = headers.get("date") if isinstance(headers, Mapping) else None
    try:
        moment: datetime = parsedate_to_datetime(str(date))
    except ValueError:
        return None
    return int(moment.astimezone(UTC).timestamp() * 1000)
