"""`s3gate trace-path` as a person runs it: a trail's files and the gate's journal, side by side."""

import json
import time
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from audit_records import START, decision, write_journal
from bare_environment import make_bare
from fake_cloudtrail import FakeCloudTrail
from s3gate.audit.record import Transfer, render_completion
from s3gate.cli.trace_path import command
from s3gate.policy.decision import Reason
from trail_events import BUCKET, ENDPOINT, around, event, numbered, write_log, write_lookup

MOMENT = START.replace(minute=30)


def records(count: int) -> list[dict[str, object]]:
    """So many uploads through the gate, with request ids R1, R2, …."""
    made = []
    for number in range(1, count + 1):
        made.append(decision(Reason.ALLOWED_BY_RULE, BUCKET, f"10.9.0.{number % 3}", number, MOMENT))
        transfer = Transfer(200, 1, 1, 1, request_id=f"R{number}")
        end = MOMENT + timedelta(seconds=30)
        made.append(render_completion(transfer, audit_id=f"c{number}", decision_id=f"d{number}", time=end))
    return made


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return write_journal(tmp_path / "audit", records(3))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, ["--bucket", BUCKET, *map(str, arguments)])


def data(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.output.splitlines()]


def test_all_went_through(tmp_path: Path, journal: Path) -> None:
    logs = tmp_path / "AWSLogs" / "1_CloudTrail_eu-west-1_x.json.gz"
    write_log(logs, numbered(3))
    result = run(logs.parent, "--journal", journal, "--expect-vpce", ENDPOINT)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    assert "3 events of 3 read: 3 through" in result.output
    assert "✓" in result.output
    assert "10.9.0.1, 10.9.0.2, 10.9.0.0" in result.output, "the clients behind the gate"
    assert "CloudTrail delivers after about 5 minutes" in result.output


@pytest.mark.parametrize(
    ("other", "verdict"),
    [
        pytest.param(around(), "around", id="over the internet"),
        pytest.param(event(requestID="X", eventID="e-9"), "around", id="our endpoint, not our gate"),
        pytest.param(event(vpcEndpointId="vpce-99999999"), "other_endpoint", id="our gate, another endpoint"),
    ],
)
def test_one_that_did_not(tmp_path: Path, journal: Path, other: dict[str, object], verdict: str) -> None:
    log = write_log(tmp_path / "a.json.gz", [other, *numbered(2, 2)])
    result = run(log, "--journal", journal, "--expect-vpce", ENDPOINT)
    assert result.exit_code == 1
    assert f"✗ {verdict}: 2026-11-22T08:30:05Z PutObject from" in result.output
    told = data(run(log, "--journal", journal, "--expect-vpce", ENDPOINT, "--json"))
    assert [one["kind"] for one in told] == ["source", "source", "request", "summary"]
    assert (told[0]["verdict"], told[2]["verdict"]) == (verdict, verdict)
    assert told[2]["request_id"] == other["requestID"]
    assert told[-1]["verdicts"] == {
        "around": 0,
        "other_endpoint": 0,
        "not_covered": 0,
        "service": 0,
        "through": 2,
    } | {verdict: 1}


def test_the_endpoint_alone(tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.json.gz", numbered(2))
    assert run(log, "--no-journal", "--expect-vpce", ENDPOINT).exit_code == 0
    assert run(log, "--no-journal", "--expect-vpce", "vpce-99999999").exit_code == 1


def test_nothing_of_the_bucket_is_no_all_clear(tmp_path: Path, journal: Path) -> None:
    log = write_log(tmp_path / "a.json.gz", [])
    result = run(log, "--journal", journal)
    assert result.exit_code == 3
    assert "data events, which a trail must be told to log" in result.output
    assert "3 requests that the gate let through are later than the newest event" in result.output


def test_what_to_know_beside_it(tmp_path: Path) -> None:
    unanswered = decision(Reason.ALLOWED_BY_RULE, BUCKET, "10.9.0.9", 9, MOMENT)
    journal = write_journal(tmp_path / "audit", [*records(3), unanswered])
    log = write_log(
        tmp_path / "a.json.gz",
        [
            event(eventCategory="Management", awsRegion="us-east-1", eventName="GetBucketLocation"),
            event(eventCategory="Management", awsRegion="us-east-1", eventID="e-7", sourceIPAddress="AWS Internal"),
            event(eventCategory="Management", awsRegion="us-east-1", eventID="e-8", eventTime="2026-11-22T07:00:00Z", requestID="R0"),
            around(eventCategory="Management", awsRegion="us-east-1", eventID="e-9"),
            event(eventID="e-10", requestParameters=None, resources=...),
        ],
    )  # fmt: skip
    result = run(log, "--journal", journal)
    assert result.exit_code == 1
    for note in (
        "only management events",
        "1 events of S3 name no bucket",
        "1 requests were made by AWS services",
        "1 events lie outside of the journal (2026-11-22T08:30:00Z to 2026-11-22T08:30:30Z)",
        "the gate let requests to eu-west-1 through",
        "2 requests that the gate let through have no event",
        "1 requests that the gate let through had no answer",
        "the journal was not verified",
    ):
        assert f"note: {note}" in result.output, (note, result.output)


def test_hostile_names_are_shown_and_not_obeyed(tmp_path: Path, journal: Path) -> None:
    paint = "\x1b[2J\x1b]0;x\x07\u202e[red]\udc80\n"
    hostile = around(
        eventName=paint + "y" * 9999, sourceIPAddress=paint, requestID=paint, eventID=paint, errorCode=paint,
        awsRegion=paint, eventCategory=paint, vpcEndpointId=paint, userIdentity={"arn": paint},
    )  # fmt: skip
    log = write_log(tmp_path / "a.json.gz", [hostile])
    for more in ([], ["--json"]):
        result = run(log, "--journal", journal, *more)
        assert result.exit_code == 1, result.output
        assert not set("\x1b\x07\u202e\udc80") & set(result.output)
        assert "y" * 300 not in result.output
    assert "[red]" in run(log, "--journal", journal).output, "markup is text"


def test_a_broken_file_is_named_and_the_others_are_read(tmp_path: Path, journal: Path) -> None:
    write_log(tmp_path / "logs" / "a.json.gz", numbered(3))
    (tmp_path / "logs" / "b.json").write_text('{"Records":[')
    result = run(tmp_path / "logs", "--journal", journal)
    assert result.exit_code == 2
    assert "3 through" in result.output
    assert "b.json` cannot be read to its end" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        pytest.param([], "name log files", id="nothing to read"),
        pytest.param(["x.json", "--no-journal"], "give that", id="nothing to compare with"),
        pytest.param(["none.json", "--no-journal", "--expect-vpce", ENDPOINT], "is not there", id="no file"),
        pytest.param(["x.json", "--expect-vpce", "vpce-1"], "is no VPC endpoint", id="no endpoint"),
        pytest.param(["--lookup", "--since", "91d"], "tells of 90 days", id="too long ago"),
        pytest.param(["--lookup", "--since", "x"], "is no span", id="no span"),
        pytest.param(["x.json", "--journal", "none"], "cannot be read", id="no journal"),
        pytest.param(["x.json", "--config", "none.yaml"], "cannot be read", id="no settings"),
    ],
)
def test_wrong_words(arguments: list[str], why: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert why in result.stderr


def test_cloudtrail_is_asked(tmp_path: Path, journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_bare(monkeypatch, tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    with FakeCloudTrail(numbered(3), errors=["AccessDeniedException"]) as service:
        words = ("--lookup", "--region", "eu-west-1", "--endpoint-url", service.url, "--journal", journal)
        refused = run(*words)
        assert refused.exit_code == 3
        assert "AccessDeniedException to cloudtrail:LookupEvents" in refused.stderr
        result = run(*words, write_lookup(tmp_path / "same.json", numbered(3)), "--json")
    assert result.exit_code == 0, result.output
    summary = data(result)[-1]
    assert (summary["events"], summary["repeated"]) == (3, 3), "what both have counts once"


def test_a_large_log_is_read_in_time(tmp_path: Path, journal: Path) -> None:
    """100,000 events of other buckets with one that matters; the limits are ten times what was seen."""
    noise = json.dumps(event(requestParameters={"bucketName": "other"}, resources=[]))
    path = tmp_path / "large.json"
    with path.open("w") as file:
        file.write('{"Records":[' + ",".join([noise] * 100_000) + "," + json.dumps(around()) + "]}")
    begin = time.monotonic()
    result = run(path, "--journal", journal)
    assert time.monotonic() - begin < 60
    assert result.exit_code == 1
    assert "1 events of 100,001 read" in result.output


def test_help_fits() -> None:
    assert all(len(line) <= 80 for line in CliRunner().invoke(command, ["--help"]).output.splitlines())
