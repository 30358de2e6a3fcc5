"""Settings, policy, CA and journal on the gate's machine, whole and broken."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audit_records import START, decision, write_journal
from gate_process import SETTINGS, GateFiles
from s3gate.doctor.finding import Finding, Outcome
from s3gate.doctor.gate import check_ca, check_journal, check_policy, check_settings, utc_now
from s3gate.policy.decision import Reason
from s3gate.proxy.authority import Authority
from s3gate.settings import Settings


def files(tmp_path: Path, settings: str = SETTINGS) -> Settings:
    read, found = check_settings(GateFiles(tmp_path, settings=settings).write())
    assert read is not None, found
    (tmp_path / "ca.key").chmod(0o600)
    (tmp_path / "audit").mkdir(exist_ok=True)
    return read


def test_settings_that_are_fine(tmp_path: Path) -> None:
    config = GateFiles(tmp_path).write()
    settings, found = check_settings(config)
    assert settings is not None
    assert (found.outcome, found.detail) == (Outcome.FINE, str(config))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param(SETTINGS + "wrokers: 2\nhelath: 1\nx: 1\n", "and 1 more", id="three mistakes"),
        pytest.param(None, "cannot be read", id="no file"),
    ],
)
def test_settings_that_are_not(tmp_path: Path, text: str | None, why: str) -> None:
    path = tmp_path / "s3gate.yaml"
    if text is not None:
        path.write_text(text)
    settings, found = check_settings(path)
    assert settings is None
    assert (found.outcome, why in found.detail) == (Outcome.WRONG, True), found
    assert found.then == f"s3gate check --config {path}"


@pytest.mark.parametrize(
    ("text", "outcome", "why"),
    [
        pytest.param("", Outcome.WRONG, "", id="empty"),
        pytest.param("version: 1\nruls: []\n", Outcome.WRONG, "ruls", id="a mistake"),
    ],
)
def test_policy(tmp_path: Path, text: str, outcome: Outcome, why: str) -> None:
    settings = files(tmp_path)
    policy, found = check_policy(settings)
    assert policy is not None
    assert (found.outcome, "1 rule" in found.detail) == (Outcome.FINE, True)
    (tmp_path / "policy.yaml").write_text(text)
    policy, found = check_policy(settings)
    assert policy is None
    assert (found.outcome, why in found.detail) == (outcome, True)
    (tmp_path / "policy.yaml").unlink()
    assert "cannot be read" in check_policy(settings)[1].detail


def ca(settings: Settings, now: datetime | None = None) -> Finding:
    (found,) = check_ca(settings, now or utc_now())
    return found


def test_a_ca_and_its_end(tmp_path: Path) -> None:
    settings, now = files(tmp_path), datetime.now(UTC)
    assert ca(settings).outcome is Outcome.FINE
    assert "ends on" in ca(settings, now + timedelta(days=710)).detail
    assert "ended on" in ca(settings, now + timedelta(days=731)).detail
    early = ca(settings, now - timedelta(days=1))
    assert (early.outcome, "not valid before" in early.detail) == (Outcome.WRONG, True)
    assert "s3gate ca renew" in str(ca(settings, now + timedelta(days=710)).then)
    assert "s3gate ca init" in str(ca(settings, now + timedelta(days=731)).then), (
        "an ended CA has no successor"
    )
    (tmp_path / "ca.key").chmod(0o644)
    open_to_others = ca(settings)
    assert (open_to_others.outcome, "chmod 600" in str(open_to_others.then)) == (Outcome.WRONG, True)


def test_a_ca_that_cannot_sign(tmp_path: Path) -> None:
    settings = files(tmp_path)
    (tmp_path / "ca.key").write_bytes(Authority.generate(datetime.now(UTC)).private_key_pem())
    other = ca(settings)
    assert (other.outcome, "does not belong" in other.detail) == (Outcome.WRONG, True)
    (tmp_path / "ca.key").unlink()
    assert "cannot be read" in ca(settings).detail


def journal(settings: Settings) -> Finding:
    (found,) = check_journal(settings)
    return found


def test_a_journal_that_can_be_written(tmp_path: Path) -> None:
    settings = files(tmp_path)
    found = journal(settings)
    assert found.outcome is Outcome.FINE, found
    assert list((tmp_path / "audit").iterdir()) == [], "nothing is left behind"


def test_a_chain_key_that_others_may_read(tmp_path: Path) -> None:
    """Who can read it can write another chain."""
    settings = files(tmp_path)
    (tmp_path / "audit.key").chmod(0o604)
    found = journal(settings)
    assert (found.outcome, "`audit.hmac_key` (mode 0604)" in found.detail) == (Outcome.WRONG, True), found
    assert found.then == f"chmod 600 {tmp_path / 'audit.key'}"


def test_a_journal_that_is_nearly_full(tmp_path: Path) -> None:
    text = SETTINGS.replace("hmac_key: audit.key", "hmac_key: audit.key, max_bytes: 16MiB")
    settings = files(tmp_path, text)
    one = decision(Reason.BUCKET_NOT_LISTED, "b" * 63, "10.0.0.1", 1, START)
    (tmp_path / "audit").rmdir()
    write_journal(tmp_path / "audit", [one | {"padding": "x" * (1 << 20)} for _ in range(12)])
    found = journal(settings)
    assert (found.outcome, "is 75 % full" in found.detail) == (Outcome.WRONG, True), found


def test_a_disk_smaller_than_the_journal(tmp_path: Path) -> None:
    text = SETTINGS.replace("hmac_key: audit.key", "hmac_key: audit.key, max_bytes: 1048576GiB")
    found = journal(files(tmp_path, text))
    assert (found.outcome, "MiB more" in found.detail) == (Outcome.WRONG, True), found


def test_a_journal_that_cannot_be(tmp_path: Path) -> None:
    settings = files(tmp_path)
    (tmp_path / "audit").rmdir()
    assert "is not there" in journal(settings).detail
    (tmp_path / "audit").write_text("a file")
    assert journal(settings).outcome is Outcome.WRONG
    (tmp_path / "audit.key").write_text("short")
    found = journal(settings)
    assert (found.outcome, "holds no key" in found.detail) == (Outcome.WRONG, True)
    assert "short" not in found.detail


def test_a_directory_of_another_user(tmp_path: Path) -> None:
    """As root every directory can be written, but for those of the kernel."""
    settings = files(tmp_path)
    audit = tmp_path / "audit"
    if os.geteuid() == 0:
        audit.rmdir()
        audit.symlink_to("/proc/self")
    else:
        audit.chmod(0o500)
    assert journal(settings).outcome in {Outcome.UNKNOWN, Outcome.WRONG}


def test_a_policy_whose_cases_come_out_otherwise(tmp_path: Path) -> None:
    """What a reload would refuse is told before it."""
    settings = files(tmp_path)
    (tmp_path / "policy_cases.yaml").write_text("nonsense\n")
    policy, found = check_policy(settings)
    assert policy is None
    assert (found.outcome, "its cases" in found.detail) == (Outcome.WRONG, True), found


def test_what_lies_in_aws_is_read_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers: that is told for each, and no address but loopback is asked."""
    for service in ("SSM", "S3", "SECRETS_MANAGER"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    text = SETTINGS.replace("policy: policy.yaml", "policy: ssm:///s3gate/policy")
    settings = files(tmp_path, text.replace("private_key: ca.key", "private_key: ssm:///s3gate/ca"))
    policy, found = check_policy(settings)
    assert policy is None
    assert (found.outcome, "ssm:///s3gate/policy" in found.detail) == (Outcome.WRONG, True), found
    assert (ca(settings).outcome, "ssm:///s3gate/ca" in ca(settings).detail) == (Outcome.WRONG, True)
