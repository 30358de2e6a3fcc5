"""The units: what they must say, each directive missed when it is gone, and systemd's own opinion of them."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from drive.unit_rules import FORBIDDEN, HARDENED, OWN, find_faults, parse_unit
from instance.fetch_credentials import parse_places
from s3gate.health.watchers import NOTICE_S
from s3gate.settings import read_settings
from s3gate.supervisor import END_S

ROOT = Path(__file__).resolve().parents[3]
UNITS = ROOT / "deploy" / "systemd"
SERVICES = sorted(OWN)
EXPOSURE = 1.1  # what was measured with systemd 252, nothing spare


def text_of(name: str) -> str:
    return (UNITS / name).read_text(encoding="utf-8")


def test_every_service_has_its_rules() -> None:
    assert sorted(path.name for path in UNITS.glob("*.service")) == SERVICES


@pytest.mark.parametrize("name", SERVICES)
def test_a_unit_says_what_it_must(name: str) -> None:
    assert find_faults(name, text_of(name)) == []


@pytest.mark.parametrize(
    ("name", "directive"),
    [(name, directive) for name in SERVICES for directive in sorted({**HARDENED, **OWN[name]})],
)
def test_each_directive_is_missed_when_it_is_gone(name: str, directive: str) -> None:
    mutant, count = re.subn(rf"(?m)^{directive}=.*\n", "", text_of(name))
    assert count
    assert any(f"{directive}=" in fault for fault in find_faults(name, mutant))


@pytest.mark.parametrize(
    "line",
    [
        *(f"{directive}=yes" for directive in FORBIDDEN),
        "CapabilityBoundingSet=CAP_NET_ADMIN",
        "SystemCallFilter=@raw-io",
        "RestrictAddressFamilies=AF_PACKET",
        "ExecStartPre=+/bin/sh -c true",
        "ExecStart=+/bin/true",
        "LoadCredential=other:/etc/shadow",
        "KillMode=process",
        "TimeoutStopSec=30",
    ],
)
def test_a_line_too_many_is_found(line: str) -> None:
    text = text_of("s3gate.service").replace("[Install]", f"{line}\n\n[Install]")
    assert find_faults("s3gate.service", text)


def test_the_drain_has_the_time_it_needs() -> None:
    timeout = int(parse_unit(text_of("s3gate.service"))["TimeoutStopSec"])
    assert timeout >= max(120, NOTICE_S + END_S + 15)


@pytest.mark.needs_program("systemd-analyze")
def test_systemd_accepts_them(tmp_path: Path) -> None:
    """Copies, whose programs are there; any word of systemd's is a fault (warnings alone exit 0)."""
    for path in [*UNITS.glob("*.service"), *UNITS.glob("*.timer")]:
        text = re.sub(r"(?m)^(Exec\w+)=\S+", r"\1=/bin/true", path.read_text(encoding="utf-8"))
        (tmp_path / path.name).write_text(
            text.replace("file:/opt/s3gate/current/README.md", "file:/dev/null")
        )
    ran = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *sorted(tmp_path.iterdir())],
        capture_output=True, text=True, timeout=60, check=False, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.needs_program("systemd-analyze")
@pytest.mark.parametrize(
    "line", ["UMsk=0077", "SystemCallFilter=@no-such-group", "ProtectSystem=strictly", "KillMode=none"]
)
def test_systemd_finds_a_misspelling(tmp_path: Path, line: str) -> None:
    text = re.sub(r"(?m)^(Exec\w+)=\S+", r"\1=/bin/true", text_of("s3gate-credentials.service"))
    (tmp_path / "s3gate-credentials.service").write_text(text.replace("[Install]", f"{line}\n[Install]"))
    ran = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", tmp_path / "s3gate-credentials.service"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode
    assert ran.stderr


@pytest.mark.needs_program("systemd-analyze")
@pytest.mark.parametrize("name", SERVICES)
def test_the_exposure_is_as_low_as_it_was(name: str) -> None:
    ran = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE * 10:.0f}", UNITS / name],
        capture_output=True, text=True, timeout=60, check=False, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert float(re.findall(r"exposure level for \S+ ([0-9.]+)", ran.stdout)[-1]) <= 2.5


def test_the_users_are_made_that_the_units_name() -> None:
    lines = [line.split() for line in text_of("s3gate.sysusers").splitlines() if line.startswith("u ")]
    assert {line[1] for line in lines} == {parse_unit(text_of(name))["User"] for name in SERVICES}
    assert {line[-1] for line in lines} == {"/usr/sbin/nologin"}


def test_the_settings_of_an_instance_name_what_the_units_give() -> None:
    settings = read_settings(ROOT / "deploy" / "instance" / "s3gate.yaml", {})
    given = {
        line.partition(":")[0] for line in parse_unit(text_of("s3gate.service"))["LoadCredential"].split("|")
    }
    named = (settings.ca.certificate, settings.ca.private_key, settings.audit.hmac_key)
    assert {str(path) for path in named} == {f"/run/credentials/s3gate.service/{name}" for name in given}
    places = parse_places((ROOT / "deploy" / "instance" / "credentials.conf").read_text(encoding="utf-8"))
    assert set(settings.own_places) == set(places.values())
    assert settings.ground.services == {"ssm"}
    assert settings.audit.directory == Path("/var/lib/s3gate/audit")
    assert (settings.listen.port, settings.health.port) == (8080, 9091)
    assert settings.admin.host == "127.0.0.1"


# Rows of systemd's score that stay open: the gate listens and dials anywhere, and cffi needs what it needs.
OPEN = {
    "RootDirectoryOrRootImage",
    "MemoryDenyWriteExecute",
    "RestrictAddressFamilies_AF_UNIX",
    "RestrictAddressFamilies_AF_INET_INET6",
    "PrivateNetwork",
    "DeviceAllow",
    "IPAddressDeny",
}


@pytest.mark.needs_program("systemd-analyze")
@pytest.mark.parametrize("name", SERVICES)
def test_nothing_else_is_open(name: str) -> None:
    ran = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--json=short", UNITS / name],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    rows = json.loads(ran.stdout)
    shared = {"RemoveIPC"} if name == "s3gate-archive.service" else set()  # its end would take the gate's
    assert {row["json_field"] for row in rows if float(row["exposure"] or 0) > 0} <= OPEN | shared
