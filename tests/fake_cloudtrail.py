"""CloudTrail's LookupEvents over real HTTP on loopback: pages, throttling, errors.

It keeps the rules of AWS's API reference (botocore's model of cloudtrail-2013-11-01): JSON
1.1, at most 50 events a page, one lookup attribute, NextToken only with the same query.
"""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

TARGET = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents"


@dataclass
class FakeCloudTrail:
    """The service; use as a context manager.

    Args:
        events: all that it has.
        page: how many it gives at once.
        errors: codes that the next calls get.
    """

    events: list[dict[str, object]]
    page: int = 50
    errors: list[str] = field(default_factory=list)
    asked: list[dict[str, object]] = field(default_factory=list)

    def __enter__(self) -> Self:
        service = self

        class Handler(_Handler):
            fake: FakeCloudTrail = service

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads, self._server.block_on_close = True, False
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

    def answer(self, query: dict[str, object]) -> tuple[int, dict[str, object]]:
        self.asked.append(query)
        if self.errors:
            return 400, {"__type": self.errors.pop(0), "message": "no"}
        attributes = query["LookupAttributes"]
        assert isinstance(attributes, list)
        if (
            len(attributes) != 1
            or attributes[0]["AttributeKey"] != "ResourceName"
            or int(str(query["MaxResults"])) > 50
        ):
            return 400, {"__type": "InvalidLookupAttributesException", "message": "no"}
        begin = int(str(query.get("NextToken", "0")))
        part = self.events[begin : begin + self.page]
        answer: dict[str, object] = {
            "Events": [
                {
                    "EventId": str(one.get("eventID")),
                    "EventTime": 1_763_800_205,
                    "CloudTrailEvent": json.dumps(one),
                }
                for one in part
            ]
        }
        if begin + self.page < len(self.events):
            answer["NextToken"] = str(begin + self.page)
        return 200, answer


class _Handler(BaseHTTPRequestHandler):
    fake: FakeCloudTrail
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert self.headers["x-amz-target"] == TARGET
        status, answer = self.fake.answer(query)
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/x-amz-json-1.1")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Nothing."""
