"""What is known of delivery, in the process that hears it and in the workers that are told."""

import pytest

from s3gate.audit.order import render_status
from s3gate.audit.shipper import ShipperHealth, SinkHealth
from s3gate.audit.standing import Standing

HEALTH = ShipperHealth(3, 0.5, 2, SinkHealth(1, 0, "E"), None)


def heard() -> Standing:
    standing = Standing()
    standing.hear(render_status([("w1", HEALTH), ("w2", HEALTH)]))
    return standing


def test_before_it_has_spoken_nothing_is_well() -> None:
    assert "has not spoken" in str(Standing().health("w1", 0).error)


def test_silence_is_lag_while_something_waits() -> None:
    standing = heard()
    assert standing.health("w1", 3) == HEALTH
    assert standing.health("w1", 4).oldest_unacknowledged_s > 0.5


def test_what_another_journal_waits_for_is_told_by_every_worker() -> None:
    """A dead writer's journal has no heartbeat of its own, nor has one that cannot be read."""
    standing, far = Standing(), Standing()
    left = ShipperHealth(3, 500.0, 0, SinkHealth(), "it is damaged " + "." * 500)
    standing.hear(render_status([("w1", HEALTH), ("dead", left), ("w2", HEALTH)]))
    far.take_over(standing.pass_on("w1"))
    for one in (standing, far):
        told = one.health("w1", 3)
        assert (told.acknowledged_seq, told.oldest_unacknowledged_s) == (3, 500.0)
        assert str(told.error).startswith("`dead`: it is damaged")
    assert len(standing.pass_on("w1")) < 1024
    far.take_over(standing.pass_on("dead"))
    assert (far.health("dead", 3).oldest_unacknowledged_s, far.health("dead", 3).error) == (500.0, left.error)


def test_a_failure_stands_until_the_next_word() -> None:
    standing = heard()
    standing.fail("it has ended")
    assert standing.health("w1", 3).error == "it has ended"
    standing.hear(render_status([("w1", HEALTH)]))
    assert standing.health("w1", 3).error is None


def test_a_worker_is_told_what_concerns_its_journal() -> None:
    standing, far = heard(), Standing()
    standing.restarts = 4
    standing.fail("it has ended")
    news = standing.pass_on("w1")
    far.take_over(news)
    assert far.restarts == 4
    assert far.health("w1", 3).error == "it has ended"
    assert far.health("w1", 3).acknowledged_seq == 3
    assert "w2" not in news.decode()
    assert len(news) < 1024
    far.take_over(standing.pass_on("w9"))
    assert far.health("w9", 1).acknowledged_seq == 0


@pytest.mark.parametrize(
    "news", [b"", b"leave", b"{}", b'{"restarts": 1, "failure": null, "silent_s": 0}', b"[]\n{}", b"1\n{}"]
)
def test_anything_else_is_no_news(news: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own text or ours
        Standing().take_over(news)
