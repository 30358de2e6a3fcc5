"""From a real request through the real gate to the person who is woken, and everything that must not wake.

Real: the gate, its journal, its shipping process, PutLogEvents, the deployed filters, alarms, topic and
subscriber. Ours: the evaluation of the deployed patterns, which no emulator does.
"""

import asyncio
import http.client
import itertools
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from s3gate.audit.cloudwatch import CloudWatchSink
from s3gate.audit.cursor import CursorFile
from s3gate.audit.journal import Journal, Kind
from s3gate.audit.reader import JournalReader, read_records
from s3gate.audit.record import render_time
from s3gate.audit.shipper import Shipper
from s3gate.demo.alarm_chain import ACCESS_KEY_ID, SECRET_ACCESS_KEY, Count
from s3gate.demo.client import put_fronted
from s3gate.demo.world import LISTED_BUCKET, OTHER_BUCKET, REGION, World, host_of

pytestmark = pytest.mark.e2e

ARRIVAL_S = 30.0
SERVICE = f"s3.{REGION}.amazonaws.com"
KEYS = (ACCESS_KEY_ID, SECRET_ACCESS_KEY)


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("world")) as running:
        yield running


def requests(
    world: World, host: str, targets: list[tuple[str, dict[str, str]]]
) -> list[tuple[int, str | None]]:
    """GETs inside one tunnel, signed; status and the gate's reason of each."""
    trust = ssl.create_default_context(cafile=str(world.gate.directory / "ca.pem"))
    connection = http.client.HTTPSConnection("127.0.0.1", world.gate.port, timeout=10, context=trust)
    connection.set_tunnel(host, 443)
    answers = []
    with closing(connection):
        for target, headers in targets:
            request = AWSRequest("GET", f"https://{host}{target}", headers={"Host": host} | headers)
            S3SigV4Auth(Credentials(*KEYS), "s3", REGION).add_auth(request)
            connection.request("GET", target, headers=dict(request.headers.items()))
            answer = connection.getresponse()
            answer.read()
            answers.append((answer.status, answer.getheader("x-s3gate-reason")))
    return answers


def arrived(world: World) -> dict[str, Count]:
    """What the deployed filters count, once everything in the journal has arrived."""
    deadline, pause = time.monotonic() + ARRIVAL_S, threading.Event()
    wanted = {one["audit_id"] for one in read_records(world.gate.audit_directory)}
    while not wanted <= {json.loads(event.message)["audit_id"] for event in world.alarms.events()}:
        assert time.monotonic() < deadline, "records have not arrived"
        pause.wait(0.5)
    return {count.metric: count for count in world.alarms.publish()}


def woken(world: World, wait_s: int) -> list[str]:
    return sorted(
        str(message["AlarmName"])
        for message in world.alarms.notifications(wait_s)
        if message["NewStateValue"] == "ALARM"
    )


def test_the_chain(world: World) -> None:
    """In one order: what is allowed wakes nobody, then each refusal its own alarm, and noise changes nothing."""
    allowed: list[tuple[str, dict[str, str]]] = [
        (f"/{LISTED_BUCKET}?list-type=2&prefix={name}", {}) for name in
        ("decision%22:%22deny%22", "event=egress", "%7B%22_aws%22:%7B%7D%7D", "deny", "x")
    ]  # fmt: skip
    forged = {"User-Agent": '{"event":"egress","decision":"deny","_aws":{"CloudWatchMetrics":[]}}'}
    answers = requests(world, SERVICE, [(target, headers | forged) for target, headers in allowed])
    assert answers == [(200, None)] * 5
    counts = arrived(world)
    assert (counts["Denials"].matching, counts["Evasion"].matching) == ((), ())
    assert len(counts["Heartbeats"].matching) == 1
    assert world.alarms.state("s3gate-heartbeat") == "OK"
    assert all("_aws" not in json.loads(event.message) for event in world.alarms.events())
    assert woken(world, 0) == []

    assert requests(world, SERVICE, [(f"/{OTHER_BUCKET}/k", forged)]) == [(403, "BUCKET_NOT_LISTED")]
    counts = arrived(world)
    assert (len(counts["Denials"].matching), len(counts["Evasion"].matching)) == (1, 0)
    assert woken(world, 5) == ["s3gate-denials"]

    fronted = put_fronted(
        world.gate.url, world.gate.directory / "ca.pem", host_of(LISTED_BUCKET), host_of(OTHER_BUCKET),
        "/k", b"data", KEYS,
    )  # fmt: skip
    assert fronted.reason == "HOST_MISMATCH"
    counts = arrived(world)
    assert len(counts["Evasion"].matching) == 1
    assert woken(world, 5) == ["s3gate-evasion"], "the alarm that was on already says nothing of it"

    names: list[tuple[str, dict[str, str]]] = [(f"/bucket-{number:04d}/k", {}) for number in range(1500)]
    answers = list(
        itertools.chain(*(requests(world, SERVICE, names[at : at + 500]) for at in (0, 500, 1000)))
    )
    assert set(answers) == {(403, "BUCKET_NOT_LISTED")}
    counts = arrived(world)
    assert len(counts["Denials"].matching) == 1502, "no dimension that so many names could exhaust"
    assert world.alarms.state("s3gate-denials") == "ALARM"
    assert [item for item in deployed(world) if "dimensions" in item or "defaultValue" in item] == []


def deployed(world: World) -> list[dict[str, object]]:
    logs = boto3.session.Session(*KEYS, region_name=REGION).client("logs", endpoint_url=world.emulator.url)
    filters = logs.describe_metric_filters(logGroupName=world.definition.log_group)["metricFilters"]
    return [change for item in filters for change in item["metricTransformations"]]


def test_after_an_outage_the_backfill_record_alarms(world: World, tmp_path: Path) -> None:
    """Refusals of an hour ago count at their old minute, where no alarm looks; the backfill record counts now."""
    journal = Journal.open(tmp_path, "after-outage", b"k" * 32, 1 << 24)
    record = {"schema": 1, "event": "egress", "decision": "deny", "audit_id": "late",
              "time": render_time(datetime.now(UTC) - timedelta(hours=1))}  # fmt: skip
    asyncio.run(journal.append(record, Kind.DENY))
    session = boto3.session.Session(*KEYS, region_name=REGION)
    sink = CloudWatchSink(
        session.client("logs", endpoint_url=world.emulator.url),
        world.definition.log_group,
        "after-outage",
        None,  # type: ignore[arg-type]  # nothing is refused here
    )
    stop = threading.Event()
    stop.set()
    reader = JournalReader(journal.directory, lambda: journal.acknowledged_seq)
    Shipper(reader, sink, CursorFile(journal.directory), stop, drain_s=ARRIVAL_S).run()
    journal.close()
    counts = {count.metric: count for count in world.alarms.publish()}
    assert counts["LateDenials"].values == (1.0,)
    assert "s3gate-late-denials" in woken(world, 5)
