"""CloudWatch Logs as a sink: watchtower's handler, fed by hand, with a client that acknowledges.

A window is handed to `watchtower.CloudWatchLogHandler`, which batches it and
calls our client; `send` returns when that client has settled every event. That
`flush` returns means nothing, and is not waited for. A sender thread that died
or gave up is replaced and fed again.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Self, cast

import boto3
from botocore.config import Config
from watchtower import CloudWatchLogHandler

from s3gate.audit.backoff import Backoff
from s3gate.audit.dead_letter import DeadLetters
from s3gate.audit.delivery import AckingLogsClient, DeliveryState, LogsClient
from s3gate.audit.shipper import SinkHealth
from s3gate.audit.window import MAX_BYTES, MAX_EVENTS, Event

CONNECT_TIMEOUT_S: Final = 2.0
READ_TIMEOUT_S: Final = 5.0  # a slow call is waited for this long; a black hole is known after it
POLL_S: Final = 0.1  # how soon a stop is noticed while an answer is awaited
SEND_INTERVAL_S: Final = 3600  # the handler sends when it is flushed, never by its own clock
NEVER_CUT_BYTES: Final = (
    1 << 40
)  # watchtower would cut an event into invalid JSON; CloudWatch refuses it, and it is kept


class _Handler(CloudWatchLogHandler):
    """watchtower's handler, with a `flush` that only asks and does not wait."""

    FLUSH_TIMEOUT = 0

    def idle(self) -> bool:
        """Whether everything that was handed over has been through the sender, for better or worse."""
        return all(queue.unfinished_tasks == 0 for queue in self.queues.values())

    def alive(self) -> bool:
        """Whether the sender threads run."""
        return all(thread.is_alive() for thread in self.threads)

    def let_go(self) -> None:
        """Tell the sender to end, without waiting for it."""
        self.shutting_down = True
        for queue in self.queues.values():
            queue.put(self.END)
        logging.Handler.close(self)


class CloudWatchSink:
    """Delivers windows to one log stream.

    Args:
        client: a boto3 logs client that does not retry, as `open_logs_client` gives.
        group: log group.
        stream: log stream; one for each writer.
        dead_letters: where events go that are never taken.
        create_group: whether a missing group may be created.
        backoff: the first state of every row of failures.
    """

    def __init__(
        self,
        client: LogsClient,
        group: str,
        stream: str,
        dead_letters: DeadLetters,
        *,
        create_group: bool = False,
        backoff: Backoff | None = None,
    ) -> None:
        self._client, self._group, self._stream, self._dead_letters = client, group, stream, dead_letters
        self._create_group, self._backoff = create_group, backoff if backoff is not None else Backoff()
        self._state = DeliveryState()
        self._abandon = threading.Event()
        self._start()

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        region: str | None,
        group: str,
        stream: str,
        endpoint_url: str | None = None,
        create_group: bool = False,
    ) -> Self:
        """The sink of one writer, with a client of its own.

        Args:
            directory: the writer's own, for dead letters.
            region: AWS region, or None for that of the environment.
            group: log group.
            stream: log stream.
            endpoint_url: another endpoint than the region's, or None.
            create_group: whether a missing group may be created.

        Raises:
            BotoCoreError: no region is known, or the endpoint is not a URL.
        """
        client = open_logs_client(region, endpoint_url)
        return cls(client, group, stream, DeadLetters(directory), create_group=create_group)

    def send(self, events: Sequence[Event], give_up: Callable[[], bool]) -> bool:
        """Deliver all events; False when `give_up` said so before that was known."""
        retry = self._backoff
        while not self._fed_and_settled(events, give_up):
            if give_up():
                self._abandon.set()
                return False
            self._state.last_error = "SenderEnded"
            self._state.retries += 1
            retry = retry.after_failure()
            self._abandon.wait(retry.delay_s(1.0))
            self._handler.let_go()
            self._start()
        return True

    def close(self) -> None:
        """Let go; a call that is under way ends by its own time-outs."""
        self._abandon.set()
        self._handler.let_go()

    def health(self) -> SinkHealth:
        """Retries, dead letters, the last error so far, and how its clock differs."""
        state = self._state
        return SinkHealth(state.retries, state.dead_letters, state.last_error, state.behind_ms)

    def _start(self) -> None:
        self._acking = AckingLogsClient(
            self._client,
            self._dead_letters,
            self._abandon,
            self._state,
            create_group=self._create_group,
            backoff=self._backoff,
        )
        self._handler = _Handler(
            log_group_name=self._group,
            log_stream_name=self._stream,
            boto3_client=self._acking,
            create_log_group=False,
            create_log_stream=False,
            send_interval=SEND_INTERVAL_S,
            max_batch_size=MAX_BYTES,
            max_batch_count=MAX_EVENTS,
            max_message_size=NEVER_CUT_BYTES,
        )

    def _fed_and_settled(self, events: Sequence[Event], give_up: Callable[[], bool]) -> bool:
        """Feed the handler once; whether every event was settled before the sender or the caller gave up."""
        wanted = self._acking.settled + len(events)
        for event in events:
            self._handler.handle(_log_record(event))
        self._handler.flush()  # type: ignore[no-untyped-call]  # watchtower's has no annotation
        while self._acking.settled < wanted:
            if give_up() or not self._handler.alive() or self._handler.idle():
                return self._acking.settled >= wanted
            self._acking.progress.wait(POLL_S)
            self._acking.progress.clear()
        return True


def open_logs_client(region: str | None, endpoint_url: str | None = None) -> LogsClient:
    """A boto3 logs client that tries once and gives up soon; retrying is the caller's.

    The trust bundle is that of `AWS_CA_BUNDLE`, credentials are found as boto3 does.

    Args:
        region: AWS region, or None for that of the environment.
        endpoint_url: another endpoint than the region's, or None.

    Raises:
        BotoCoreError: no region is known, or the endpoint is not a URL.
    """
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"total_max_attempts": 1, "mode": "standard"},
        tcp_keepalive=True,
    )
    session = boto3.session.Session()
    return cast(
        LogsClient, session.client("logs", region_name=region, endpoint_url=endpoint_url, config=config)
    )


def _log_record(event: Event) -> logging.LogRecord:
    """The event as logging knows it, stamped with its own time; half a millisecond guards the rounding."""
    record = logging.LogRecord("s3gate.audit", logging.INFO, "", 0, event.text, None, None)
    record.created = (event.time_ms + 0.5) / 1000
    return record
