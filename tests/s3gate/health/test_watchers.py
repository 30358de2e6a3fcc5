"""Who asks regularly is waited for until it has heard; nobody else is."""

from s3gate.health.watchers import CHECKS, NOTICE_S, PEERS, Watchers


def asked(*times: float, peer: str = "10.0.0.1") -> Watchers:
    watchers = Watchers()
    for now in times:
        watchers.asked(peer, now, ready=True)
    return watchers


def test_nobody_is_waited_for_before_the_gate_leaves() -> None:
    assert not asked(0, 10).unaware(10)


def test_a_balancer_is_waited_for_until_it_has_heard_often_enough() -> None:
    watchers = asked(0, 10, 20)
    watchers.leave(21)
    for now in range(30, 30 + 10 * CHECKS, 10):
        assert watchers.unaware(now)
        watchers.asked("10.0.0.1", now, ready=False)
    assert not watchers.unaware(30 + 10 * CHECKS - 9)


def test_each_node_must_hear_for_itself() -> None:
    watchers = asked(0, 10)
    watchers.asked("10.0.0.2", 1, ready=True)
    watchers.asked("10.0.0.2", 11, ready=True)
    watchers.leave(12)
    for _ in range(CHECKS):
        watchers.asked("10.0.0.1", 20, ready=False)
    assert watchers.unaware(21)


def test_who_asked_once_is_not_waited_for() -> None:
    watchers = asked(0)
    watchers.leave(1)
    assert not watchers.unaware(1)


def test_who_has_stopped_asking_is_not_waited_for() -> None:
    watchers = asked(0, 10)
    watchers.leave(11)
    assert watchers.unaware(30)
    assert not watchers.unaware(30.1)


def test_the_wait_has_an_end() -> None:
    watchers = asked(0, 1000)
    watchers.leave(1001)
    watchers.leave(1040)
    assert watchers.unaware(1001 + NOTICE_S)
    assert not watchers.unaware(1001.1 + NOTICE_S)


def test_only_so_many_are_remembered() -> None:
    watchers = Watchers()
    for number in range(2 * PEERS):
        watchers.asked(str(number), 0, ready=True)
    assert len(watchers._peers) == PEERS
