"""The gate under its unit's own system call filter: it starts, judges, records, reloads and drains.

The filter is set by libseccomp from what `systemd-analyze syscall-filter` says, since no systemd
runs here. What is not tried: file system, device and user name spaces of the unit.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from drive.confined import allowed_calls
from drive.unit_rules import parse_unit
from gate_process import GateFiles, ask, await_ports, stop

ROOT = Path(__file__).resolve().parents[3]
UNIT = ROOT / "deploy" / "systemd" / "s3gate.service"
CONFINED = [sys.executable, "-m", "drive.confined"]
PATHS = {"PYTHONPATH": f"{ROOT / 'tests'}:{ROOT / 'addons'}"}
pytestmark = pytest.mark.needs_program("systemd-analyze")


def run(unit: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CONFINED, unit, *command], env=os.environ | PATHS, capture_output=True, text=True, timeout=60, check=False
    )  # fmt: skip


@pytest.mark.parametrize("workers", [1, 2])
def test_the_gate_works_under_it(tmp_path: Path, workers: int) -> None:
    files = GateFiles(tmp_path)
    config = files.write()
    config.write_text(config.read_text() + f"workers: {workers}\n")
    process = subprocess.Popen(
        [*CONFINED, UNIT, sys.executable, "-m", "s3gate", "run", "--config", config],
        env=os.environ | PATHS, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        gate, health, admin = await_ports(process)
        assert "Seccomp:\t2" in Path(f"/proc/{process.pid}/status").read_text()
        assert ask(health, "/readyz")[0] == 200  # it has refused a request of its own by now
        curl = ["curl", "--silent", "--show-error", "--proxy", f"http://127.0.0.1:{gate}"]
        curl += ["--cacert", str(tmp_path / "ca.pem"), "--include"]
        evil = "https://evil-bucket.s3.eu-west-1.amazonaws.com/k"
        refused = subprocess.run([*curl, evil], capture_output=True, text=True, timeout=30, check=True).stdout
        assert "BUCKET_NOT_LISTED" in refused
        assert ask(admin, "/metrics")[0] == 200
        (tmp_path / "policy.yaml").write_text(files.policy.replace("good-bucket", "new-bucket"))
        reloaded = run(UNIT, sys.executable, "-m", "s3gate", "reload", "--config", str(config))
        assert (reloaded.returncode, "the policy is " in reloaded.stdout) == (0, True), reloaded.stderr
    finally:
        code, told = stop(process)
    assert code == 0
    assert "not permitted" not in told


@pytest.mark.parametrize(
    ("attempt", "code"),
    [
        ("os.chroot('/')", 1),
        ("os.setpriority(os.PRIO_PROCESS, 0, 5)", 1),
        ("os.sched_setaffinity(0, {0})", 1),
        ("os.chown(__import__('tempfile').mkdtemp(), 0, 0)", 1),
        ("__import__('ctypes').CDLL(None).ptrace(0, 0, 0, 0) and os._exit(1)", 1),
        ("os.getpid()", 0),
    ],
)
def test_the_filter_is_set(attempt: str, code: int) -> None:
    """A filter that lets everything pass would prove nothing."""
    ran = run(UNIT, sys.executable, "-c", f"import os; {attempt}")
    assert ran.returncode == code, ran.stderr


@pytest.mark.parametrize(
    "call", ["mount", "ptrace", "bpf", "init_module", "kexec_load", "setuid", "chown", "reboot"]
)
def test_no_unit_lets_it_pass(call: str) -> None:
    for path in UNIT.parent.glob("*.service"):
        assert call not in allowed_calls(parse_unit(path.read_text(encoding="utf-8"))), path.name


def test_a_narrower_filter_would_be_noticed(tmp_path: Path) -> None:
    """That the gate works under it can fail: without sockets it does not start."""
    unit = tmp_path / "narrow.service"
    unit.write_text(
        UNIT.read_text().replace("=~@privileged @resources", "=~@privileged @resources @network-io")
    )
    config = GateFiles(tmp_path).write()
    assert run(unit, sys.executable, "-m", "s3gate", "run", "--config", str(config)).returncode != 0
