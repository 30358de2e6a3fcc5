"""The image's definition: what it must say, that its health check tells the truth, and what the build refuses.

No image is built: there is no engine here. The release that goes into it is installed by
the same words of pip in tests/deploy/instance/test_install.py.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from drive.program import find_program
from gate_process import GateFiles, await_ports, stop

ROOT = Path(__file__).resolve().parents[3]
HOME = ROOT / "deploy" / "container"
TEXT = (HOME / "Containerfile").read_text(encoding="utf-8")
BASE = f"python:3.13-slim@sha256:{'a' * 64}"


def instructions(text: str) -> list[tuple[str, str]]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return [
        (words[0], words[2])
        for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
        if (words := line.partition(" "))[0]
    ]


def find_faults(text: str) -> list[str]:
    """What the last stage lacks, a word each."""
    said = instructions(text)
    last = said[max(index for index, one in enumerate(said) if one[0] == "FROM") :]
    values = dict(last)
    health = values.get("HEALTHCHECK", "")
    checked = ("--require-hashes", "--no-index", "--only-binary :all:", "sha256sum --check --strict")
    bases = {value.partition(" ")[0] for name, value in said if name == "FROM"}
    holds = {
        "base": bases == {"${BASE}"} and ("ARG", "BASE") in said,
        "user": re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", values.get("USER", "")) is not None,
        "shell": not any(name in {"RUN", "ADD"} for name, _ in last) and "ADD" not in dict(said),
        "entrypoint": values.get("ENTRYPOINT", "").startswith("["),
        "cmd": values.get("CMD", "").startswith("["),
        "health": "/readyz" in health and " CMD [" in health,
        "signal": values.get("STOPSIGNAL") == "SIGTERM",
        "volume": values.get("VOLUME") == '["/var/lib/s3gate", "/tmp"]',
        "hashes": all(word in text for word in checked),
    }
    return [name for name, held in holds.items() if not held]


def test_it_says_what_it_must() -> None:
    assert find_faults(TEXT) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("FROM ${BASE}\n", "FROM python:3.13\n", "base"),
        ("USER 65532:65532", "USER root", "user"),
        ("USER 65532:65532", "USER 0:0", "user"),
        ("USER 65532:65532\n", "", "user"),
        ("EXPOSE 8080 9091", "RUN chmod 777 /opt", "shell"),
        ('ENTRYPOINT ["/opt/s3gate/venv/bin/s3gate"]', "ENTRYPOINT s3gate", "entrypoint"),
        ("/readyz", "/livez", "health"),
        ("HEALTHCHECK", "LABEL x=", "health"),
        ("STOPSIGNAL SIGTERM", "STOPSIGNAL SIGKILL", "signal"),
        ('VOLUME ["/var/lib/s3gate", "/tmp"]', 'VOLUME ["/"]', "volume"),
        ("--require-hashes ", "", "hashes"),
        ("--no-index ", "", "hashes"),
    ],
)  # fmt: skip
def test_each_defect_is_found(old: str, new: str, fault: str) -> None:
    assert old in TEXT
    assert fault in find_faults(TEXT.replace(old, new))


def test_hadolint_finds_nothing() -> None:
    ran = subprocess.run(
        [find_program("lint", "hadolint"), "--no-color", HOME / "Containerfile"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout + ran.stderr) == (0, "")


def test_shellcheck_finds_nothing() -> None:
    scripts = [HOME / "build", ROOT / "deploy" / "build", ROOT / "deploy" / "instance" / "install"]
    ran = subprocess.run(
        [find_program("lint", "shellcheck"), *scripts],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, "")


def health_check(port: int) -> int:
    """The exit code of the health check's own words, asked of that port."""
    words = json.loads(dict(instructions(TEXT))["HEALTHCHECK"].partition(" CMD ")[2])
    assert words[0] == "/opt/s3gate/venv/bin/python"
    command = [sys.executable, *words[1:3], words[3].replace("9091", str(port))]
    proxies = {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    return subprocess.run(
        command, env=os.environ | proxies, capture_output=True, timeout=30, check=False
    ).returncode


def test_the_health_check_tells_a_ready_gate_from_none(tmp_path: Path) -> None:
    process = GateFiles(tmp_path).start()
    try:
        _, health, _ = await_ports(process)
        assert health_check(health) == 0
    finally:
        stop(process)
    assert health_check(health) == 1


def release(tmp_path: Path) -> tuple[Path, str]:
    (tmp_path / "VERSION").write_text("0.1.0\n")
    with tarfile.open(tmp_path / "release.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "VERSION", "s3gate-0.1.0/VERSION")
    return tmp_path / "release.tar.gz", hashlib.sha256((tmp_path / "release.tar.gz").read_bytes()).hexdigest()


def build(tmp_path: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """The script with an engine that writes down what it is told and what lies in the context."""
    engine = tmp_path / "engine"
    engine.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nfor context; do :; done\nls "$context"\n')
    engine.chmod(0o755)
    return subprocess.run(
        [HOME / "build", *map(str, words)], env=os.environ | {"ENGINE": str(engine)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_the_build_gets_a_checked_release_a_pinned_base_and_no_network(tmp_path: Path) -> None:
    ran = build(tmp_path, *release(tmp_path), BASE, "s3gate:0.1.0")
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert lines[:5] == ["build", "--network", "none", "--build-arg", f"BASE={BASE}"]
    assert lines[-1] == "VERSION"


@pytest.mark.parametrize(
    ("digest", "base", "why"),
    [
        (None, "python:3.13-slim", "has no digest"),
        (None, f"python@sha256:{'a' * 63}", "has no digest"),
        (None, f"python@sha256:{'a' * 64} --privileged", "has no digest"),
        ("0" * 64, BASE, "has not this SHA-256"),
        ("", BASE, "has not this SHA-256"),
    ],
)
def test_the_build_refuses(tmp_path: Path, digest: str | None, base: str, why: str) -> None:
    file, right = release(tmp_path)
    ran = build(tmp_path, file, right if digest is None else digest, base, "s3gate:0.1.0")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert why in ran.stderr
