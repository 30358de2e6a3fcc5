"""A trail replayed here and by several processes."""

import json
import os
from collections.abc import Callable
from typing import cast

import pytest

from generate.asks import NOW, POLICY, Ask, policy
from generate.recorded import line
from s3gate.audit.chain import seal
from s3gate.policy.model import Policy
from s3gate.replay import crew
from s3gate.replay.crew import CrewLost, Job, replay
from s3gate.replay.tally import Tally

BASE = policy()
READS = policy(text=POLICY.replace("[read, write, list, delete]", "[read]"))
JOB = Job(READS, (BASE,), NOW, told=True)
GET, PUT = line(BASE, Ask()), line(BASE, Ask(method="PUT"))


def run(lines: list[bytes], processes: int | None = 1, job: Job = JOB) -> tuple[Tally, list[str], int]:
    tally, passed = Tally(), 0
    told: list[str] = []

    def count(lines: int) -> None:
        nonlocal passed
        passed += lines

    for portion in replay(lines, job, processes, count):
        tally.add(portion.tally)
        told += portion.told
    return tally, told, passed


def test_what_is_no_decision_is_left_out_and_what_is_none_is_counted() -> None:
    tally, told, passed = run(
        [GET, b'{"event":"completion"}', b'{"event":"heartbeat"}', b'{"event":"egress"', PUT]
    )
    assert (tally.decisions, tally.unreadable, passed) == (2, 1, 3)
    assert [json.loads(one)["now"] for one in told] == [["OPERATION_NOT_ALLOWED"]]


def test_a_record_that_came_twice_counts_once() -> None:
    sealed = [seal(PUT, "w1", seq, "0" * 64, b"k" * 32)[0] for seq in (1, 2, 2, 1)]
    assert run(sealed)[0].decisions == 2
    assert run([PUT, PUT])[0].decisions == 2, "outside of a chain nothing tells them apart"


def test_several_processes_find_the_same_in_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "LINES", 7)
    lines = [
        line(BASE, Ask(method="PUT" if number % 3 else "GET"), name=f"d{number}") for number in range(200)
    ]
    here, there = run(lines, 1), run(lines, 2)
    assert here[1] == there[1]
    assert (here[0].outcomes, here[0].groups, here[2]) == (there[0].outcomes, there[0].groups, there[2])
    assert here[2] == 200


class Bomb:
    """Ends the process that unpickles it."""

    def __reduce__(self) -> tuple[Callable[[int], object], tuple[int]]:
        return cast("Callable[[int], object]", os._exit), (1,)


def test_a_process_that_dies_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "LINES", 1)
    portions = iter([(GET,)] * 3)
    with pytest.raises(CrewLost, match="--processes 1"):
        list(crew._together(portions, Job(cast("Policy", Bomb()), (), NOW), 1, lambda _lines: None))


def test_a_worker_has_to_be_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "_worker", None)
    with pytest.raises(RuntimeError, match="not begun"):
        crew._replay([GET])
    crew._begin(JOB)
    assert crew._replay([GET, PUT]).tally.decisions == 2
