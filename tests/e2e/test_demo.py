"""`s3gate demo` as a person runs it: its text, its exit code, and nothing left behind."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

ADDONS = Path(__file__).resolve().parents[2] / "addons"
EXPECTED = (
    "Upload to the bucket on the list",
    "upload: ./report.csv to s3://example-uploads/incoming/report.csv",
    "download: s3://example-uploads/incoming/report.csv to ./copy.csv",
    (
        "An error occurred (AccessDenied) when calling the PutObject operation: s3gate: bucket"
        ' "someone-elses-bucket" is not on the egress allowlist (BUCKET_NOT_LISTED); decision'
    ),
    "export AWS_CONFIG_FILE=path-style.ini",
    "refused: HOST_MISMATCH",
    "names asked for: example-uploads.s3.ap-northeast-1.amazonaws.com names",
    "deny BUCKET_NOT_LISTED PutObject path someone-elses-bucket",
    "every record has arrived",
    "No emulator evaluates metric filters",
    'filter { $.event = "egress" && $.decision = "deny" }',
    "metric s3gate Denials = 3",
    "alarm s3gate-denials: OK → ALARM",
    "the topic's subscriber was told, and of s3gate-evasion too",
    "Everything came out as it says",
)


@contextmanager
def demo(directory: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command as a process; its temporary files lie in `directory`."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ADDONS),
        "TMPDIR": str(directory),
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        "AWS_PROFILE": "of-the-caller",
        "AWS_ENDPOINT_URL": "https://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "s3gate", "demo", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        with process:
            yield process
    finally:
        process.kill()


def processes_of(directory: Path) -> list[str]:
    """Command lines of processes that were started with this temporary directory."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(directory).encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_text())
        except OSError:
            continue
    return found


def words(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_it_tells_the_story_and_leaves_nothing_behind(tmp_path: Path) -> None:
    start = time.monotonic()
    with demo(tmp_path) as process:
        text, _ = process.communicate(timeout=90)
    assert process.returncode == 0, text
    for sentence in EXPECTED:
        assert words(sentence) in words(text)
    assert "✗" not in text
    assert max(len(line) for line in text.splitlines()) <= 80
    assert time.monotonic() - start < 60  # 6 s alone on the machine; tests share it
    assert list(tmp_path.iterdir()) == []
    assert processes_of(tmp_path) == []


def test_kept_it_can_be_used_until_ctrl_c(tmp_path: Path) -> None:
    with demo(tmp_path, "--keep") as process:
        exports: dict[str, str] = {}
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                (exports[name],) = shlex.split(value)
            if len(exports) == 6:
                break
        listing = subprocess.run(
            [sys.executable, "-m", "awscli", "s3", "ls", "s3://example-uploads/incoming/"],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **exports},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "report.csv" in listing.stdout, listing.stderr
        assert processes_of(tmp_path)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT
    assert list(tmp_path.iterdir()) == []
    assert processes_of(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_middle_it_leaves_nothing_behind(number: signal.Signals, tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "Upload to another bucket" in line:
                break
        assert processes_of(tmp_path)
        process.send_signal(number)
        process.send_signal(number)
        process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert list(tmp_path.iterdir()) == []
    assert processes_of(tmp_path) == []
