"""A fake of CloudWatch Logs: PutLogEvents, CreateLogStream and CreateLogGroup over real HTTP on loopback.

It keeps the rules of AWS's API reference of PutLogEvents (botocore's model of
logs-2014-03-28): at most 10,000 events, 1,048,576 bytes with 26 for each event,
1 MB an event, chronological order, 24 h between the valid ones; events older than
14 days or more than 2 h ahead are rejected while the others are taken; sequence
tokens are ignored and nothing is dropped as a duplicate. Faults are a list, used
up one a call; or an outage, which lasts for its time.
"""

import json
import socket
import struct
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

MAX_EVENTS = 10_000
MAX_BYTES = 1_048_576
OVERHEAD = 26
MAX_EVENT = 1024 * 1024
TOO_OLD_MS = 14 * 24 * 3600 * 1000
TOO_NEW_MS = 2 * 3600 * 1000
SPAN_MS = 24 * 3600 * 1000
BLACK_HOLE_S = 30.0
SLOW_S = 3.0


class Fault(Enum):
    """What the fake does instead of answering well."""

    NONE = auto()
    THROTTLE = auto()
    ERROR_500 = auto()
    UNAVAILABLE_503 = auto()
    RESET = auto()
    ACCEPT_THEN_RESET = auto()
    BLACK_HOLE = auto()
    ACCESS_DENIED = auto()
    EXPIRED_TOKEN = auto()
    DELETE_STREAM = auto()
    DELETE_GROUP = auto()
    HTML_200 = auto()
    SLOW = auto()


ERRORS = {
    Fault.THROTTLE: (400, "ThrottlingException"),
    Fault.ERROR_500: (500, "InternalFailure"),
    Fault.UNAVAILABLE_503: (503, "ServiceUnavailableException"),
    Fault.ACCESS_DENIED: (400, "AccessDeniedException"),
    Fault.EXPIRED_TOKEN: (400, "ExpiredTokenException"),
}


class Refused(Exception):
    """An error answer of the service."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code, self.status = code, status


@dataclass
class FakeLogs:
    """The service; use as a context manager.

    Args:
        faults: what the next PutLogEvents calls meet, in order; afterwards all is well.
        creation_faults: the same for CreateLogStream and CreateLogGroup.
        poison: an event whose message contains this text is refused with InvalidParameterException.
        group: the log group that exists.
        offset_ms: how far its clock is ahead of ours.
        expired: an access key id; what it signed is refused with ExpiredTokenException.
        port: TCP port; 0 takes a free one.
    """

    faults: list[Fault] = field(default_factory=list)
    creation_faults: list[Fault] = field(default_factory=list)
    poison: str | None = None
    group: str = "/s3gate/audit"
    offset_ms: int = 0
    expired: str | None = None
    port: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    streams: dict[tuple[str, str], list[dict[str, object]]] = field(default_factory=dict)
    groups: set[str] = field(default_factory=set)
    calls: Counter[str] = field(default_factory=Counter)

    def __enter__(self) -> Self:
        self.groups.add(self.group)
        self._outage, self._outage_ends, self._creation = Fault.NONE, 0.0, False
        self.released = threading.Event()
        fake = self

        class Handler(_Handler):
            service: FakeLogs = fake

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def begin_outage(self, fault: Fault, seconds: float, *, creation: bool = False) -> None:
        """Every PutLogEvents (or CreateLogStream) call that begins within `seconds` meets the fault."""
        self._outage, self._outage_ends, self._creation = fault, time.monotonic() + seconds, creation

    def messages(self) -> list[str]:
        """Every message that was accepted, duplicates included."""
        with self.lock:
            return [str(event["message"]) for events in self.streams.values() for event in events]

    def next_fault(self, operation: str) -> Fault:
        if time.monotonic() < self._outage_ends and self._creation == (operation != "PutLogEvents"):
            return self._outage
        faults = self.faults if operation == "PutLogEvents" else self.creation_faults
        with self.lock:
            return faults.pop(0) if faults else Fault.NONE

    def answer(self, operation: str, body: dict[str, object]) -> dict[str, object]:
        with self.lock:
            self.calls[operation] += 1
            match operation:
                case "PutLogEvents":
                    return self._put(body)
                case "CreateLogStream":
                    return self._create_stream(body)
                case "CreateLogGroup":
                    self.groups.add(str(body["logGroupName"]))
                    return {}
                case _:
                    raise Refused("UnknownOperationException")

    def _create_stream(self, body: dict[str, object]) -> dict[str, object]:
        group, stream = str(body["logGroupName"]), str(body["logStreamName"])
        if group not in self.groups:
            raise Refused("ResourceNotFoundException")
        if (group, stream) in self.streams:
            raise Refused("ResourceAlreadyExistsException")
        self.streams[group, stream] = []
        return {}

    def _put(self, body: dict[str, object]) -> dict[str, object]:
        group, stream = str(body["logGroupName"]), str(body["logStreamName"])
        events = body["logEvents"]
        assert isinstance(events, list)
        now = time.time_ns() // 1_000_000 + self.offset_ms
        times = [int(event["timestamp"]) for event in events]
        self._check(events, times)
        begin = sum(stamp < now - TOO_OLD_MS for stamp in times)
        end = len(times) - sum(stamp > now + TOO_NEW_MS for stamp in times)
        valid = times[begin:end]
        if valid and valid[-1] - valid[0] > SPAN_MS:
            raise Refused("InvalidParameterException")
        if group not in self.groups or (group, stream) not in self.streams:
            raise Refused("ResourceNotFoundException")
        self.streams[group, stream] += events[begin:end]
        answer: dict[str, object] = {"nextSequenceToken": "ignored"}
        rejected: dict[str, int] = {}
        if begin:
            rejected["tooOldLogEventEndIndex"] = begin
        if end < len(times):
            rejected["tooNewLogEventStartIndex"] = end
        return answer | ({"rejectedLogEventsInfo": rejected} if rejected else {})

    def _check(self, events: list[dict[str, object]], times: list[int]) -> None:
        sizes = [len(str(event["message"]).encode()) for event in events]
        broken = (
            not 1 <= len(events) <= MAX_EVENTS
            or sum(sizes) + OVERHEAD * len(events) > MAX_BYTES
            or max(sizes) > MAX_EVENT
            or min(sizes) < 1
            or times != sorted(times)
            or (self.poison is not None and any(self.poison in str(event["message"]) for event in events))
        )
        if broken:
            raise Refused("InvalidParameterException")


class _Handler(BaseHTTPRequestHandler):
    service: FakeLogs
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        operation = self.headers["x-amz-target"].partition(".")[2]
        fault = self.service.next_fault(operation)
        if f"Credential={self.service.expired}/" in self.headers.get("authorization", ""):
            fault = Fault.EXPIRED_TOKEN
        body = json.loads(raw)
        if fault is Fault.BLACK_HOLE:
            self.service.released.wait(BLACK_HOLE_S)
            self._reset()
        elif fault is Fault.RESET:
            self._reset()
        elif fault is Fault.SLOW:
            self.service.released.wait(SLOW_S)
            self._serve(fault, operation, body)
        elif fault is Fault.HTML_200:
            self._reply(200, "<html>captive portal</html>", request_id=False)
        elif fault in ERRORS:
            status, code = ERRORS[fault]
            self._reply(status, json.dumps({"__type": code, "message": code}))
        else:
            self._serve(fault, operation, body)

    def _serve(self, fault: Fault, operation: str, body: dict[str, object]) -> None:
        if fault in {Fault.DELETE_STREAM, Fault.DELETE_GROUP}:
            with self.service.lock:
                kept = self.service.streams.pop((str(body["logGroupName"]), str(body["logStreamName"])), [])
                self.service.streams["deleted", str(time.monotonic_ns())] = kept
                if fault is Fault.DELETE_GROUP:
                    self.service.groups.clear()
        try:
            answer = self.service.answer(operation, body)
        except Refused as refused:
            self._reply(refused.status, json.dumps({"__type": refused.code, "message": refused.code}))
            return
        if fault is Fault.ACCEPT_THEN_RESET:
            self._reset()
            return
        self._reply(200, json.dumps(answer))

    def _reply(self, status: int, text: str, *, request_id: bool = True) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("content-type", "application/x-amz-json-1.1")
        self.send_header("content-length", str(len(data)))
        if request_id:
            self.send_header("x-amzn-requestid", "5f3c1d1e-fake")
        self.end_headers()
        self.wfile.write(data)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()
        self.wfile = open("/dev/null", "wb")  # noqa: SIM115, PTH123 - the server flushes and closes it

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Its own clock, in every answer."""
        now = time.time() if timestamp is None else timestamp
        return super().date_time_string(now + self.service.offset_ms / 1000)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Say nothing."""
