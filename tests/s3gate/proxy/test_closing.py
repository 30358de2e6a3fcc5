"""The end of a client's connection: our half ends, the client is heard out, but neither for ever nor without end."""

from mitmproxy.proxy import commands

from drive.layers import make_context, make_session
from s3gate.proxy.closing import DISCARD_BYTES, DISCARD_S, Closing


def start(*, ended: bool) -> tuple[Closing, list[commands.Command]]:
    session = make_session(None)
    session.busy = True
    closing = Closing(make_context(), session)
    told = list(closing.begin(ended=ended))
    assert not session.busy
    return closing, told


def test_our_half_ends_and_a_timer_runs() -> None:
    closing, (half, timer) = start(ended=False)
    assert isinstance(half, commands.CloseTcpConnection)
    assert half.half_close
    assert isinstance(timer, commands.RequestWakeup)
    assert timer is closing.timer
    assert timer.delay == DISCARD_S


def test_a_client_that_ended_its_own_half_is_not_waited_for() -> None:
    closing, (close,) = start(ended=True)
    assert type(close) is commands.CloseConnection
    assert closing.timer is None


def test_what_it_still_sends_is_thrown_away_up_to_a_limit() -> None:
    closing, _ = start(ended=False)
    half = bytes(DISCARD_BYTES // 2)
    assert [list(closing.discard(half)) for _ in range(2)] == [[], []]
    (close,) = closing.discard(b"x")
    assert type(close) is commands.CloseConnection
