"""What a start opens is there, or one sentence says why it does not start."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drive.sources import run_aws
from gate_process import SETTINGS, GateFiles
from s3gate.audit.chain import parse_link
from s3gate.audit.journal import Journal, Kind
from s3gate.audit.reader import read_lines
from s3gate.loading import CannotStart
from s3gate.opening import load_authority, make_runtime, open_journal
from s3gate.proxy.authority import CA_DAYS
from s3gate.settings import Settings, read_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings(GateFiles(tmp_path).write(), {})


def test_the_settings_reach_the_runtime(settings: Settings) -> None:
    runtime = make_runtime(settings, load_authority(settings))
    assert (runtime.host, runtime.port, runtime.trusted_proxies) == ("127.0.0.1", 0, None)
    assert runtime.networks.public


def test_a_ca_that_cannot_be_used_is_said(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(secrets.token_bytes(64))
    with pytest.raises(CannotStart, match="PEM"):
        load_authority(settings)


@pytest.mark.parametrize(
    ("days", "told"),
    [(CA_DAYS + 1, "the CA ended on .*; make another with `s3gate ca init"), (-1, "set the clock")],
    ids=["ended", "not yet"],
)
def test_a_ca_that_nobody_would_believe_now_is_said(settings: Settings, days: int, told: str) -> None:
    with pytest.raises(CannotStart, match=told):
        load_authority(settings, datetime.now(UTC) + timedelta(days=days))


def test_a_journal_that_cannot_be_had_is_said_with_the_next_step(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "audit").write_bytes(b"a file")
    with (
        pytest.raises(CannotStart, match=r"Not a directory; `audit\.directory` must be"),
        open_journal(settings),
    ):
        pass


def test_a_key_that_went_away_meanwhile_is_said(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "audit.key").unlink()
    with pytest.raises(CannotStart, match="openssl rand"), open_journal(settings):
        pass


def test_a_ca_with_its_key_in_one_place_is_read_once(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who replaces the file between two reads would leave half of each CA."""
    both = tmp_path / "both.pem"
    both.write_bytes((tmp_path / "ca.key").read_bytes() + (tmp_path / "ca.pem").read_bytes())
    reads: list[Path] = []

    def read(path: Path) -> bytes:
        reads.append(path)
        with path.open("rb") as file:
            return file.read()

    monkeypatch.setattr(Path, "read_bytes", read)
    ca = settings.ca.model_copy(update={"certificate": both, "private_key": both})
    authority = load_authority(settings.model_copy(update={"ca": ca}))
    assert reads.count(both) == 1
    assert authority.certificate_pem() == read(tmp_path / "ca.pem")


def test_each_process_takes_a_journal_of_its_own(settings: Settings) -> None:
    with open_journal(settings) as first:
        with open_journal(settings) as second:
            assert first.directory != second.directory
        with open_journal(settings) as third:
            assert third.directory == second.directory, "what a process leaves, the next one takes"


def test_a_host_of_the_same_name_with_another_disk_has_another_chain(tmp_path: Path) -> None:
    """Its address was given again: both chains lie in one log group, and neither forges the other."""
    lines: list[bytes] = []
    writers: set[str] = set()
    for disk in ("first", "second"):
        (tmp_path / disk).mkdir()
        settings = read_settings(GateFiles(tmp_path / disk).write(), {})
        with open_journal(settings) as journal:
            asyncio.run(append_one(journal))
        with open_journal(settings) as again:
            assert again.directory == journal.directory
        writers.add(journal.directory.name)
        lines += read_lines(journal.directory)
    assert len(writers) == 2
    assert sorted(link.seq for line in lines if (link := parse_link(line)) is not None) == [1, 1]


def test_a_journal_of_the_older_form_is_gone_on_with(settings: Settings) -> None:
    with open_journal(settings) as fresh:
        (name, _, _) = fresh.directory.name.rpartition("-")
    older = fresh.directory.rename(fresh.directory.with_name(name))
    with open_journal(settings) as journal:
        assert journal.directory == older


async def append_one(journal: Journal) -> None:
    await journal.append({"event": "egress"}, Kind.DENY)


def test_a_ca_may_lie_in_aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    GateFiles(tmp_path).write()
    places = SETTINGS.replace("ca.pem", "ssm:///s3gate/ca").replace("ca.key", "secretsmanager://s3gate/ca")
    (tmp_path / "s3gate.yaml").write_text(places)
    settings = read_settings(tmp_path / "s3gate.yaml", {})
    with run_aws(tmp_path / "aws") as aws:
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(CannotStart, match="CA certificate ssm:///s3gate/ca cannot be read: GetParameter"):
            load_authority(settings)
        aws.ssm("/s3gate/ca")[1]((tmp_path / "ca.pem").read_bytes())
        aws.secret("s3gate/ca")[1]((tmp_path / "ca.key").read_bytes())
        assert load_authority(settings).certificate_pem() == (tmp_path / "ca.pem").read_bytes()
    assert settings.ground.services == {"ssm", "secretsmanager"}
