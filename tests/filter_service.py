"""CloudWatch Logs with TestMetricFilter, which the emulator lacks: one real HTTP front, the rest is passed on.

What a pattern matches is looked up in what the fixtures say that its filter counts, so the answers
do not come from our evaluator. A test may have it answer otherwise.
"""

import http.client
import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from s3gate.alarms.definition import load_definition
from s3gate.alarms.fixture import load_fixtures

MESSAGES = 50
TARGET = "Logs_20140328.TestMetricFilter"


class FilterService:
    """The front; use as a context manager.

    Args:
        port: the emulator's, on 127.0.0.1.
        blind_to: a metric of whose records it matches none.
        refusing: the error code that TestMetricFilter gives.
    """

    def __init__(self, port: int, blind_to: str = "", refusing: str = "") -> None:
        self.port, self.blind_to, self.refusing = port, blind_to, refusing
        self.calls: Counter[str] = Counter()
        self.metrics = {item.pattern: item.metric for item in load_definition().filters}
        self.counts = {one.message: set(one.counts) for one in load_fixtures()}

    def __enter__(self) -> Self:
        front = self

        class Handler(_Handler):
            service: FilterService = front

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.block_on_close = False
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def test(self, pattern: str, messages: list[str]) -> tuple[int, dict[str, object]]:
        """The answer to one call."""
        if self.refusing or len(messages) > MESSAGES:
            return 400, {"__type": self.refusing or "InvalidParameterException"}
        metric = self.metrics[pattern]
        matches = [
            {"eventNumber": number, "eventMessage": message, "extractedValues": {}}
            for number, message in enumerate(messages, start=1)
            if metric in self.counts[message] and metric != self.blind_to
        ]
        return 200, {"matches": matches}


class _Handler(BaseHTTPRequestHandler):
    service: FilterService
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        target = self.headers.get("X-Amz-Target", "")
        self.service.calls[target] += 1
        if target == TARGET:
            asked = json.loads(body)
            status, answer = self.service.test(asked["filterPattern"], asked["logEventMessages"])
            self.reply(status, [("Content-Type", "application/x-amz-json-1.1")], json.dumps(answer).encode())
            return
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=10)
        try:
            connection.request("POST", self.path, body, dict(self.headers.items()))
            passed = connection.getresponse()
            kept = [
                pair for pair in passed.getheaders() if pair[0].lower().startswith(("content-type", "x-"))
            ]
            self.reply(passed.status, kept, passed.read())
        finally:
            connection.close()

    def reply(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in [*headers, ("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Nothing: pytest shows what matters."""
