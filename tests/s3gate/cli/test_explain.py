"""`s3gate explain`, as a person and as a machine call it."""

import json
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from s3gate.cli import main

CONFIG = Path(__file__).parents[3] / "config"
POLICY = str(CONFIG / "policy.yaml")
UPLOAD = "https://example-uploads.s3.ap-northeast-1.amazonaws.com/incoming/a.txt"
KEY_ID = "AKIARTX3GSDSQAAACAQD"


def explain(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ["explain", "--policy", POLICY, *arguments], input=stdin)


def test_an_allow_tells_reading_and_rule() -> None:
    result = explain(UPLOAD, "--method", "PUT", "--key-id", KEY_ID, "--client", "10.20.0.5")
    assert result.exit_code == 0, result.output
    assert "operation       PutObject\n" in result.output
    assert "account         111122223333\n" in result.output
    assert "decision        allow, ALLOWED_BY_RULE\n" in result.output
    assert f"rule            uploads ({POLICY}:22)\n" in result.output
    assert "step " not in result.output


def test_a_denial_tells_sentence_and_step() -> None:
    result = explain("https://evil.s3.ap-northeast-1.amazonaws.com/x")
    assert result.exit_code == 1
    assert "decision        deny, BUCKET_NOT_LISTED\n" in result.output
    assert "step            10. The bucket is listed.\n" in result.output


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        pytest.param(["--sni", "evil.s3.amazonaws.com"], "SNI_MISMATCH", id="sni"),
        pytest.param(["--sni", ""], "SNI_MISSING", id="no sni"),
        pytest.param(["--connect", "evil.s3.amazonaws.com:443"], "SNI_MISMATCH", id="connect"),
        pytest.param(["--header", "Host: evil.s3.amazonaws.com"], "HOST_MISMATCH", id="host"),
        pytest.param(["--client", "192.0.2.1"], "CLIENT_NOT_ALLOWED", id="client"),
        pytest.param(["--method", "DELETE"], "OPERATION_NOT_ALLOWED", id="method"),
        pytest.param(
            ["--header", "x-amz-copy-source: evil/k", "--method", "PUT"], "COPY_SOURCE_NOT_LISTED", id="copy"
        ),
    ],
)
def test_one_thing_changed(arguments: list[str], reason: str) -> None:
    base = [UPLOAD, "--key-id", KEY_ID, "--client", "10.20.0.5", "--json"]
    result = explain(*base, *arguments)
    assert result.exit_code == 1
    assert json.loads(result.output)["reason"] == reason


def test_the_clock_can_be_set() -> None:
    result = explain(UPLOAD, "--key-id", KEY_ID, "--client", "10.20.0.5", "--now", "2030-01-01T00:00:00Z")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="nothing"),
        pytest.param([UPLOAD, "--jsonl"], id="both"),
        pytest.param(["not a url"], id="no url"),
        pytest.param([UPLOAD, "--client", "office"], id="client"),
        pytest.param([UPLOAD, "--now", "today"], id="now"),
        pytest.param([UPLOAD, "--header", "no colon"], id="header"),
        pytest.param([UPLOAD, "--policy", "/nowhere/policy.yaml"], id="no policy"),
    ],
)
def test_bad_input(arguments: list[str]) -> None:
    assert explain(*arguments).exit_code == 2


def test_a_wrong_policy_is_told_and_decides_nothing(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("version: 3\n", encoding="utf-8")
    result = explain(UPLOAD, "--policy", str(path))
    assert result.exit_code == 2
    assert f"{path}:1:10: `3` is not one of `1`" in result.stderr
    assert result.stdout == ""


def test_a_stream_is_answered_line_by_line() -> None:
    line = json.dumps({"id": "1", "method": "GET", "url": "https://evil.s3.ap-northeast-1.amazonaws.com/x"})
    result = explain("--jsonl", stdin=f"{line}\n{line}\n")
    assert result.exit_code == 0
    assert [json.loads(one)["reason"] for one in result.stdout.splitlines()] == ["BUCKET_NOT_LISTED"] * 2


def test_a_stream_with_a_line_that_is_no_json_exits_2() -> None:
    result = explain("--jsonl", stdin="nope\n")
    assert result.exit_code == 2
    assert json.loads(result.stdout) == {"id": None, "decision": "deny", "reason": "MALFORMED_REQUEST"}


def test_the_example_of_the_help_runs() -> None:
    text = CliRunner().invoke(main, ["explain", "--help"]).output
    start = text.index("s3gate explain --policy")
    example = text[start : text.index("s3gate explain --policy", start + 1)].replace("\\\n", " ")
    words = shlex.split(example)
    words[words.index("config/policy.yaml")] = POLICY
    assert CliRunner().invoke(main, words[1:]).exit_code == 0
