"""CloudWatch Logs with TestMetricFilter, which the emulator lacks: one real HTTP front, the rest is passed on.

What a pattern matches is looked up in what the fixtures say that its filter counts, so the answers
do not come from our evaluator. A test may have it answer otherwise.
"""

import http.client
import json
from collections import Counter
from email.message import Message

from drive.loopback_http import Answer, LoopbackService
from s3gate.alarms.definition import load_definition
from s3gate.alarms.fixture import load_fixtures

MESSAGES = 50
TARGET = "Logs_20140328.TestMetricFilter"


class FilterService(LoopbackService):
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

    def post(self, path: str, headers: Message, body: bytes, /) -> Answer:
        target = headers.get("X-Amz-Target", "")
        self.calls[target] += 1
        if target == TARGET:
            asked = json.loads(body)
            status, answer = self.test(asked["filterPattern"], asked["logEventMessages"])
            return status, [("Content-Type", "application/x-amz-json-1.1")], json.dumps(answer).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("POST", path, body, dict(headers.items()))
            passed = connection.getresponse()
            kept = [
                pair for pair in passed.getheaders() if pair[0].lower().startswith(("content-type", "x-"))
            ]
            return passed.status, kept, passed.read()
        finally:
            connection.close()

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
