"""`s3gate replay`, as a person and as a machine call it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from audit_records import write_journal
from generate.asks import FOREIGN, POLICY, Ask, policy
from generate.recorded import record
from s3gate.cli import main
from s3gate.replay.tally import CLIENTS_MAX

READS = POLICY.replace("[read, write, list, delete]", "[read]")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "old.yaml").write_text(POLICY)
    (tmp_path / "reads.yaml").write_text(READS)
    by = policy()
    records = [
        record(by, Ask()),
        *[record(by, Ask(method="PUT", key=key)) for key in (None, FOREIGN, FOREIGN)],
    ]
    write_journal(tmp_path / "audit", records)
    return tmp_path


def run(place: Path, *arguments: str, new: str = "reads.yaml") -> Result:
    journal = str(place / "audit")
    return CliRunner().invoke(main, ["replay", "--policy", str(place / new), *arguments, journal])


def test_what_changes_is_told_by_kinds_with_an_example(place: Path) -> None:
    result = run(place, "--before", str(place / "old.yaml"))
    assert result.exit_code == 1, result.output
    assert "4 decisions, 2026-11-22 12:00:00 to 2026-11-22 12:00:00 UTC" in result.output
    assert "           1 the same\n           3 would change\n           0 cannot be told\n" in result.output
    assert "        2 x ALLOWED_BY_RULE -> OPERATION_NOT_ALLOWED (rule data)\n" in result.output
    assert "            good-bucket PutObject, by 10.0.0.1\n" in result.output
    assert max(map(len, result.output.splitlines()[1:])) <= 80


def test_nothing_to_judge_is_no_proof_that_nothing_changes(place: Path) -> None:
    (place / "other.jsonl").write_text('{"event":"heartbeat"}\n')
    arguments = ["--policy", str(place / "old.yaml"), str(place / "other.jsonl")]
    result = CliRunner().invoke(main, ["replay", *arguments])
    assert (result.exit_code, "nothing was judged" in result.output) == (2, True)


def test_clients_that_were_not_kept_are_not_counted_as_none(place: Path) -> None:
    by = policy()
    records = [record(by, Ask(method="PUT", client=f"10.1.0.{number}")) for number in range(CLIENTS_MAX + 9)]
    write_journal(place / "many", records)
    arguments = [
        "--policy",
        str(place / "reads.yaml"),
        "--before",
        str(place / "old.yaml"),
        str(place / "many"),
    ]
    result = CliRunner().invoke(main, ["replay", *arguments])
    assert f"by 10.1.0.0, 10.1.0.1, 10.1.0.10 and at least {CLIENTS_MAX - 3} others\n" in result.output


def test_nothing_changes_by_the_same_policy(place: Path) -> None:
    result = run(place, new="old.yaml")
    assert result.exit_code == 0, result.output
    assert "           4 the same\n" in result.output


def test_without_the_old_policy_more_is_open_and_the_next_step_says_so(place: Path) -> None:
    (place / "other.yaml").write_text(POLICY.replace("hosts:", "plain_http: head\nhosts:"))
    result = run(place, new="other.yaml")
    assert result.exit_code == 1
    assert "           1 the same\n           0 would change\n           3 cannot be told\n" in result.output
    assert "        2 x ALLOWED_BY_RULE -> ALLOWED_BY_RULE or " in result.output
    assert "hangs on headers that ask for more (ACL, tags, lock)\n" in result.output
    assert (
        f"next: 3 of them were decided by {policy().digest[:19]}…; give that file with --before"
        in result.output
    )


def test_json_has_a_line_a_decision_and_the_counts(place: Path) -> None:
    result = run(place, "--json", "--before", str(place / "old.yaml"), "--processes", "1")
    *told, counts = map(json.loads, result.output.splitlines())
    assert [(one["outcome"], one["was"], one["now"]) for one in told][1:] == [
        ("changed", "ALLOWED_BY_RULE", ["OPERATION_NOT_ALLOWED"])
    ] * 2
    assert (told[0]["decision_id"], told[0]["bucket"], told[0]["key"], told[0]["client"]) == (
        "d",
        "good-bucket",
        "k",
        "10.0.0.1",
    )
    assert (counts["decisions"], counts["same"], counts["changed"], counts["unknown"]) == (4, 1, 3, 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--policy", "POLICY", "--at", "soon", "JOURNAL"], "`soon` is no time"),
        (["--policy", "POLICY", "JOURNAL/nothing"], "cannot be read"),
        (["--policy", "POLICY/nothing", "JOURNAL"], "cannot be read"),
    ],
)
def test_wrong_input_is_told(place: Path, arguments: list[str], said: str) -> None:
    names = {"POLICY": str(place / "old.yaml"), "JOURNAL": str(place / "audit")}
    given = [one.replace("POLICY", names["POLICY"]).replace("JOURNAL", names["JOURNAL"]) for one in arguments]
    result = CliRunner().invoke(main, ["replay", *given])
    assert result.exit_code == 2, result.output
    assert said in result.output


def test_the_clock_is_that_of_the_question(place: Path) -> None:
    (place / "watched.yaml").write_text(READS + "mode: monitor\nuntil: 2026-12-31\n")
    before = ["--before", str(place / "old.yaml")]
    assert (
        "MONITOR_ONLY(OPERATION_NOT_ALLOWED)"
        in run(place, *before, "--at", "2026-12-31T23:59:59Z", new="watched.yaml").output
    )
    assert (
        "MONITOR_ONLY" not in run(place, *before, "--at", "2027-01-01T00:00:00Z", new="watched.yaml").output
    )
