"""CloudTrail's LookupEvents over real HTTP on loopback: pages, throttling, errors.

It keeps the rules of AWS's API reference (botocore's model of cloudtrail-2013-11-01): JSON
1.1, at most 50 events a page, one lookup attribute, NextToken only with the same query.
"""

import json
from dataclasses import dataclass, field
from email.message import Message

from drive.loopback_http import Answer, LoopbackService

TARGET = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents"


@dataclass
class FakeCloudTrail(LoopbackService):
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

    def post(self, _path: str, headers: Message, body: bytes, /) -> Answer:
        assert headers["x-amz-target"] == TARGET
        status, answer = self.answer(json.loads(body))
        return status, [("content-type", "application/x-amz-json-1.1")], json.dumps(answer).encode()

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
