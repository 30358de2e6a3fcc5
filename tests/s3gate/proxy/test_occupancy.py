"""Connections of all workers together: each counts its own, the dead do not count."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from s3gate.proxy.occupancy import Occupancy, make_slots

WORKER = """
import sys, time
from pathlib import Path
from s3gate.proxy.occupancy import Occupancy
with Occupancy.share(Path(sys.argv[1])) as here:
    for _ in range(3):
        here.enter()
    print("entered", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def slots(tmp_path: Path) -> Path:
    make_slots(tmp_path / "connections", 2)
    return tmp_path / "connections"


def test_the_only_worker_counts_for_itself() -> None:
    here = Occupancy.alone()
    here.enter()
    here.enter()
    assert (here.exceeds(1), here.exceeds(2)) == (True, False)
    here.leave()
    assert not here.exceeds(1)


def test_two_workers_see_each_other(slots: Path) -> None:
    with Occupancy.share(slots) as first, Occupancy.share(slots) as second:
        first.enter()
        second.enter()
        assert first.exceeds(1)
        assert second.exceeds(1)
        assert not first.exceeds(2)
        second.leave()
        assert not first.exceeds(1)


def test_what_a_worker_left_open_at_its_end_does_not_count(slots: Path) -> None:
    with Occupancy.share(slots) as first:
        with Occupancy.share(slots) as second:
            second.enter()
        assert not first.exceeds(0)


def test_a_connection_that_ends_after_its_worker_closed_its_files_is_no_crash(slots: Path) -> None:
    """As at the end of a start whose self-test failed."""
    stack = ExitStack()
    one = stack.enter_context(Occupancy.share(slots))
    one.enter()
    one.enter()
    assert not stack.__exit__(RuntimeError, RuntimeError(), None)
    one.leave()
    assert one.exceeds(0)
    one.leave()
    assert not one.exceeds(0)


def test_there_are_no_more_workers_than_slots(slots: Path) -> None:
    with (
        Occupancy.share(slots),
        Occupancy.share(slots),
        pytest.raises(OSError, match=r"all 2 slots of .* are taken"),
        Occupancy.share(slots),
    ):
        pass


@pytest.mark.parametrize("successor", [True, False])
def test_a_killed_worker_does_not_count(slots: Path, successor: bool) -> None:
    with (
        Occupancy.share(slots) as here,
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(slots)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": ":".join(sys.path)},
        ) as worker,
    ):
        assert worker.stdout
        assert worker.stdout.readline() == "entered\n"
        assert (here.exceeds(2), here.exceeds(3)) == (True, False)
        worker.kill()
        worker.wait()
        if successor:
            with Occupancy.share(slots) as next_one:
                assert not next_one.exceeds(0)
        assert not here.exceeds(0)
