"""`s3gate import squid`, as a person and as a machine call it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from s3gate.cli import main

NAME = "uploads.s3.eu-west-1.amazonaws.com"


def run(file: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["import", "squid", str(file), *arguments])


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    file = tmp_path / "whitelist.txt"
    file.write_text(f"{NAME}\n.s3.eu-west-1.amazonaws.com\nsts.eu-west-1.amazonaws.com\n")
    return file


def test_the_policy_goes_out_and_the_notes_beside_it(listed: Path, tmp_path: Path) -> None:
    result = run(listed, "--account", "111122223333")
    assert result.exit_code == 0, result.output
    assert f"{listed}:2: `.s3.eu-west-1.amazonaws.com`: it matches every bucket of everybody" in result.stderr
    assert "    next: write one name for each bucket\n" in result.stderr
    assert "2 names taken over, 1 note on what is not\n" in result.stderr
    policy = tmp_path / "policy.yaml"
    policy.write_text(result.stdout)
    assert CliRunner().invoke(main, ["check", "--policy", str(policy)]).exit_code == 0


def test_without_an_account_check_refuses_and_the_next_step_is_told(listed: Path, tmp_path: Path) -> None:
    result = run(listed)
    assert "next: write your account for `ACCOUNT-ID` under `hosts`, or give --account\n" in result.stderr
    policy = tmp_path / "policy.yaml"
    policy.write_text(result.stdout)
    checked = CliRunner().invoke(main, ["check", "--policy", str(policy)])
    assert checked.exit_code == 2
    assert "`ACCOUNT-ID` is not an account id" in checked.output


def test_json(listed: Path) -> None:
    result = run(listed, "--json", "--allow", "GetObject", "--by-bucket")
    *told, last = map(json.loads, result.stdout.splitlines())
    assert told[0] == {"taken": NAME, "bucket": "uploads", "places": [f"{listed}:1"], "clients": []}
    assert (told[2]["line"], told[2]["text"]) == (2, ".s3.eu-west-1.amazonaws.com")
    assert "allow: [GetObject]" in last["policy"]


def test_nothing_to_take_over(tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_text(".amazonaws.com\n")
    result = run(file)
    assert result.exit_code == 1
    assert "0 names taken over" in result.stderr
    assert "next: write your region for `REGION`" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--account", "1"], "`1` is not an account id of 12 digits"),
        (["--allow", "everything"], "`everything` is neither an operation class nor an S3 operation"),
    ],
)
def test_wrong_words_are_told(listed: Path, arguments: list[str], said: str) -> None:
    result = run(listed, *arguments)
    assert (result.exit_code, said in result.output) == (2, True), result.output


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    result = run(tmp_path / "nothing")
    assert result.exit_code == 2
    assert "cannot be read" in result.output
