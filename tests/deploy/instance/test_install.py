"""The installer, of a release as `deploy/build` makes it: into a directory, and with systemd's programs looked at."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from drive.small_release import build, make_repository

# What a machine has beside Python; systemd's and Amazon Linux's programs write down how they were called.
TOOLS = (
    "sh", "sha256sum", "sed", "sort", "find", "cmp", "dirname", "mktemp", "rm", "mkdir", "cp", "chmod", "cat", "cut",
    "install", "ln", "mv", "uname",
)  # fmt: skip
RECORDED = ("systemctl", "systemd-sysusers", "dnf", "rsyslogd")
AGENT_FILE = "/opt/s3gate/current/instance/amazon-cloudwatch-agent.json"
AGENT = "opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unpacked release for this Python and processor."""
    top = tmp_path_factory.mktemp("release")
    make_repository(top / "tree", top / "wheels")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    ran = build(top / "tree", top / "wheels", top, "--python", version, "--machine", os.uname().machine)
    assert ran.returncode == 0, ran.stderr
    with tarfile.open(top / "s3gate-0.1.0.tar.gz") as tar:
        tar.extractall(top, filter="tar")
    return top / "s3gate-0.1.0"


class Machine:
    """A directory in place of `/`, and a PATH in which nothing of this machine's service manager is."""

    def __init__(self, top: Path, release: Path) -> None:
        self.root, self.bin, self.calls = top / "root", top / "bin", top / "calls"
        self.release = top / "release"
        shutil.copytree(release, self.release)
        self.root.mkdir()
        self.bin.mkdir()
        for name in TOOLS:
            (self.bin / name).symlink_to(str(shutil.which(name)))
        self.put(
            self.bin / f"python{sys.version_info.major}.{sys.version_info.minor}",
            f'exec {sys.executable} "$@"\n',
        )
        for name in RECORDED:
            self.record(self.bin / name)
        self.record(self.root / AGENT)

    def put(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}")
        path.chmod(0o755)

    def record(self, path: Path, code: int = 0) -> None:
        self.put(path, f'printf "%s\\n" "{path.name} $*" >>{self.calls}\nexit {code}\n')

    def install(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.release / "install", "--root", self.root, *words],
            env={"PATH": str(self.bin), "HOME": "/nonexistent"},
            capture_output=True, text=True, timeout=180, check=False, umask=0o077,
        )  # fmt: skip

    @property
    def current(self) -> Path:
        return self.root / "opt/s3gate/current"


@pytest.fixture
def machine(tmp_path: Path, release: Path) -> Machine:
    return Machine(tmp_path, release)


def test_it_installs_enables_and_starts_in_order(machine: Machine) -> None:
    (machine.root / "etc/s3gate").mkdir(parents=True, mode=0o700)
    (machine.root / "etc/s3gate/environment").write_text("AWS_REGION=eu-west-1\n")
    (machine.root / "etc/s3gate/archive").write_text("ARCHIVE=s3://example-archive/audit/\n")
    ran = machine.install()
    assert (ran.returncode, ran.stderr) == (0, "")
    python = machine.current / "venv/bin/python"
    found = subprocess.run(
        [python, "-I", "-c", "import s3gate, pure, native; print(s3gate.__file__)"],
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout.strip()  # fmt: skip
    assert Path(found).is_relative_to(machine.current)
    assert [line.replace(str(machine.root), "") for line in machine.calls.read_text().splitlines()] == [
        "systemd-sysusers /etc/sysusers.d/s3gate.conf",
        "systemctl daemon-reload",
        "systemctl enable --now rsyslog.service",
        f"amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s -c file:{AGENT_FILE}",
        "systemctl enable s3gate-credentials.service s3gate.service",
        "systemctl start s3gate-credentials.service",
        "systemctl restart s3gate.service",
        "systemctl enable --now s3gate-metrics.timer",
        "systemctl enable --now s3gate-archive.timer",
    ]
    units = {path.name: path.read_text() for path in (machine.root / "etc/systemd/system").iterdir()}
    shipped = {path.name: path.read_text() for path in (machine.release / "systemd").iterdir()}
    assert units == {name: text for name, text in shipped.items() if not name.endswith(".sysusers")}
    assert "s3gate.service" in units
    for path in (machine.root / "etc/s3gate", machine.root / "opt/s3gate", machine.current.resolve()):
        assert path.stat().st_mode & 0o777 == 0o755, path
    for path in (machine.root / "etc/s3gate").iterdir():
        if path.name != "archive":
            assert path.stat().st_mode & 0o777 == 0o644, path


def test_again_changes_nothing_unless_it_was_broken_off(machine: Machine) -> None:
    assert machine.install("--no-start").returncode == 0
    before = machine.current.resolve()
    stamp = (before / "venv/pyvenv.cfg").stat().st_mtime_ns
    (machine.root / "etc/s3gate/s3gate.yaml").write_text("workers: 3\n")
    assert machine.install("--no-start").returncode == 0
    assert machine.current.resolve() == before
    assert (before / "venv/pyvenv.cfg").stat().st_mtime_ns == stamp
    assert (machine.root / "etc/s3gate/s3gate.yaml").read_text() == "workers: 3\n"
    assert not machine.calls.exists()
    (before / "installed").unlink()
    shutil.rmtree(before / "venv/bin")
    assert machine.install("--no-start").returncode == 0
    assert (machine.current / "venv/bin/s3gate").exists()


def spoil_wheel(release: Path) -> None:
    wheel = next((release / "wheelhouse").glob("pure*"))
    wheel.write_bytes(wheel.read_bytes() + b"x")


DAMAGES = {
    "a changed wheel": (spoil_wheel, "is not whole"),
    "a changed unit": (lambda at: (at / "systemd/s3gate.service").write_text("[Service]\n"), "is not whole"),
    "a missing file": (lambda at: next(at.glob("requirements-*.txt")).rename(at / "other"), "is not"),
    "a file too many": (lambda at: (at / "wheelhouse/sitecustomize.py").write_text(""), "does not list"),
    "a link too many": (lambda at: (at / "wheelhouse/x").symlink_to("/etc/passwd"), "does not list"),
    "no list": (lambda at: (at / "SHA256SUMS").unlink(), "has no SHA256SUMS"),
    "an empty list": (lambda at: (at / "SHA256SUMS").write_text(""), "is not whole"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_release_that_is_not_whole_installs_nothing(machine: Machine, name: str) -> None:
    damage, why = DAMAGES[name]
    damage(machine.release)
    ran = machine.install()
    assert (ran.returncode, ran.stdout) == (2, "")
    assert why in ran.stderr
    assert not (machine.root / "etc").exists()
    assert not (machine.root / "opt/s3gate").exists()
    assert not machine.calls.exists()


def test_without_repositories_the_endpoint_is_named(machine: Machine) -> None:
    (machine.bin / f"python{sys.version_info.major}.{sys.version_info.minor}").unlink()
    machine.record(machine.bin / "dnf", 1)
    ran = machine.install()
    assert ran.returncode == 3
    assert "dnf could not install python3.13: is the S3 gateway endpoint open" in ran.stderr
    assert not (machine.root / "opt/s3gate").exists()


def test_programs_come_from_the_repositories_and_no_failure_beside_the_gate_keeps_it_down(
    machine: Machine,
) -> None:
    (machine.bin / "rsyslogd").unlink()
    machine.record(machine.root / AGENT, 1)
    machine.put(
        machine.bin / "systemctl",
        f'printf "%s\\n" "systemctl $*" >>{machine.calls}\n[ "$1 $2" != "start s3gate-credentials.service" ]\n',
    )
    ran = machine.install()
    assert ran.returncode == 0
    assert "are not watched" in ran.stderr
    assert "no credentials yet" in ran.stderr
    calls = machine.calls.read_text().splitlines()
    assert calls[0] == "dnf install --assumeyes --quiet rsyslog"
    assert "systemctl restart s3gate.service" in calls
    assert "systemctl enable --now s3gate-archive.timer" not in calls  # nobody said where to


@pytest.mark.parametrize("words", [["--force"], ["--root"]])
def test_other_words_are_refused(machine: Machine, words: list[str]) -> None:
    ran = machine.install(*words)
    assert (ran.returncode, ran.stdout) == (2, "")
