"""The hooks: a verdict, its record, then its effect; whatever goes wrong on the way denies."""

import asyncio
import logging
from base64 import b64encode
from collections.abc import Sequence
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from typing import cast

import bcrypt
import pytest
from mitmproxy.connection import Client as Connection
from mitmproxy.connection import Server
from mitmproxy.http import HTTPFlow
from mitmproxy.http import Request as FlowRequest
from mitmproxy.net.server_spec import ServerSpec
from mitmproxy.proxy import layer
from mitmproxy.proxy.layers import modes
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

from drive.layers import ALLOW, DENY, HOST, make_context, make_services, make_session
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.model import Policy
from s3gate.policy.network import parse_networks
from s3gate.policy.reading import NOTHING_READ, Reading
from s3gate.proxy import passwords as passwords_file
from s3gate.proxy.dial import _judged
from s3gate.proxy.dns import DnsFailure, Resolved
from s3gate.proxy.exchange import Exchange
from s3gate.proxy.flow import make_flow, register
from s3gate.proxy.gate import NOT_JUDGED, GateAddon
from s3gate.proxy.head import parse_request_head
from s3gate.proxy.passwords import Passwords
from s3gate.proxy.ports import AuditUnavailable, Completion, NoMeter, Upstream
from s3gate.proxy.stream import HttpGate
from s3gate.s3.host import HostName


class Counted(NoMeter):
    """Keeps what is told."""

    def __init__(self) -> None:
        self.cuts: list[str] = []

    def cut(self, reason: str, /) -> None:
        self.cuts.append(reason)


@dataclass
class Judge:
    """Gives the same verdicts to everything."""

    connect: Decision | None = None
    request: Decision = ALLOW

    def decide_connect(self, _policy: object, _request: object, /) -> Decision | None:
        return self.connect

    decide_tls = decide_connect

    def decide_request(self, _policy: object, _request: object, /) -> Decision:
        return self.request

    def decide_addresses(
        self, decision: Decision, addresses: Sequence[str], _networks: object, /
    ) -> Decision | tuple[str, ...]:
        return (
            replace(decision, reason=Reason.UPSTREAM_ADDRESS_NOT_ALLOWED)
            if "10.0.0.1" in addresses
            else tuple(addresses)
        )


@dataclass
class Resolver:
    """Knows one answer, and counts."""

    addresses: tuple[str, ...] = ("192.0.2.1",)
    asked: list[str] = field(default_factory=list)

    async def resolve(self, host: HostName) -> Resolved:
        self.asked.append(host)
        if not self.addresses:
            raise DnsFailure("no address")
        return Resolved(self.addresses, 5)


@dataclass
class Recorder:
    """Keeps records, or refuses them."""

    broken: bool = False
    seen: list[tuple[Reason, Upstream | None]] = field(default_factory=list)
    completions: list[Completion] = field(default_factory=list)
    settled: bool = False

    async def decision(
        self, decision: Decision, _request: object, upstream: Upstream | None, _id: str
    ) -> None:
        if self.broken:
            raise AuditUnavailable
        self.seen.append((decision.reason, upstream))

    def completion(self, completion: Completion) -> None:
        if self.broken:
            raise AuditUnavailable
        self.completions.append(completion)

    async def settle(self) -> None:
        self.settled = True
        if self.broken:
            await asyncio.Event().wait()


@dataclass
class Hooks:
    """The addon with everything around it."""

    judge: Judge = field(default_factory=Judge)
    resolver: Resolver = field(default_factory=Resolver)
    recorder: Recorder = field(default_factory=Recorder)

    def __post_init__(self) -> None:
        services = make_services()
        self.addon = GateAddon(
            services,
            services.policy_source,
            self.judge,
            self.recorder,
            self.resolver,
            parse_networks(["public"]),
            {443: 8443, 80: 8080},
        )

    async def headers(self, exchange: Exchange) -> Exchange:
        await self.addon.requestheaders(picture(exchange))
        return exchange


def picture(exchange: Exchange) -> HTTPFlow:
    flow = make_flow(make_context(), parse_request_head(b"GET / HTTP/1.1"), exchange.request)
    register(flow, exchange)
    return flow


def exchange(
    *,
    inside: bool = True,
    problem: Decision | None = None,
    reusable: tuple[tuple[str, int], Upstream] | None = None,
) -> Exchange:
    head = parse_request_head(b"GET /k HTTP/1.1\r\nHost: b")
    session = make_session(f"{HOST}:443" if inside else None)
    return Exchange(
        session.request(head, "https" if inside else "http", None, "/k", make_services().now()),
        "01ID",
        problem=problem,
        reusable=reusable,
    )


async def test_an_allow_is_resolved_judged_and_recorded() -> None:
    hooks = Hooks()
    one = await hooks.headers(exchange())
    assert (one.decision, one.recorded, one.host, one.port) == (ALLOW, True, HOST, 443)
    assert one.upstream == Upstream(("192.0.2.1",), 5)
    assert hooks.recorder.seen == [(Reason.ALLOWED_BY_RULE, one.upstream)]


async def test_clear_text_goes_to_port_80() -> None:
    assert (await Hooks().headers(exchange(inside=False))).port == 80


async def test_a_denial_resolves_nothing() -> None:
    hooks = Hooks(Judge(request=DENY))
    one = await hooks.headers(exchange())
    assert (one.decision, one.upstream, hooks.resolver.asked) == (DENY, None, [])


async def test_what_the_layers_found_denies_an_allow_only() -> None:
    problem = Decision(Reason.MALFORMED_REQUEST, "two lengths", NOTHING_READ)
    one = await Hooks().headers(exchange(problem=problem))
    assert one.decision is not None
    assert (one.decision.reason, one.decision.reading) == (Reason.MALFORMED_REQUEST, ALLOW.reading)
    assert (await Hooks(Judge(request=DENY)).headers(exchange(problem=problem))).decision == DENY


async def test_an_open_connection_is_used_for_its_own_name_only() -> None:
    hooks = Hooks()
    one = await hooks.headers(exchange(reusable=((HOST, 443), Upstream(("192.0.2.9",), 7))))
    assert one.upstream == Upstream(("192.0.2.9",), 7, reused=True)
    two = await hooks.headers(
        exchange(reusable=(("other.s3.amazonaws.com", 443), Upstream(("192.0.2.9",), 7)))
    )
    assert two.upstream == Upstream(("192.0.2.1",), 5)
    assert hooks.resolver.asked == [HOST]


@pytest.mark.parametrize(
    ("addresses", "reason"),
    [((), Reason.DNS_FAILURE), (("10.0.0.1",), Reason.UPSTREAM_ADDRESS_NOT_ALLOWED)],
    ids=["no address", "a forbidden one"],
)
async def test_the_answer_is_judged(addresses: tuple[str, ...], reason: Reason) -> None:
    one = await Hooks(resolver=Resolver(addresses)).headers(exchange())
    assert one.decision is not None
    assert (one.decision.reason, one.upstream) == (reason, None)


async def test_what_changed_while_the_name_server_was_asked_has_the_last_word() -> None:
    hooks = Hooks()

    class Changing:
        """Another policy at each look."""

        def current(self) -> Policy:
            hooks.judge.request = DENY if hooks.resolver.asked else ALLOW
            return cast("Policy", object())

    hooks.addon._policy_source = Changing()
    one = await hooks.headers(exchange())
    assert (one.decision, one.upstream, hooks.resolver.asked) == (DENY, None, [HOST])
    assert hooks.recorder.seen == [(DENY.reason, None)]


@pytest.mark.parametrize("host", [None, "other.s3.amazonaws.com", "192.0.2.1"])
async def test_a_verdict_about_another_host_is_an_error(
    host: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    hooks = Hooks(Judge(request=replace(ALLOW, reading=Reading(host=host))))
    one = await hooks.headers(exchange())
    assert one.decision is not None
    assert (one.decision.reason, hooks.resolver.asked) == (Reason.INTERNAL_ERROR, [])


@pytest.mark.parametrize("verdict", [ALLOW, DENY], ids=["allow", "deny"])
async def test_what_is_not_recorded_is_denied(verdict: Decision, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    one = await Hooks(Judge(request=verdict), recorder=Recorder(broken=True)).headers(exchange())
    assert one.decision is not None
    assert (one.decision.reason, one.recorded) == (Reason.AUDIT_UNAVAILABLE, False)


async def test_connects_and_hellos_are_lifted_or_recorded() -> None:
    hooks = Hooks()
    one = exchange()
    await hooks.addon.http_connect(picture(one))
    assert (one.lifted, one.decision, hooks.recorder.seen) == (True, None, [])
    hooks.judge.connect = DENY
    two, three = exchange(), exchange()
    await hooks.addon.http_connect(picture(two))
    await hooks.addon.s3gate_hello(three)
    assert (two.lifted, two.decision) == (three.lifted, three.decision) == (False, DENY)
    assert len(hooks.recorder.seen) == 2


async def test_a_draining_gate_takes_no_tunnel() -> None:
    hooks = Hooks()
    hooks.addon.services.draining = True
    one = exchange()
    await hooks.addon.http_connect(picture(one))
    assert one.decision is not None
    assert (one.lifted, one.decision.reason) == (False, Reason.DRAINING)


async def test_flows_of_other_layers_are_killed() -> None:
    hooks = Hooks()
    flow = HTTPFlow(make_context().client, Server(address=None), live=True)
    flow.request = FlowRequest.make("GET", "https://x.example/")
    await hooks.addon.requestheaders(flow)
    assert flow.error is not None
    await hooks.addon.http_connect(flow)
    assert flow.response is not None
    assert flow.response.status_code == 403


def test_only_judged_connections_are_dialled() -> None:
    hooks, context = Hooks(), copy_context()
    client = Connection(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2))
    rows: tuple[tuple[tuple[str, int], ServerSpec | None, str | None], ...] = (
        ((HOST, 443), None, None),
        (("192.0.2.66", 443), None, NOT_JUDGED),
        ((HOST, 443), ("http", ("x", 1)), NOT_JUDGED),
    )
    for address, via, error in rows:
        server = Server(address=address)
        server.via = via
        hooks.addon.services.judged[server.id] = ((HOST, 443), Upstream(("192.0.2.1",), 5))
        data = ServerConnectionHookData(server=server, client=client)
        context.run(hooks.addon.server_connect, data)
        assert data.server.error == error
    judged = context[_judged]
    assert judged is not None
    assert (judged.host, judged.addresses, judged.dial_port) == (HOST, ("192.0.2.1",), 8443)


async def test_completions_are_recorded_and_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    hooks = Hooks()
    done = Completion("01ID", True, 200, 0, 0, 1, 1, None, None, None, False, None, None)
    hooks.addon.s3gate_completed(done)
    await hooks.addon.settle(5)
    assert hooks.recorder.settled
    hooks.recorder.broken = True
    hooks.addon.s3gate_completed(done)
    assert hooks.recorder.completions == [done]
    await hooks.addon.settle(0.01)


def test_every_connection_of_a_client_starts_in_our_layer() -> None:
    hooks = Hooks()
    context = make_context()
    modes.HttpProxy(context)
    question = layer.NextLayer(context)
    hooks.addon.next_layer(question)
    assert isinstance(question.layer, HttpGate)
    assert list(hooks.addon.sessions) == [context.client.id]
    hooks.addon.client_disconnected(context.client)
    assert hooks.addon.sessions == {}


@pytest.mark.parametrize(("cut", "told"), [(None, []), (Reason.TIMEOUT, ["TIMEOUT"])])
def test_a_connection_that_the_gate_closed_by_itself_is_counted(cut: Reason | None, told: list[str]) -> None:
    hooks, context, counted = Hooks(), make_context(), Counted()
    hooks.addon.services.meter = counted
    hooks.addon.first_layer(context)
    hooks.addon.sessions[context.client.id].cut = cut
    hooks.addon.client_disconnected(context.client)
    hooks.addon.client_disconnected(context.client)
    assert counted.cuts == told


def test_no_other_layer_is_chosen_by_us() -> None:
    question = layer.NextLayer(make_context())
    Hooks().addon.next_layer(question)
    assert question.layer is None


USERS = {"alice": bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()}


def claimed(password: str, *, method: str = "CONNECT") -> Exchange:
    value = "Basic " + b64encode(f"alice:{password}".encode()).decode()
    head = parse_request_head(f"{method} {HOST}:443 HTTP/1.1\r\nProxy-Authorization: {value}".encode())
    session = make_session()
    session.connect = head.target if method == "CONNECT" else None
    return Exchange(session.request(head, "http", None, head.target, make_services().now()), "01ID")


async def test_a_user_is_known_before_the_verdict() -> None:
    hooks = Hooks()
    hooks.addon.services.passwords = Passwords(USERS)
    right, wrong = claimed("secret"), claimed("wrong")
    for one in (right, wrong):
        await hooks.addon.s3gate_connect(one)
    assert (right.request.client.user, right.proof) == ("alice", USERS["alice"])
    assert (wrong.request.client.user, wrong.request.client.unproven) == (None, "alice")


@pytest.mark.parametrize("method", ["CONNECT", "GET"])
async def test_while_too_many_passwords_wait_nobody_is_let_in(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords_file, "WAITING", 0)
    hooks = Hooks()
    hooks.addon.services.passwords = Passwords(USERS)
    one = claimed("secret", method=method)
    await (hooks.addon.s3gate_connect if method == "CONNECT" else hooks.addon.s3gate_request)(one)
    assert not one.lifted
    assert [reason for reason, _ in hooks.recorder.seen] == [Reason.LIMIT_EXCEEDED]
