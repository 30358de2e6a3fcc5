"""`s3gate doctor` as a person runs it: on a client of the real gate, and on the gate."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bare_environment import make_bare
from gate_process import SETTINGS, GateFiles, await_ports, stop
from s3gate.cli.doctor import command
from s3gate.doctor.client import EXEMPT


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make_bare(monkeypatch, tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments))


@pytest.mark.e2e
def test_a_client_and_the_gate_of_one_world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A client that lacks everything, one that has everything, and the gate's own machine."""
    files = GateFiles(tmp_path / "gate")
    process = files.start()
    try:
        gate, health, _ = await_ports(process)
        nothing = run()
        assert nothing.exit_code == 1
        assert "✗ proxy is set" in nothing.output
        assert "  next: export HTTPS_PROXY=" in nothing.output

        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{gate}")
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "gate" / "ca.pem"))
        monkeypatch.setenv("NO_PROXY", EXEMPT)
        everything = run("--region", "eu-west-1", "--canary", "--json")
        assert (everything.exit_code, everything.stderr) == (0, ""), everything.output
        told = [json.loads(line) for line in everything.output.splitlines()]
        assert {one["outcome"] for one in told} == {"fine"}
        assert told[-1]["name"] == "canary is refused"
        assert "BUCKET_NOT_LISTED" in told[-1]["detail"]

        config = tmp_path / "gate" / "s3gate.yaml"
        ports = SETTINGS.replace(
            "health: {host: 127.0.0.1, port: 0}", f"health: {{host: 127.0.0.1, port: {health}}}"
        )
        ports = ports.replace(
            "listen: {host: 127.0.0.1, port: 0}", f"listen: {{host: 127.0.0.1, port: {gate}}}"
        )
        config.write_text(ports + 'dns: {nameservers: ["127.0.0.1:1"], timeout_s: 0.1}\n')
        (tmp_path / "gate" / "ca.key").chmod(0o600)
        on_gate = run("--config", str(config), "--canary")
        assert on_gate.exit_code == 1, "the name server does not answer"
        marks = {line[2:26].strip(): line[0] for line in on_gate.output.splitlines() if line[0] in "✓✗?-"}
        assert marks == {
            "settings": "✓",
            "policy": "✓",
            "CA": "✓",
            "journal": "✓",
            "DNS answers": "✗",
            "gate is ready": "✓",
            "shipping": "-",
            "canary is refused": "✓",
        }, on_gate.output
    finally:
        stop(process)


def test_what_cannot_be_tried_is_the_environments_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is set is fine, and the canary finds nobody: not known is not fine."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", EXEMPT)
    result = run("--canary")
    assert result.exit_code == 1
    assert "? canary is refused" in result.output
    assert "✗ proxy answers" in result.output


def test_a_password_is_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://operator:hunter2secret@127.0.0.1:1")
    for arguments in (["--canary"], ["--canary", "--json"]):
        result = run(*arguments)
        assert result.exit_code == 1
        for secret in ("hunter2secret", "operator", "aHVudGVy", "b3BlcmF0b3I"):
            assert secret not in result.output + result.stderr


def test_lines_read_well_at_80_columns_but_for_details() -> None:
    assert all(len(line) <= 80 for line in CliRunner().invoke(command, ["--help"]).output.splitlines())


def test_wrong_settings(tmp_path: Path) -> None:
    result = run("--config", str(tmp_path / "none.yaml"))
    assert result.exit_code == 1
    assert "✗ settings" in result.output
    assert "? gate is ready" in result.output
