"""What a start opens is there, or one sentence says why it does not start."""

import secrets
from pathlib import Path

import pytest

from gate_process import GateFiles
from s3gate.loading import CannotStart
from s3gate.opening import load_authority, make_runtime, open_journal
from s3gate.settings import Settings, read_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings(GateFiles(tmp_path).write(), {})


def test_the_settings_reach_the_runtime(settings: Settings) -> None:
    runtime = make_runtime(settings, load_authority(settings))
    assert (runtime.host, runtime.port, runtime.trusted_proxies) == ("127.0.0.1", 0, None)
    assert runtime.networks.public


def test_a_ca_that_cannot_be_used_is_said(settings: Settings) -> None:
    settings.ca.certificate.write_bytes(secrets.token_bytes(64))
    with pytest.raises(CannotStart, match="PEM"):
        load_authority(settings)


def test_each_process_takes_a_journal_of_its_own(settings: Settings) -> None:
    with open_journal(settings) as first:
        with open_journal(settings) as second:
            assert first.directory != second.directory
        with open_journal(settings) as third:
            assert third.directory == second.directory, "what a process leaves, the next one takes"
