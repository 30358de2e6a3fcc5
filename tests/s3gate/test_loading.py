"""A policy that was read in another process is the same, and so is what is wrong with it."""

import sys
from pathlib import Path

import pytest

from gate_process import POLICY
from s3gate.loading import CannotStart, load_apart, load_policy
from s3gate.policy.mistake import PolicyErrors


def test_a_policy_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    with pytest.raises(CannotStart, match="cannot be read"):
        load_policy(path)
    path.write_text("version: 1\n")
    with pytest.raises(PolicyErrors):
        load_policy(path)


def test_it_is_the_same_policy(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    with load_apart(tmp_path / "policy.yaml") as policy:
        assert policy() == load_policy(tmp_path / "policy.yaml")


def test_every_mistake_comes_over(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(
        POLICY.replace("good-bucket", "Good-Bucket").replace("allow:", "alow:")
    )
    with pytest.raises(PolicyErrors) as here:
        load_policy(tmp_path / "policy.yaml")
    with load_apart(tmp_path / "policy.yaml") as policy, pytest.raises(PolicyErrors) as there:
        policy()
    assert there.value.mistakes == here.value.mistakes
    assert str(there.value) == str(here.value)
    assert len(here.value.mistakes) > 1


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with load_apart(tmp_path / "none") as policy, pytest.raises(CannotStart, match="cannot be read"):
        policy()


@pytest.mark.parametrize(
    ("code", "told"),
    [("raise SystemExit(3)", "ended with 3"), ("import os; os.kill(os.getpid(), 9)", "ended with -9")],
)
def test_a_reader_that_ends_early_is_told(tmp_path: Path, code: str, told: str) -> None:
    with load_apart(tmp_path, [sys.executable, "-c", code]) as policy, pytest.raises(CannotStart, match=told):
        policy()


def test_a_reader_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(CannotStart, match="cannot be started"),
        load_apart(tmp_path, ["/nonexistent/python"]),
    ):
        raise AssertionError("it was")


def test_nobody_waits_for_a_reader_that_is_not_wanted_any_more(tmp_path: Path) -> None:
    with load_apart(tmp_path, [sys.executable, "-c", "import threading; threading.Event().wait(60)"]):
        pass
