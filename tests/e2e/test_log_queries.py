"""The Logs Insights queries of the README, run on the emulator over records as the gate writes them.

The emulator ignores a filter that it does not know, so each query is also run over records of which it
must find none.
"""

import json
import time
from collections.abc import Iterator
from importlib.resources import files

import boto3
import pytest

from audit_records import decision
from s3gate.audit.chain import GENESIS, seal
from s3gate.audit.record import to_line
from s3gate.demo.alarm_chain import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from s3gate.demo.emulator import Emulator
from s3gate.policy.decision import Reason

pytestmark = pytest.mark.e2e

QUERIES = {
    one["name"]: one["query"]
    for one in json.loads(files("s3gate.alarms").joinpath("queries.json").read_bytes())
}
DECISION_ID = "01J0000000000000000000000D"
REFUSED = decision(Reason.BUCKET_NOT_LISTED, "evil-bucket", "10.20.0.5", 1) | {"decision_id": DECISION_ID}
PASSED = decision(Reason.ALLOWED_BY_RULE, "good", "10.20.0.50", 2)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


def ask(emulator: Emulator, group: str, query: str, records: list[dict[str, object]]) -> list[str]:
    """The audit ids that a query finds among these records."""
    session = boto3.session.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name="eu-west-1")
    logs = session.client("logs", endpoint_url=emulator.url)
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="w1")
    now = int(time.time())
    lines = [seal(to_line(record), "w1", 1, GENESIS, b"k" * 32)[0].decode() for record in records]
    events = [{"timestamp": now * 1000 + number, "message": line} for number, line in enumerate(lines)]
    logs.put_log_events(logGroupName=group, logStreamName="w1", logEvents=events)
    started = logs.start_query(logGroupName=group, startTime=now - 60, endTime=now + 60, queryString=query)
    rows = logs.get_query_results(queryId=started["queryId"])["results"]
    messages = [field["value"] for row in rows for field in row if field["field"] == "@message"]
    return [json.loads(message)["audit_id"] for message in messages]


@pytest.mark.parametrize("name", QUERIES)
def test_each_finds_its_record_and_no_other(emulator: Emulator, name: str) -> None:
    assert ask(emulator, f"/{name}/both", QUERIES[name], [PASSED, REFUSED, PASSED]) == ["a1"]
    assert ask(emulator, f"/{name}/none", QUERIES[name], [PASSED]) == []
