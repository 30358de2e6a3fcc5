"""Every asker has its turn; who asks too much is turned away."""

import pytest

from s3gate.proxy.fair_queue import FairQueue, Full


def everything(queue: FairQueue[str]) -> list[str]:
    taken = []
    while (item := queue.take()) is not None:
        taken.append(item)
    return taken


def test_who_puts_in_many_waits_behind_everybody_else() -> None:
    queue: FairQueue[str] = FairQueue(10, 5)
    for item in ("a1", "a2", "a3", "b1", "c1", "c2"):
        queue.put(item[0], item)
    assert len(queue) == 6
    assert everything(queue) == ["a1", "b1", "c1", "a2", "c2", "a3"]
    assert len(queue) == 0


def test_one_asker_has_so_much_room_and_another_has_its_own() -> None:
    queue: FairQueue[int] = FairQueue(10, 2)
    queue.put("a", 1)
    queue.put("a", 2)
    with pytest.raises(Full):
        queue.put("a", 3)
    queue.put("b", 4)
    assert queue.take() == 1
    queue.put("a", 5)
    assert [queue.take() for _ in range(4)] == [4, 2, 5, None]


def test_there_is_so_much_room_in_all() -> None:
    queue: FairQueue[int] = FairQueue(2, 2)
    queue.put("a", 1)
    queue.put("b", 2)
    with pytest.raises(Full):
        queue.put("c", 3)
    assert len(queue) == 2
