"""`deploy/smoke` as an operator runs it after a deployment, against the demo's gate and emulator.

What the emulator cannot do stands beside it: metric filters are evaluated by the demo's AlarmChain
while the command waits, TestMetricFilter is answered by FilterService, CloudTrail's LookupEvents by
FakeCloudTrail with the request that the gate's own journal names. No VPC endpoint is passed.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fake_cloudtrail import FakeCloudTrail
from filter_service import FilterService
from s3gate.audit.reader import list_writers, read_records
from s3gate.demo.alarm_chain import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from s3gate.demo.world import LISTED_BUCKET, OTHER_BUCKET, REGION, World
from trail_events import ENDPOINT, around, event, write_log

pytestmark = pytest.mark.e2e

SMOKE = Path(__file__).parents[3] / "deploy" / "smoke"
NAMES = [
    "doctor", "allowed put and get", "alarm", "refused bucket", "refused fronting", "journal", "trace-path",
]  # fmt: skip
SECONDS = 200.0


def smoke(world: World, *arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command with a gate's settings; PATH begins with the programs under test."""
    client = world.client_variables
    given = ("--config", world.gate.directory / "s3gate.yaml", "--bucket", LISTED_BUCKET)
    return subprocess.run(
        [str(one) for one in (SMOKE, *given, *arguments)],
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(world.directory),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            **{name: client[name] for name in ("HTTPS_PROXY", "AWS_CA_BUNDLE", "AWS_DEFAULT_REGION")},
            "NO_PROXY": "169.254.169.254,fd00:ec2::254,[fd00:ec2::254]",
            "PYTHONWARNINGS": "ignore",
            **variables,
        },
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip


def located(world: World) -> list[dict[str, object]]:
    """What CloudTrail would have of GetBucketLocation: an event with S3's request id of each."""
    records = [one for path in list_writers(world.gate.audit_directory) for one in read_records(path)]
    asked = {
        one["decision_id"]
        for one in records
        if one["event"] == "egress" and "GetBucketLocation" in json.dumps(one["request"])
    }
    return [
        event(
            eventName="GetBucketLocation",
            eventCategory="Management",
            managementEvent=True,
            awsRegion=REGION,
            eventTime=str(one["time"])[:19] + "Z",
            requestID=json.loads(json.dumps(one["upstream"]))["request_id"],
        )
        for one in records
        if one["event"] == "completion" and one["decision_id"] in asked
    ]


@contextmanager
def meanwhile(world: World, trail: FakeCloudTrail) -> Iterator[None]:
    """What AWS does by itself: count what the filters match, and write the trail."""
    stop = threading.Event()

    def go_on() -> None:
        while not stop.wait(0.3):
            world.alarms.publish()
            trail.events[:] = located(world)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_deployment_that_works(tmp_path: Path) -> None:
    with (
        World(tmp_path) as world,
        FilterService(world.emulator.port) as service,
        FakeCloudTrail([]) as trail,
        meanwhile(world, trail),
    ):
        arguments = ("--endpoint-url", service.url, "--expect-vpce", ENDPOINT, "--timeout", 90)
        done = smoke(world, *arguments, "--trail-timeout", 60, AWS_ENDPOINT_URL_CLOUDTRAIL=trail.url)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        *lines, last = done.stdout.splitlines()
        assert [line[:22].strip("✓ ") for line in lines if line[0] == "✓"] == NAMES
        assert last == "7 fine"
        assert max(map(len, lines)) <= 80
        assert world.keys_in(LISTED_BUCKET) == ["s3gate-smoke"]
        assert world.keys_in(OTHER_BUCKET) == []
        assert world.alarms.state("s3gate-denials") == "ALARM"

        again = smoke(world, *arguments[:2], "--without", "trace-path", "--json", "--timeout", 20)
        told = [json.loads(line) for line in again.stdout.splitlines()]
        assert again.returncode == 1
        assert [one["outcome"] for one in told[:-1]] == [*["fine"] * 2, "wrong", *["fine"] * 3, "left_out"]
        assert "was on before" in told[2]["detail"], "an alarm that is on proves nothing"
        assert told[-1] == {"name": "all", "exit_code": 1, "fine": 5, "wrong": 1, "unknown": 0, "left_out": 1}


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    """The bucket is not on the list, a record was edited, a request went around, nobody answers."""
    with World(tmp_path) as world:
        log = write_log(tmp_path / "trail.json.gz", [around(requestParameters={"bucketName": OTHER_BUCKET})])
        arguments = ("--without", "alarm", "--json", "--expect-vpce", ENDPOINT, "--trail", log)
        done = smoke(world, *arguments, "--bucket", OTHER_BUCKET)
        told = {one["name"]: one for one in map(json.loads, done.stdout.splitlines())}
        assert done.returncode == 1, done.stdout + done.stderr
        assert "BUCKET_NOT_LISTED" in told["allowed put and get"]["detail"]
        assert told["trace-path"]["detail"].startswith("around: request ")
        assert (told["alarm"]["outcome"], told["journal"]["outcome"]) == ("left_out", "fine")

        world.gate.stop()
        (segment, *_) = sorted(list_writers(world.gate.audit_directory)[0].glob("*.jsonl"))
        segment.write_bytes(segment.read_bytes().replace(b"BUCKET_NOT_LISTED", b"BUCKET_NOT_LISTEd", 1))
        done = smoke(world, "--without", "alarm", "--json")
        told = {one["name"]: one for one in map(json.loads, done.stdout.splitlines())}
        assert done.returncode == 1, done.stdout + done.stderr
        assert told["journal"]["outcome"] == "wrong"
        assert told["doctor"]["outcome"] == "wrong"
        assert told["refused bucket"]["outcome"] == "wrong", "silence is no refusal of ours"
        assert told["refused fronting"]["outcome"] == "unknown"
