"""The upstream half without sockets: dials what was judged, tells how each request ended, once."""

import pytest
from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import commands, events

from drive.layers import DENY, HOST, allow, make_context, make_services, make_session
from s3gate.policy.decision import Reason
from s3gate.proxy.carriage import Again, Carriage, Failed, Finished
from s3gate.proxy.exchange import Exchange
from s3gate.proxy.framing import request_body
from s3gate.proxy.head import parse_request_head
from s3gate.proxy.hooks import S3gateCompletedHook
from s3gate.proxy.transfer import Transfer

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Plain:
    """A carriage that speaks clear text, so that a test can read what it sends."""

    def __init__(self) -> None:
        self.context = make_context()
        self.services = make_services()
        self.session = make_session()
        self.carriage = Carriage(self.context, self.services, self.session)
        self.commands: list[commands.Command] = []

    def run(self, generator: object) -> object:
        result = None
        try:
            while True:
                self.commands.append(next(generator))  # type: ignore[call-overload] # a generator of commands
        except StopIteration as stop:
            result = stop.value
        return result

    def carry(self, raw: bytes = b"GET http://b/k HTTP/1.1\r\nHost: b", *, recorded: bool = True) -> Transfer:
        head = parse_request_head(raw)
        exchange = Exchange(make_session().request(head, "http", None, "/k", self.services.now()), "01ID")
        exchange.reusable = self.carriage.reusable
        allow(exchange)
        exchange.recorded = recorded
        transfer = Transfer(exchange, head, "/k", request_body(head))
        self.run(self.carriage.carry(exchange, transfer))
        return transfer

    @property
    def dial(self) -> commands.OpenConnection:
        return [one for one in self.commands if isinstance(one, commands.OpenConnection)][-1]

    def opened(self, error: str | None = None) -> None:
        if error is None:
            self.dial.connection.state = ConnectionState.OPEN
            self.dial.connection.peername = ("127.0.0.1", 80)
        self.run(self.carriage.handle(events.OpenConnectionCompleted(self.dial, error)))

    def receive(self, data: bytes) -> None:
        self.run(self.carriage.handle(events.DataReceived(self.dial.connection, data)))

    def closed(self) -> None:
        server = self.dial.connection
        server.state = ConnectionState.CLOSED
        self.run(self.carriage.handle(events.ConnectionClosed(server)))

    def sent(self, connection: object) -> bytes:
        return b"".join(
            one.data
            for one in self.commands
            if isinstance(one, commands.SendData) and one.connection is connection
        )

    @property
    def valve_is_open(self) -> bool:
        return self.session.valve.is_open

    @property
    def completions(self) -> list[tuple[bool, Reason | None]]:
        return [
            (one.completion.complete, one.completion.reason)
            for one in self.commands
            if isinstance(one, S3gateCompletedHook)
        ]


def test_a_request_goes_and_its_answer_comes() -> None:
    plain = Plain()
    plain.carry()
    assert plain.dial.connection.address == (HOST, 80)
    assert next(iter(plain.services.judged.values()))[1].addresses == ("127.0.0.1",)
    plain.opened()
    assert plain.sent(plain.dial.connection) == b"GET /k HTTP/1.1\r\nHost: b\r\n\r\n"
    plain.receive(ANSWER[:20])
    plain.receive(ANSWER[20:])
    assert plain.sent(plain.context.client) == ANSWER
    assert isinstance(plain.carriage.take_ending(), Finished)
    assert plain.carriage.take_ending() is None
    assert plain.completions == [(True, None)]
    assert plain.carriage.reusable is not None


@pytest.mark.parametrize("recorded", [False])
def test_nothing_goes_that_is_not_recorded(recorded: bool) -> None:
    with pytest.raises(AssertionError):
        Plain().carry(recorded=recorded)


def test_nothing_goes_that_is_not_allowed() -> None:
    plain = Plain()
    head = parse_request_head(b"GET /k HTTP/1.1\r\nHost: b")
    exchange = Exchange(make_session().request(head, "http", None, "/k", plain.services.now()), "01ID")
    allow(exchange)
    exchange.decision = DENY
    with pytest.raises(AssertionError):
        plain.run(plain.carriage.carry(exchange, Transfer(exchange, head, "/k", None)))
    assert plain.commands == []


def test_what_was_cut_since_its_verdict_goes_nowhere() -> None:
    plain = Plain()
    plain.session.cut = Reason.BUCKET_NOT_LISTED
    plain.carry()
    assert plain.commands == []
    plain.run(plain.carriage.complete(Reason.BUCKET_NOT_LISTED, "a new policy refuses this"))
    assert plain.completions == [(False, Reason.BUCKET_NOT_LISTED)]


def test_a_dial_that_fails() -> None:
    plain = Plain()
    plain.carry()
    plain.opened("refused")
    ending = plain.carriage.take_ending()
    assert ending == Failed(
        Reason.UPSTREAM_UNREACHABLE, "the upstream could not be reached", None, answered=False
    )
    assert plain.completions == [(False, Reason.UPSTREAM_UNREACHABLE)]
    assert plain.services.judged == {}


def test_a_dial_that_takes_too_long() -> None:
    plain = Plain()
    plain.carry()
    (timer,) = [one for one in plain.commands if isinstance(one, commands.RequestWakeup)]
    plain.run(plain.carriage.handle(events.Wakeup(timer)))
    assert isinstance(plain.carriage.take_ending(), Failed)


def test_an_old_timer_does_nothing() -> None:
    plain = Plain()
    plain.carry()
    plain.opened()
    (timer,) = [one for one in plain.commands if isinstance(one, commands.RequestWakeup)]
    plain.run(plain.carriage.handle(events.Wakeup(timer)))
    assert plain.carriage.take_ending() is None


def test_a_kept_connection_that_closes_as_it_is_used() -> None:
    plain = Plain()
    plain.carry()
    plain.opened()
    plain.receive(ANSWER)
    plain.carriage.take_ending()
    again = plain.carry()
    plain.closed()
    assert plain.carriage.take_ending() == Again(again)
    assert plain.completions == [(True, None), (False, Reason.UPSTREAM_UNREACHABLE)]


@pytest.mark.parametrize(("method", "again"), [("PUT", True), ("POST", False)])
def test_a_body_that_was_not_asked_for_yet_is_no_hindrance(method: str, again: bool) -> None:
    plain = Plain()
    plain.carry()
    plain.opened()
    plain.receive(ANSWER)
    plain.carriage.take_ending()
    head = f"{method} http://b/k HTTP/1.1\r\nHost: b\r\nExpect: 100-continue\r\nContent-Length: 2"
    plain.carry(head.encode())
    plain.closed()
    assert isinstance(plain.carriage.take_ending(), Again if again else Failed)


@pytest.mark.parametrize("asked", [True, False])
def test_a_body_waits_until_the_upstream_asks_for_it(asked: bool) -> None:
    """The client is not read meanwhile; without a 100 nothing of it goes up."""
    plain = Plain()
    plain.carry(b"PUT http://b/k HTTP/1.1\r\nHost: b\r\nExpect: 100-continue\r\nContent-Length: 4")
    plain.opened()
    head = plain.sent(plain.dial.connection)
    assert plain.run(plain.carriage.feed(b"GET ")) == b""
    assert plain.sent(plain.dial.connection) == head
    assert not plain.valve_is_open
    plain.receive(
        b"HTTP/1.1 100 Continue\r\n\r\n" if asked else b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"
    )
    assert plain.sent(plain.dial.connection) == head + (b"GET " if asked else b"")
    assert plain.valve_is_open
    assert plain.carriage.busy is asked


def test_a_body_is_never_sent_twice() -> None:
    plain = Plain()
    plain.carry()
    plain.opened()
    plain.receive(ANSWER)
    plain.carriage.take_ending()
    plain.carry(b"PUT http://b/k HTTP/1.1\r\nHost: b\r\nContent-Length: 2")
    assert plain.run(plain.carriage.feed(b"okGET")) == b"GET"
    plain.closed()
    assert isinstance(plain.carriage.take_ending(), Failed)


def test_what_an_idle_upstream_says_ends_it() -> None:
    plain = Plain()
    plain.carry()
    plain.opened()
    plain.receive(ANSWER)
    plain.carriage.take_ending()
    plain.receive(b"HTTP/1.1 200 OK\r\n\r\n")
    assert plain.carriage.reusable is None
    assert plain.sent(plain.context.client) == ANSWER


def test_broken_chunks_fail_the_request() -> None:
    plain = Plain()
    plain.carry(b"PUT http://b/k HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked")
    plain.opened()
    plain.run(plain.carriage.feed(b"zz\r\n"))
    ending = plain.carriage.take_ending()
    assert isinstance(ending, Failed)
    assert ending.reason is Reason.MALFORMED_REQUEST
