"""A policy that was read in another process is the same, and so is what is wrong with it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gate_process import POLICY
from s3gate.audit import keeper
from s3gate.loading import COMMAND, PACKAGE_ROOT, CannotStart, load_apart, load_policy
from s3gate.policy.ground import OwnGround
from s3gate.policy.mistake import PolicyErrors
from s3gate.policy.source import SourceText
from s3gate.source import remote

TEXT = SourceText(POLICY.encode(), "v1")
WRONG = SourceText(POLICY.replace("good-bucket", "Good-Bucket").replace("allow:", "alow:").encode(), "v2")
CASES = """\
version: 1
now: 2026-07-01T00:00:00Z
cases:
  - name: the listed bucket is read
    request: {method: GET, url: "https://good-bucket.s3.eu-west-1.amazonaws.com/k"}
    expect: {reason: REASON}
"""


def with_cases(reason: str) -> SourceText:
    return SourceText(TEXT.data, "v1", CASES.replace("REASON", reason).encode())


def test_a_policy_is_read_whole_or_not_at_all() -> None:
    assert load_policy(TEXT).rules[0].bucket == "good-bucket"
    with pytest.raises(PolicyErrors):
        load_policy(SourceText(b"version: 1\n", "v"))


def test_it_is_the_same_policy() -> None:
    ground = OwnGround(frozenset({"other-bucket"}))
    with load_apart(TEXT, ground) as policy:
        assert policy() == load_policy(TEXT, ground)
        assert load_policy(TEXT, ground).ground == ground


def test_every_mistake_comes_over() -> None:
    with pytest.raises(PolicyErrors) as here:
        load_policy(WRONG)
    with load_apart(WRONG) as policy, pytest.raises(PolicyErrors) as there:
        policy()
    assert there.value.mistakes == here.value.mistakes
    assert str(there.value) == str(here.value)
    assert len(here.value.mistakes) > 1


def test_the_gates_own_ground_stays_closed() -> None:
    with pytest.raises(PolicyErrors, match="lets clients write `good-bucket`"):
        load_policy(TEXT, OwnGround(frozenset({"good-bucket"})))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (with_cases("BUCKET_NOT_LISTED"), "expects BUCKET_NOT_LISTED, the policy says"),
        (with_cases("NO_SUCH_REASON"), "its cases cannot be used: line"),
        (SourceText(TEXT.data, "v", b"{"), "its cases cannot be used"),
    ],
    ids=["another reason", "no reason", "no YAML"],
)
def test_a_policy_that_fails_its_cases_is_refused(text: SourceText, told: str) -> None:
    with load_apart(text) as policy, pytest.raises(PolicyErrors) as refused:
        policy()
    assert told in refused.value.mistakes[0].message


def test_a_policy_that_decides_its_cases_as_they_say_is_proven() -> None:
    assert load_policy(with_cases("UNSIGNED_REQUEST")).digest == load_policy(TEXT).digest


@pytest.mark.parametrize(
    ("code", "told"),
    [("raise SystemExit(3)", "ended with 3"), ("import os; os.kill(os.getpid(), 9)", "ended with -9")],
)
def test_a_reader_that_ends_early_is_told(code: str, told: str) -> None:
    with (
        load_apart(TEXT, command=[sys.executable, "-c", code]) as policy,
        pytest.raises(CannotStart, match=told),
    ):
        policy()


def test_a_reader_that_cannot_be_started_is_told() -> None:
    with (
        pytest.raises(CannotStart, match="cannot be started"),
        load_apart(TEXT, command=["/nonexistent/python"]),
    ):
        raise AssertionError("it was")


def test_nobody_waits_for_a_reader_that_is_not_wanted_any_more() -> None:
    code = "import threading; threading.Event().wait(60)"
    with load_apart(TEXT, command=[sys.executable, "-c", code]):
        pass


@pytest.mark.parametrize(
    "command", [COMMAND, remote.COMMAND, keeper.COMMAND], ids=["policy", "source", "audit"]
)
def test_no_process_takes_its_modules_from_the_working_directory(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    """Python looks there first with -c and -m; what lies there may be anybody's."""
    taken = tmp_path / "taken"
    for name in ("yaml", "json", "signal", "pickle", "boto3"):
        (tmp_path / f"{name}.py").write_text(f"open({str(taken)!r}, 'w')\n")
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)}
    subprocess.run(
        command, cwd=tmp_path, env=environment, input=b"", capture_output=True, check=False, timeout=60
    )
    assert not taken.exists()
