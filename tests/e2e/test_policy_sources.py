"""`s3gate run` with its policy in AWS: waits for it, takes it in, keeps it when AWS is gone."""

import json
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from drive.sources import run_aws
from gate_process import POLICY, SETTINGS, GateFiles, ask, await_ports, stop
from s3gate.audit.reader import list_writers, read_records
from s3gate.control import ask_reload
from s3gate.loading import load_policy
from s3gate.policy.source import SourceText

SECONDS = 40.0
TWO = POLICY.replace("good-", "new-").encode()


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)


def state(health: int) -> tuple[int, dict[str, object]]:
    status, body = ask(health, "/readyz")
    return status, json.loads(body)


def digest(text: bytes) -> str:
    return load_policy(SourceText(text, "")).digest


@pytest.mark.parametrize("workers", [1, 2])
def test_a_policy_in_s3_that_comes_later(tmp_path: Path, workers: int) -> None:
    with run_aws(tmp_path / "aws") as aws:
        place, put = aws.s3()
        settings = SETTINGS.replace("policy.yaml", str(place)) + f"workers: {workers}\n"
        process = GateFiles(tmp_path, settings=settings, environment=aws.environment).start()
        try:
            _later(process, tmp_path, put)
        finally:
            code, _ = stop(process)
    assert code == 0
    for path in list_writers(tmp_path / "audit"):
        told = [one for one in read_records(path) if one["event"] in ("policy", "selftest")]
        assert (told[0]["event"], told[0].get("reason")) == ("selftest", "POLICY_UNAVAILABLE")
        before, after = digest(POLICY.encode()), digest(TWO)
        assert [(one["before"], one["policy"]) for one in told[1:]] == [
            (None, before), (before, before), (before, after),
        ]  # fmt: skip
        assert "lets clients write `policies-of-the-gate`" in str(told[2]["source"])


def _later(process: "subprocess.Popen[str]", directory: Path, put: Callable[[bytes], object]) -> None:
    _, health, admin = await_ports(process)
    status, told = state(health)
    assert (status, told["policy"]) == (503, None)
    put(POLICY.encode())
    until(lambda: state(health)[0] == 200)  # by itself
    assert state(health)[1]["policy"] == digest(POLICY.encode())
    put(POLICY.replace("good-bucket", "policies-of-the-gate").encode())
    (answer,) = ask_reload(directory / "audit")
    assert json.loads(answer)["outcome"] == "refused"
    put(TWO)
    (answer,) = ask_reload(directory / "audit")
    assert json.loads(answer)["outcome"] == "changed"
    assert state(health)[1]["policy"] == digest(TWO)
    assert b"s3gate_policy_refusals 1.0" in ask(admin, "/metrics")[1]
