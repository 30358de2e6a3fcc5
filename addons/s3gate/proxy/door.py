"""Who comes in, and how many: each caller says who it is, is counted, and served or turned away.

The normal case: there is room, and the caller is served until it leaves. One client too
many is answered 503 with its reason and recorded.

Behind a load balancer those who have not said yet who they are have limits of their own:
that in all for what comes from the balancer, that of one client for everybody else together.

With several workers the limit in all holds for all of them together, that of one client
for each: which worker a connection comes to is the kernel's choice.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from s3gate.policy.decision import Reason
from s3gate.policy.reading import Client, Request
from s3gate.proxy.arrival import Network, NothingSent, NotIntroduced, introduce, is_trusted
from s3gate.proxy.denial import render_connect_denial
from s3gate.proxy.exchange import Exchange
from s3gate.proxy.gate import GateAddon
from s3gate.proxy.occupancy import Occupancy

REFUSED_LINGER_S: Final = 1.0  # for a client above the limits to read its answer
REFUSED_BYTES: Final = 65_536  # of it that are read and thrown away meanwhile


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many clients at once.

    Args:
        connections: in all, of all workers.
        connections_per_client: of one address in this worker; behind a load balancer that of the PROXY
            header.
    """

    connections: int
    connections_per_client: int


@dataclass(frozen=True, slots=True)
class Caller:
    """One accepted connection, before anything of it is known.

    Args:
        reader: of it.
        writer: of it.
        peer: its other end.
        trusted: load balancers whose PROXY header tells the client; None: the peer is the client.
        limited: whether the limits hold for it.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    peer: Client
    trusted: Sequence[Network] | None
    limited: bool


class Door:
    """Lets callers in.

    Args:
        gate: records what is refused here.
        limits: how many.
        occupancy: how many there are in all.
    """

    def __init__(self, gate: GateAddon, limits: ConnectionLimits, occupancy: Occupancy) -> None:
        self._gate, self._limits, self._occupancy = gate, limits, occupancy
        self._clients: Counter[str] = Counter()
        self._strangers: Counter[bool] = Counter()  # by whether the balancer sent them

    async def welcome(self, caller: Caller, serve: Callable[[Client], Awaitable[None]]) -> None:
        """Learn who it is, then serve it or turn it away.

        Args:
            caller: who knocks.
            serve: serves a client until its end.
        """
        client = await self._introduced(caller)
        if client is None:
            return
        self._occupancy.enter()
        over = self._over(client) if caller.limited else None
        self._clients[client.address] += 1
        try:
            if over is not None:
                await self._turn_away(caller, client, over)
            else:
                await serve(client)
        finally:
            self._occupancy.leave()
            self._clients[client.address] -= 1
            if not self._clients[client.address]:
                del self._clients[client.address]

    async def _introduced(self, caller: Caller) -> Client | None:
        """Who it is; None when it was refused, or left."""
        peer, trusted = caller.peer, caller.trusted
        if trusted is None:
            return peer
        by_balancer = is_trusted(peer, trusted)
        most = self._limits.connections if by_balancer else self._limits.connections_per_client
        if caller.limited and self._strangers[by_balancer] >= most:
            told = f"more than {most} connections have not begun with a PROXY header yet"
            await self._turn_away(caller, peer, told)
            return None
        self._strangers[by_balancer] += 1
        try:
            return await introduce(caller.reader, peer, trusted)
        except NotIntroduced as exc:
            await self._refuse(peer, exc.reason, exc.detail)
        except NothingSent:
            pass
        finally:
            self._strangers[by_balancer] -= 1
        return None

    def _over(self, client: Client) -> str | None:
        if self._occupancy.exceeds(self._limits.connections):
            return f"more than {self._limits.connections} connections are open"
        if self._clients[client.address] >= self._limits.connections_per_client:
            return f"more than {self._limits.connections_per_client} connections are open from this client"
        return None

    async def _refuse(self, client: Client, reason: Reason, detail: str) -> Exchange:
        """Record the refusal of a connection of which no request was read."""
        services = self._gate.services
        request = Request("", "http", None, "", (), None, None, client, services.now())
        exchange = services.exchange(request)
        exchange.decision = services.refuse(reason, detail)
        await self._gate.s3gate_refused(exchange)
        return exchange

    async def _turn_away(self, caller: Caller, client: Client, detail: str) -> None:
        """Answer with the reason, and hear the client out for a moment, so that it comes to read it."""
        exchange = await self._refuse(client, Reason.LIMIT_EXCEEDED, detail)
        if exchange.decision is None:
            return
        with contextlib.suppress(OSError, TimeoutError):
            caller.writer.write(render_connect_denial(exchange.decision, exchange.decision_id).to_bytes())
            caller.writer.write_eof()
            left = REFUSED_BYTES
            async with asyncio.timeout(REFUSED_LINGER_S):
                while left > 0 and (heard := await caller.reader.read(left)):
                    left -= len(heard)
