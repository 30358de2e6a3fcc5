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
    assert result.output.count("✓") == 15
    assert "to allow it" not in result.output


def test_a_denial_tells_sentence_and_step() -> None:
    result = explain("https://evil.s3.ap-northeast-1.amazonaws.com/x")
    assert result.exit_code == 1
    assert "decision        deny, BUCKET_NOT_LISTED\n" in result.output
    assert "                ✓  9. The endpoint and what it names are open.\n" in result.output
    assert "                ✗ 10. The bucket is listed.\n" in result.output
    assert "                · 11. The operation is known.\n" in result.output


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
    lines = text.replace("\\\n", " ").splitlines()
    words = shlex.split(next(one for one in lines if one.strip().startswith("s3gate explain --policy")))
    words[words.index("config/policy.yaml")] = POLICY
    assert CliRunner().invoke(main, words[1:]).exit_code == 0


SECRETS = ("FwoGZXIvYXdzEBYaD", "1fbd3537e8a60fb82cd16b7411ccdcbd")
DEBUG = (
    "2026-11-22 12:24:27,304 - MainThread - botocore.endpoint - DEBUG - Sending http request: "
    "<AWSPreparedRequest stream_output=False, method=DELETE, url=https://example-uploads.s3.ap-northeast-1.amazonaws.com/"
    f"incoming/k, headers={{'X-Amz-Date': b'20261122T122427Z', 'X-Amz-Security-Token': b'{SECRETS[0]}', "
    "'X-Amz-Content-SHA256': b'UNSIGNED-PAYLOAD', 'Authorization': b'AWS4-HMAC-SHA256 Credential="
    "AKIARTX3GSDSQAAACAQD/20261122/ap-northeast-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date;"
    f"x-amz-security-token, Signature={SECRETS[1]}'}}>"
)


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_what_awscli_printed_is_explained_without_its_secrets(more: list[str]) -> None:
    result = explain("--paste", "-", "--client", "10.20.0.5", *more, stdin=DEBUG)
    assert result.exit_code == 1, result.output
    assert "OPERATION_NOT_ALLOWED" in result.output
    assert "add `DeleteObject` to `allow` of rule `uploads`" in " ".join(result.output.split())
    assert not any(one in result.output for one in SECRETS)


def test_who_asked_is_not_in_what_awscli_prints() -> None:
    result = explain("--paste", "-", stdin=DEBUG)
    assert "note            who asked is not in it: judged as 127.0.0.1;" in result.output
    assert "CLIENT_NOT_ALLOWED" in result.output


def test_another_key_takes_the_place_of_the_pasted_signature() -> None:
    result = explain(
        "--paste", "-", "--client", "10.20.0.5", "--key-id", "AKIAIOSFODNN7EXAMPLE", "--json", stdin=DEBUG
    )
    assert json.loads(result.output)["access_key_id"] == "AKIAIOSFODNN7EXAMPLE"
    assert json.loads(result.output)["account"] is None


def test_a_record_of_the_journal_is_explained_at_its_time() -> None:
    host = "example-uploads.s3.ap-northeast-1.amazonaws.com"
    record = {
        "event": "egress",
        "time": "2026-11-22T08:30:00.123456Z",
        "decision": "deny",
        "reason": "KEY_NOT_ALLOWED",
        "rule": "uploads",
        "client": {"address": "10.20.0.5"},
        "request": {
            "method": "PUT", "scheme": "https", "connect": f"{host}:443", "sni": host, "host_header": host,
            "target": "/outgoing/k", "bucket": "example-uploads", "key": "outgoing/k", "key_form": "full", "style": "virtual",
        },
        "identity": {"access_key_id": KEY_ID, "signature_version": "v4", "presigned": False},
    }  # fmt: skip
    result = explain("--paste", "-", stdin=json.dumps(record))
    assert result.exit_code == 1, result.output
    assert "note            recorded 2026-11-22T08:30:00.123456Z: deny, KEY_NOT_ALLOWED" in result.output
    assert "decision        deny, KEY_NOT_ALLOWED\n" in result.output
    assert "add `outgoing/k` to `keys` of rule `uploads`" in " ".join(result.output.split())


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--paste", "-", UPLOAD], id="and a url"),
        pytest.param(["--paste", "-", "--method", "PUT"], id="and a method"),
        pytest.param(["--paste", "-", "--header", "a: b"], id="and a header"),
        pytest.param(["--paste", "-"], id="nothing pasted"),
        pytest.param(["--paste", "/nowhere/debug.log"], id="no such file"),
    ],
)
def test_bad_pastes(arguments: list[str]) -> None:
    assert explain(*arguments, stdin="").exit_code == 2


@pytest.mark.parametrize("more", [[], ["--json"]])
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([UPLOAD + f"?X-Amz-Signature={SECRETS[1]}"], id="signature alone"),
        pytest.param(
            [UPLOAD + f"?X-Amz-Signature={SECRETS[1]}&x-amz-signature={SECRETS[1]}%zz"], id="signature twice"
        ),
        pytest.param([UPLOAD + f"?X-Amz-Security-Token={SECRETS[0]}%zz"], id="token"),
        pytest.param([UPLOAD.replace("://", f"://user:{SECRETS[0]}@")], id="password"),
        pytest.param([UPLOAD, "--header", f"Authorization: {SECRETS[1]}"], id="authorization"),
        pytest.param([UPLOAD, "--header", f"Proxy-Authorization: Basic {SECRETS[1]}"], id="proxy password"),
        pytest.param(
            [UPLOAD, "--header", f"x-amz-security-token: {SECRETS[0]}\x01"], id="token with a control"
        ),
        pytest.param(
            [UPLOAD, "--header", f"x-amz-server-side-encryption-customer-key: {SECRETS[0]}"], id="key"
        ),
    ],
)
def test_no_secret_comes_out(arguments: list[str], more: list[str]) -> None:
    result = explain(*arguments, *more)
    assert result.exit_code == 1, result.output
    assert not any(one in result.output for one in SECRETS)


def test_errors_repeat_no_secret() -> None:
    for arguments in (
        ["--header", f"Authorization {SECRETS[1]}", UPLOAD],
        [f"ftp://user:{SECRETS[0]}@h/k?X-Amz-Signature={SECRETS[1]}"],
    ):
        result = explain(*arguments)
        assert result.exit_code == 2
        assert not any(one in result.output for one in SECRETS)


def test_the_json_of_one_request_tells_all_that_a_person_is_told() -> None:
    result = explain(UPLOAD, "--method", "DELETE", "--key-id", KEY_ID, "--client", "10.20.0.5", "--json")
    answer = json.loads(result.output)
    assert (answer["step"], answer["rule"], answer["rule_line"]) == (12, "uploads", 22)
    assert answer["detail"] == "DeleteObject is not allowed on this bucket"
    assert answer["change"] == {
        "edits": [{"line": 24, "change": "add `DeleteObject` to `allow` of rule `uploads`", "caution": None}],
        "then": "ALLOWED_BY_RULE",
    }
    assert answer["advice"] is None


CLIENTS = """\
version: 1
endpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard]}
unsigned: allow
clients:
  people: {users: [alice]}
  shop: {vpc_endpoints: [vpce-0123456789abcdef0]}
  office: {cidrs: [10.0.0.0/8]}
  lab: {cidrs: [10.1.0.0/16]}
rules:
  - {id: theirs, bucket: bucket-a, allow: [read], clients: [people, shop, office]}
"""
ASKED = [
    ("a user", {"user": "alice"}, "ALLOWED_BY_RULE"),
    ("another user", {"user": "bob"}, "CLIENT_NOT_ALLOWED"),
    ("nobody", {}, "PROXY_AUTH_REQUIRED"),
    ("an endpoint", {"vpc_endpoint": "vpce-0123456789abcdef0"}, "ALLOWED_BY_RULE"),
    ("another endpoint", {"vpc_endpoint": "vpce-0123456789abcdef1"}, "PROXY_AUTH_REQUIRED"),
    ("a network", {"client": "10.2.0.1"}, "ALLOWED_BY_RULE"),
    ("a network within", {"client": "10.1.0.1"}, "CLIENT_NOT_ALLOWED"),
    ("a user there", {"client": "10.1.0.1", "user": "alice"}, "ALLOWED_BY_RULE"),
]


@pytest.mark.parametrize(("name", "asked", "reason"), ASKED, ids=[row[0] for row in ASKED])
def test_who_asks_by_options_and_as_a_line(
    tmp_path: Path, name: str, asked: dict[str, str], reason: str
) -> None:
    path, url = tmp_path / "policy.yaml", "https://bucket-a.s3.eu-west-1.amazonaws.com/k"
    path.write_text(CLIENTS, encoding="utf-8")
    words = [word for key, value in asked.items() for word in (f"--{key.replace('_', '-')}", value)]
    given = {"client": "192.0.2.1", **asked}
    options = CliRunner().invoke(
        main, ["explain", "--policy", str(path), "--client", "192.0.2.1", *words, "--json", url]
    )
    line = json.dumps({"id": name, "method": "GET", "url": url, **given})
    lines = CliRunner().invoke(main, ["explain", "--policy", str(path), "--jsonl"], input=line + "\n")
    for result in (options, lines):
        assert json.loads(result.stdout)["reason"] == reason
