"""The gate as mitmproxy's addon: every hook denies, unless the policy allows and the journal has it.

The normal case of `requestheaders`: judge the head; if allowed so far, resolve the name
anew and judge the addresses (or keep the open connection's); record; only then does the
exchange carry an allow. Whatever raises on the way becomes INTERNAL_ERROR, a journal that
cannot be written AUDIT_UNAVAILABLE: both deny. The verdicts themselves are policy/decide.py's.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from time import perf_counter
from typing import Final

from mitmproxy.connection import Client as ClientConnection
from mitmproxy.http import HTTPFlow, Response
from mitmproxy.proxy import layer, server_hooks
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import modes

from s3gate.policy.decide import refuse
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.model import Policy
from s3gate.policy.network import UpstreamNetworks
from s3gate.policy.reading import NOTHING_READ, Client, Request
from s3gate.proxy.dial import Judged, allow_dial
from s3gate.proxy.dns import DnsFailure, Resolver
from s3gate.proxy.exchange import HTTP_PORT, HTTPS_PORT, Exchange, Session
from s3gate.proxy.flow import exchange_of
from s3gate.proxy.identity import identify, recall
from s3gate.proxy.passwords import TooBusy
from s3gate.proxy.ports import AuditUnavailable, Completion, Judge, PolicySource, Recorder, Upstream
from s3gate.proxy.services import Services
from s3gate.proxy.stream import HttpGate
from s3gate.s3.host import HostName, parse_authority
from s3gate.s3.refusal import ReadError

_log = logging.getLogger(__name__)

DecideEarly = Callable[[Policy | None, Request], Decision | None]
NOT_JUDGED: Final = "s3gate: this connection was not judged"


class GateAddon:
    """The hooks.

    Args:
        services: what the layers share.
        policy_source: gives the policy in force.
        judge: makes the verdicts.
        recorder: writes the records.
        resolver: asks for names.
        networks: where the gate may connect to.
        ports: the port that is dialled for 443 and for 80.
    """

    name = "s3gate"

    def __init__(
        self,
        services: Services,
        policy_source: PolicySource,
        judge: Judge,
        recorder: Recorder,
        resolver: Resolver,
        networks: UpstreamNetworks,
        ports: dict[int, int],
    ) -> None:
        self.services = services
        self.sessions: dict[str, Session] = {}
        self._policy_source = policy_source
        self._judge = judge
        self._recorder = recorder
        self._resolver = resolver
        self._networks = networks
        self._ports = ports

    # -- mitmproxy's hooks ----------------------------------------------------------------

    def next_layer(self, data: layer.NextLayer) -> None:
        """Every connection of a client starts in our layer; there is no other next layer."""
        layers = data.context.layers
        if len(layers) == 1 and isinstance(layers[0], modes.HttpProxy):
            data.layer = self.first_layer(data.context)

    async def http_connect(self, flow: HTTPFlow) -> None:
        """Judge a CONNECT before it is answered."""
        exchange = exchange_of(flow)
        if exchange is None:
            flow.response = Response.make(403, NOT_JUDGED)
            return
        await self.s3gate_connect(exchange)

    async def requestheaders(self, flow: HTTPFlow) -> None:
        """Judge a request at its head, before anything of it goes anywhere."""
        exchange = exchange_of(flow)
        if exchange is None:
            if flow.killable:
                flow.kill()  # type: ignore[no-untyped-call] # mitmproxy has no type here
            return
        await self.s3gate_request(exchange)

    def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        """The last word before a socket opens: only what was judged, to the judged addresses."""
        judged = self.services.judged.get(data.server.id)
        if judged is None or data.server.address != judged[0] or data.server.via is not None:
            data.server.error = NOT_JUDGED
            return
        (host, port), upstream = judged
        allow_dial(Judged(host, port, upstream.addresses, self._ports[port]))

    def client_disconnected(self, client: ClientConnection) -> None:
        """Forget the client."""
        session = self.sessions.pop(client.id, None)
        if session is not None and session.cut is not None:
            self.services.meter.cut(session.cut.value)

    # -- the gate's own hooks -------------------------------------------------------------

    async def s3gate_connect(self, exchange: Exchange) -> None:
        """Judge a CONNECT before it is answered."""
        await self._lift(exchange, self._judge.decide_connect, asks=True)

    async def s3gate_request(self, exchange: Exchange) -> None:
        """Judge a request at its head, before anything of it goes anywhere."""
        decision = await self._decide(exchange)
        await self._settle(exchange, decision)

    async def s3gate_hello(self, exchange: Exchange) -> None:
        """Judge a ClientHello before it is answered."""
        await self._lift(exchange, self._judge.decide_tls)

    async def s3gate_refused(self, exchange: Exchange) -> None:
        """Record what the layers refuse by themselves."""
        if exchange.decision is not None:
            await self._settle(exchange, exchange.decision)

    def s3gate_completed(self, completion: Completion) -> None:
        """Record how an allowed request ended."""
        try:
            self._recorder.completion(completion)
        except Exception:  # noqa: BLE001 - the transfer is over: nothing is left to deny
            _log.exception("a completion could not be recorded; decision %s", completion.decision_id)

    async def settle(self, seconds: float) -> None:
        """Wait until every completion is recorded.

        Args:
            seconds: how long at most.
        """
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._recorder.settle(), seconds)

    # -- the way of a verdict -------------------------------------------------------------

    def first_layer(self, context: Context) -> HttpGate:
        """Our layer for a new connection, with its session."""
        client = context.client
        peer = client.peername
        session = self.sessions.get(client.id)
        if session is None:
            session = self.sessions[client.id] = Session(Client(peer[0], peer[1]))
        return HttpGate(context, self.services, session)

    async def _identify(self, exchange: Exchange) -> Decision | None:
        """Learn which proxy user asks; a refusal when that cannot be found out now."""
        services = self.services
        try:
            await identify(services.passwords, exchange)
        except TooBusy:
            return services.refuse(Reason.LIMIT_EXCEEDED, "too many passwords wait to be checked; try again")
        return None

    async def _lift(self, exchange: Exchange, decide: DecideEarly, *, asks: bool = False) -> None:
        """Let a CONNECT or a ClientHello on, or record its refusal; without either it is denied."""
        try:
            decision = await self._identify(exchange) if asks else None
            if decision is None:
                decision = decide(self._policy_source.current(), exchange.request)
            if decision is None:
                decision = exchange.problem
            if decision is None and self.services.draining:
                decision = self.services.refuse(Reason.DRAINING, "the gate is shutting down; try again")
        except Exception:  # noqa: BLE001 - the gate: denies
            _log.exception("judging a connection failed; it is denied")
            decision = _internal_error()
        if decision is None:
            exchange.lifted = True
        else:
            await self._settle(exchange, decision)

    async def _decide(self, exchange: Exchange) -> Decision:
        """The verdict on a request and, if it allows, where to: never raises, never allows by default."""
        try:
            if exchange.request.connect is not None:
                recall(self.services.passwords, exchange)
            elif (busy := await self._identify(exchange)) is not None:
                return busy
            began = perf_counter()
            decision = self._verdict(exchange)
            self.services.meter.took("judge", perf_counter() - began)
            return await self._direct(exchange, decision) if decision.allowed else decision
        except Exception:  # noqa: BLE001 - the gate: denies
            _log.exception("judging a request failed; it is denied")
            return _internal_error()

    def _verdict(self, exchange: Exchange) -> Decision:
        """What the policy in force says of a request."""
        decision = self._judge.decide_request(self._policy_source.current(), exchange.request)
        if decision.allowed and exchange.problem is not None:
            return refuse(decision, exchange.problem.reason, exchange.problem.detail)
        return decision

    async def _direct(self, exchange: Exchange, decision: Decision) -> Decision:
        """Find the way of an allowed request: fresh addresses, or the open connection.

        A name server may take seconds: what was taken away meanwhile, from all or from this user, is refused.
        """
        request, policy = exchange.request, self._policy_source.current()
        exchange.host = host = _destination(request, decision)
        exchange.port = port = HTTP_PORT if request.connect is None else HTTPS_PORT
        if exchange.reusable is not None and exchange.reusable[0] == (host, port):
            known = exchange.reusable[1]
            exchange.upstream = Upstream(known.addresses, known.ttl_s, reused=True)
            return decision
        began = perf_counter()
        try:
            resolved = await self._resolver.resolve(host)
        except DnsFailure as exc:
            return refuse(decision, Reason.DNS_FAILURE, str(exc))
        finally:
            self.services.meter.took("dns", perf_counter() - began)
        recall(self.services.passwords, exchange)
        if exchange.request is not request or self._policy_source.current() is not policy:
            decision = self._verdict(exchange)
            if not decision.allowed:
                return decision
        judged = self._judge.decide_addresses(decision, resolved.addresses, self._networks)
        if isinstance(judged, Decision):
            return judged
        exchange.upstream = Upstream(judged, resolved.ttl_s)
        return decision

    async def _settle(self, exchange: Exchange, decision: Decision) -> None:
        """Record a verdict, then let it take effect; what cannot be recorded is denied."""
        exchange.decision = None
        upstream = exchange.upstream if decision.allowed else None
        began = perf_counter()
        try:
            await self._recorder.decision(decision, exchange.request, upstream, exchange.decision_id)
        except AuditUnavailable as exc:
            _log.error("a decision could not be recorded; it is denied: %s", exc)
            decision = _unrecorded(decision)
        except Exception:  # noqa: BLE001 - the gate: whatever else kept it from the journal denies
            _log.exception("a decision could not be recorded; it is denied")
            decision = _unrecorded(decision)
        else:
            exchange.recorded = True
            self.services.meter.took("journal", perf_counter() - began)
        exchange.decision = decision


def _destination(request: Request, decision: Decision) -> HostName:
    """The judged name, read anew; in a tunnel it is the CONNECT's or nothing.

    Raises:
        ValueError: the verdict names another host than the connection, or none.
    """
    try:
        host = parse_authority(decision.reading.host or "")
        tunnel = parse_authority(request.connect) if request.connect is not None else host
    except ReadError as exc:
        raise ValueError("the verdict names no host") from exc
    if host.name != tunnel.name:
        raise ValueError("the verdict names another host than the CONNECT")
    return host.name


def _unrecorded(decision: Decision) -> Decision:
    told = "the audit journal cannot be written; nothing passes"
    return refuse(decision, Reason.AUDIT_UNAVAILABLE, told)


def _internal_error() -> Decision:
    return Decision(Reason.INTERNAL_ERROR, "the gate could not judge this; it is denied", NOTHING_READ)
