"""`s3gate audit drain` as an operator runs it, against the fake of CloudWatch Logs."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from faults.fake_logs import FakeLogs, Fault
from gate_process import SETTINGS, GateFiles
from s3gate.audit.journal import Journal, Kind
from s3gate.cli.audit.drain import drain_command
from s3gate.settings.source import read_hmac_key


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE00")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "invented")


def config(tmp_path: Path, fake: FakeLogs) -> Path:
    where = f'{{region: eu-west-1, endpoint_url: "{fake.url}", log_group: {fake.group}}}'
    return GateFiles(tmp_path, settings=SETTINGS.replace("{enabled: false}", where)).write()


def writer(tmp_path: Path, name: str, count: int) -> Journal:
    journal = Journal.open(tmp_path / "audit", name, read_hmac_key(tmp_path / "audit.key"), 1 << 20)

    async def fill() -> None:
        for number in range(count):
            await journal.append({"event": "egress", "audit_id": f"{name}-{number}"}, Kind.DENY)

    asyncio.run(fill())
    return journal


def run(*arguments: str) -> Result:
    return CliRunner().invoke(drain_command, list(arguments))


def test_the_dead_are_emptied_and_the_living_let_alone(tmp_path: Path) -> None:
    with FakeLogs() as fake:
        path = config(tmp_path, fake)
        writer(tmp_path, "dead", 3).close()
        living = writer(tmp_path, "living", 2)
        result = run("--config", str(path))
        living.close()
        assert (result.exit_code, result.output) == (
            0,
            "dead: 3 records delivered, nothing is left\nliving: its writer runs, and ships by itself\n",
        )
        assert [json.loads(text)["audit_id"] for text in fake.messages()] == ["dead-0", "dead-1", "dead-2"]
        assert list(fake.streams) == [(fake.group, "dead")]


def test_cloudwatch_out_of_reach_is_the_environments_fault(tmp_path: Path) -> None:
    with FakeLogs(faults=[Fault.ACCESS_DENIED] * 99) as fake:
        path = config(tmp_path, fake)
        writer(tmp_path, "dead", 3).close()
        result = run("--config", str(path), "--timeout", "0.5")
    assert (result.exit_code, result.stdout) == (
        3,
        "dead: 0 records delivered, 3 are left: AccessDeniedException\n",
    )


def test_nowhere_to_drain_to(tmp_path: Path) -> None:
    result = run("--config", str(GateFiles(tmp_path).write()))
    assert result.exit_code == 2
    assert "archive" in result.output
