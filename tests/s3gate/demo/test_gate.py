"""The gate as a process: what it is told, and what is said when it does not start."""

import stat
from pathlib import Path

import pytest

from s3gate.demo import gate as module
from s3gate.demo.certificates import Authority
from s3gate.demo.gate import Gate, GateError, Surroundings
from s3gate.demo.ports import free_ports
from s3gate.demo.world import POLICY
from s3gate.settings import read_hmac_key, read_settings


def gate(directory: Path, policy: str = POLICY) -> Gate:
    ports = free_ports(3)
    around = Surroundings(
        "ap-northeast-1", "/s3gate/audit", "http://127.0.0.1:9", 53, 443, directory / "x.pem", {}
    )
    return Gate(directory / "gate", (ports[0], ports[1], ports[2]), policy, Authority.make("CA").pair, around)


def test_its_settings_are_read_as_meant(tmp_path: Path) -> None:
    made = gate(tmp_path)
    made._write_files()
    settings = read_settings(made.directory / "s3gate.yaml", {})
    assert (settings.listen.host, settings.listen.port) == ("127.0.0.1", made.port)
    assert settings.upstream.ca_bundle == tmp_path / "x.pem"
    assert settings.audit.directory == made.audit_directory
    assert settings.cloudwatch.endpoint_url == "http://127.0.0.1:9"
    assert len(read_hmac_key(settings.audit.hmac_key)) == 32


@pytest.mark.parametrize("name", ["ca.key", "audit.key"])
def test_its_secrets_are_for_its_owner_alone(name: str, tmp_path: Path) -> None:
    made = gate(tmp_path)
    made._write_files()
    assert stat.S_IMODE((made.directory / name).stat().st_mode) == 0o600


def test_a_policy_with_a_mistake_is_told(tmp_path: Path) -> None:
    made = gate(tmp_path, POLICY.replace("bucket: ", "bucket: X"))
    with pytest.raises(GateError, match="s3gate was not ready within 20 s: "):
        made.start()
    assert made.pid is None
    assert made.wait_ended(0)


def test_one_that_never_gets_ready_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "START_TIMEOUT_S", 0.0)
    made = gate(tmp_path)
    with pytest.raises(GateError, match="not ready within 0 s"):
        made.start()
    assert made.pid is None
