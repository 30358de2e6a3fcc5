"""A head before the gate: read only when there is a verdict, denied when there is none."""

from collections.abc import Callable

import pytest
from mitmproxy.proxy import commands
from mitmproxy.proxy.layers.http._hooks import HttpRequestHeadersHook

from drive.layers import HOST, allow, deny, make_context, make_services, make_session
from s3gate.policy.decision import Reason
from s3gate.proxy.carriage import HELD_BYTES
from s3gate.proxy.exchange import Exchange
from s3gate.proxy.head import RequestHead
from s3gate.proxy.hearing import Hearing
from s3gate.proxy.hooks import S3gateRefusedHook, S3gateRequestHook

HEAD = RequestHead("GET", "/k", "HTTP/1.1", (("Host", HOST),), (f"Host: {HOST}".encode(),))


class Bench:
    """A hearing, and the valve of its client."""

    def __init__(self) -> None:
        self.session = make_session(f"{HOST}:443")
        self.held = False
        self.session.valve.turns(lambda: self._turn(held=True), lambda: self._turn(held=False))
        self.hearing = Hearing(make_context(), make_services(), self.session)
        self.hooks: list[type[commands.Command]] = []

    def _turn(self, *, held: bool) -> None:
        self.held = held

    def judge(self, verdict: Callable[[Exchange], object], flood: int = 0) -> Exchange:
        exchange = self.hearing.begin(self.hearing.request(HEAD, None, HEAD.target))
        assert self.session.asked is self.hearing.exchange is exchange
        for hook in self.hearing.judge(exchange, HEAD, S3gateRequestHook, HttpRequestHeadersHook):
            self.hooks.append(type(hook))
            if isinstance(hook, S3gateRequestHook):
                assert self.held
                verdict(exchange)
                assert self.hearing.holds(flood) is (flood <= HELD_BYTES)
        assert not self.held
        return exchange


@pytest.mark.parametrize("verdict", [allow, deny])
def test_a_verdict_stands(verdict: Callable[[Exchange], object]) -> None:
    bench = Bench()
    exchange = bench.judge(verdict, flood=HELD_BYTES)
    assert exchange.decision is not None
    assert exchange.decision.allowed is (verdict is allow)
    assert bench.hooks == [S3gateRequestHook]


def test_no_verdict_is_a_recorded_denial() -> None:
    bench = Bench()
    exchange = bench.judge(lambda _exchange: None)
    assert exchange.decision is not None
    assert exchange.decision.reason is Reason.INTERNAL_ERROR
    assert bench.hooks == [S3gateRequestHook, S3gateRefusedHook]


def test_an_allow_falls_when_bytes_were_lost_meanwhile_and_the_next_head_starts_afresh() -> None:
    bench = Bench()
    exchange = bench.judge(allow, flood=HELD_BYTES + 1)
    assert exchange.decision is not None
    assert exchange.decision.reason is Reason.LIMIT_EXCEEDED
    assert not exchange.lifted
    following = bench.judge(allow).decision
    assert following is not None
    assert following.allowed


def test_each_is_asked_in_the_scheme_of_its_place() -> None:
    inside, outside = Bench().hearing, Hearing(make_context(), make_services(), make_session(None))
    assert [one.request(HEAD, None, "/k").scheme for one in (inside, outside)] == ["https", "http"]
