"""`s3gate audit tail` shows decisions as they come, folded, filtered, and inert on a terminal."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from audit_records import KEY, decision, traffic, write_journal
from s3gate.audit.folding import Told
from s3gate.audit.journal import Journal, Kind
from s3gate.cli.audit.tail import Follower, render_line, tail_command
from s3gate.policy.decision import Reason


def run(*arguments: object) -> Result:
    return CliRunner().invoke(tail_command, [str(one) for one in arguments])


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return write_journal(tmp_path / "audit", traffic(storm=40))


def test_the_last_ones_folded(journal: Path) -> None:
    lines = run(journal, "-n", 42).output.splitlines()
    assert len(lines) == 3
    assert "deny HOST_MISMATCH PutObject evil k" in lines[0]
    assert (
        "2026-11-22 08:05:00.000 10.0.0.3 deny BUCKET_NOT_LISTED PutObject b-0 k  and 39 more like it"
        in lines[2]
    )


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        pytest.param(["--reason", "HOST_MISMATCH"], 1, id="reason"),
        pytest.param(["--client", "10.0.0.2"], 2, id="client"),
        pytest.param(["--bucket", "good"], 10, id="bucket"),
        pytest.param(["--bucket", "evil.s3.eu-west-1.amazonaws.com"], 1, id="host"),
        pytest.param(["--denied"], 42, id="refusals"),
        pytest.param(["--denied", "--bucket", "good"], 0, id="both"),
    ],
)
def test_filters(journal: Path, filters: list[str], count: int) -> None:
    lines = [json.loads(line) for line in run(journal, "-n", 99, "--json", *filters).stdout.splitlines()]
    assert len(lines) == count


def test_a_decision_by_its_id_comes_with_how_it_ended(journal: Path) -> None:
    allowed = next(one for one in traffic() if one.get("decision") == "allow")
    told = run(journal, "--decision", allowed["decision_id"])
    assert told.exit_code == 0
    first, second = told.output.splitlines()
    assert "allow ALLOWED_BY_RULE" in first
    assert "completed 200, request id" in second
    lines = run(journal, "--decision", allowed["decision_id"], "--json").output.splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["egress", "completion"]


def test_a_decision_that_is_not_there_is_a_no(journal: Path) -> None:
    told = run(journal, "--decision", "01NOSUCHDECISION")
    assert (told.exit_code, told.stdout) == (1, "")
    assert "another gate may have made it" in told.stderr


def test_nothing_to_show_is_said_and_no_mistake(journal: Path) -> None:
    told = run(journal, "--bucket", "nobody-asked")
    assert (told.exit_code, told.stdout) == (0, "")
    assert "is like that" in told.stderr


@pytest.mark.parametrize(
    ("given", "then"),
    [
        ("BUCKET_NOT_LISTD", "write BUCKET_NOT_LISTED"),
        ("x", "config/audit.schema.json"),
        ("not_tls", "NOT_TLS"),
    ],
    ids=["slip", "nothing near", "case"],
)
def test_a_reason_that_is_none_is_refused(journal: Path, given: str, then: str) -> None:
    told = run(journal, "--reason", given)
    assert (told.exit_code, then in told.output) == (2, True), told.output


def test_who_never_came_to_ask_for_a_bucket_is_shown_by_the_name_of_the_tunnel() -> None:
    record = decision(Reason.NOT_TLS, "b", "10.0.0.1", 1)
    record["request"] = {"connect": "b.s3.eu-west-1.amazonaws.com:443"}
    assert render_line(Told(record)).plain.endswith("deny NOT_TLS - b.s3.eu-west-1.amazonaws.com:443 -")


def test_what_is_appended_is_followed_across_segments(tmp_path: Path) -> None:
    opened = Journal.open(tmp_path, "w1", KEY, 1 << 20, segment_bytes=3000)

    def append(first: int, count: int) -> None:
        async def all_of_them() -> None:
            for number in range(first, first + count):
                await opened.append(decision(Reason.TIMEOUT, "b", "10.0.0.1", number), Kind.DENY)

        asyncio.run(all_of_them())

    append(0, 5)
    follower = Follower(tmp_path)
    assert list(follower.look()) == []
    append(5, 9)
    assert [json.loads(line)["audit_id"] for line in follower.look()] == [
        f"a{number}" for number in range(5, 14)
    ]
    other = Journal.open(tmp_path, "w2", KEY, 1 << 20)
    asyncio.run(other.append(decision(Reason.TIMEOUT, "b", "10.0.0.1", 99), Kind.DENY))
    append(14, 1)
    assert sorted(json.loads(line)["audit_id"] for line in follower.look()) == ["a14", "a99"]
    assert list(follower.look()) == []
    other.close()
    opened.close()


def test_nothing_that_a_client_sends_moves_the_terminal() -> None:
    record = decision(Reason.BUCKET_NOT_LISTED, "\x1b[2J[red]\u202e", "10.0.0.1", 1)
    text = render_line(Told(record)).plain
    assert text.isprintable()
    assert "[red]" in text


def test_ocsf_events_say_which_refusals_are_severe(journal: Path) -> None:
    events = [json.loads(line) for line in run(journal, "-n", 99, "--format", "ocsf").output.splitlines()]
    assert {event["class_uid"] for event in events} == {4002}
    assert [event["status_code"] for event in events if event["severity_id"] == 4] == ["HOST_MISMATCH"]
    assert sum(event["action_id"] == 2 for event in events) == 42


def test_no_journal(tmp_path: Path) -> None:
    assert run(tmp_path / "none").exit_code == 2
