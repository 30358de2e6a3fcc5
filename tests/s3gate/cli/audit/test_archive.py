"""`s3gate audit archive` against the emulator: put, read back by `verify`, and prune where nothing is shipped."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner, Result

from gate_process import SETTINGS, GateFiles
from s3gate.audit.journal import Journal, Kind
from s3gate.audit.segment import list_segments
from s3gate.cli.audit.archive import archive_command
from s3gate.cli.audit.verify import verify_command
from s3gate.demo.alarm_chain import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from s3gate.demo.emulator import Emulator
from s3gate.settings.source import read_hmac_key

REGION = "eu-west-1"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)


def bucket(emulator: Emulator, name: str, *, lock: bool = True) -> None:
    s3 = boto3.session.Session(region_name=REGION).client("s3", endpoint_url=emulator.url)
    where = {"LocationConstraint": REGION}
    s3.create_bucket(Bucket=name, CreateBucketConfiguration=where, ObjectLockEnabledForBucket=lock)


def journal(tmp_path: Path) -> Path:
    config = GateFiles(tmp_path).write()
    key = read_hmac_key(tmp_path / "audit.key")
    opened = Journal.open(tmp_path / "audit", "w1", key, 1 << 20, segment_bytes=1000)

    async def fill() -> None:
        for number in range(20):
            await opened.append({"event": "egress", "n": number}, Kind.DENY)

    asyncio.run(fill())
    opened.close()
    return config


def run(config: Path, emulator: Emulator, *arguments: str) -> Result:
    where = ["--config", str(config), "--region", REGION, "--endpoint-url", emulator.url]
    return CliRunner().invoke(archive_command, [*arguments, *where])


def test_put_verified_and_pruned(tmp_path: Path, emulator: Emulator) -> None:
    config = journal(tmp_path)
    bucket(emulator, "kept")
    sealed = len(list_segments(tmp_path / "audit" / "w1")) - 1
    first = run(config, emulator, "s3://kept/a/", "--retain-days", "30")
    assert (first.exit_code, first.output) == (0, f"w1: {sealed} segments put, 0 there already\n")
    unlocked = run(config, emulator, "s3://kept/a/", "--prune")
    assert (unlocked.exit_code, "--retain-days" in unlocked.output) == (3, True), "the bucket retains nothing"
    again = run(config, emulator, "s3://kept/a/", "--prune", "--retain-days", "30")
    assert (again.exit_code, again.output) == (0, f"w1: 0 segments put, {sealed} there already\n")
    assert len(list_segments(tmp_path / "audit" / "w1")) == 1
    key = ["--key-file", str(tmp_path / "audit.key")]
    where = ["--region", REGION, "--endpoint-url", emulator.url]
    archived = CliRunner().invoke(verify_command, ["s3://kept/a/", *key, *where])
    assert (archived.exit_code, "whole and unaltered" in archived.output) == (0, True), archived.output
    left = CliRunner().invoke(verify_command, [str(tmp_path / "audit"), *key])
    assert left.exit_code == 0, left.output


def test_another_object_of_that_name(tmp_path: Path, emulator: Emulator) -> None:
    config = journal(tmp_path)
    bucket(emulator, "differs")
    s3 = boto3.session.Session(region_name=REGION).client("s3", endpoint_url=emulator.url)
    s3.put_object(Bucket="differs", Key="w1/00000000000000000001.jsonl", Body=b"x")
    before = len(list_segments(tmp_path / "audit" / "w1"))
    result = run(config, emulator, "s3://differs", "--prune", "--retain-days", "30")
    assert (result.exit_code, "another object has its name" in result.output) == (1, True)
    assert len(list_segments(tmp_path / "audit" / "w1")) == before


def test_what_cannot_be_is_told(tmp_path: Path, emulator: Emulator) -> None:
    config = journal(tmp_path)
    bucket(emulator, "unlocked", lock=False)
    assert run(config, emulator, "s3://unlocked").exit_code == 3
    assert run(config, emulator, "unlocked").exit_code == 2
    (tmp_path / "s3gate.yaml").write_text(SETTINGS.replace("{enabled: false}", "{region: eu-west-1}"))
    assert "prunes by itself" in run(config, emulator, "s3://unlocked", "--prune").output
