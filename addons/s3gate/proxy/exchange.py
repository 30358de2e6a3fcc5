"""One request on its way through the gate, and the connection that it came on.

The layers fill an Exchange from the head, a hook of the gate gives it its verdict, the
layers act on it. An Exchange without a verdict is a denial.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic_ns
from typing import Final

from s3gate.policy.decision import Decision, Reason
from s3gate.policy.reading import Client, Request
from s3gate.proxy.head import RequestHead
from s3gate.proxy.ports import Upstream
from s3gate.s3.host import HostName

HTTPS_PORT: Final = 443
HTTP_PORT: Final = 80


class Valve:
    """Whether more bytes of the client may come; the layers turn it, the client's wire obeys."""

    __slots__ = ("_is_open", "_on_close", "_on_open")

    def __init__(self) -> None:
        self._is_open = True
        self._on_close: Callable[[], None] | None = None
        self._on_open: Callable[[], None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether they may."""
        return self._is_open

    def turns(self, on_close: Callable[[], None], on_open: Callable[[], None]) -> None:
        """Say what to turn; it is brought to where the valve stands.

        Args:
            on_close: called when it closes.
            on_open: called when it opens.
        """
        self._on_close, self._on_open = on_close, on_open
        if not self._is_open:
            on_close()

    def open(self) -> None:
        """Let the client's bytes come."""
        if not self._is_open:
            self._is_open = True
            if self._on_open is not None:
                self._on_open()

    def close(self) -> None:
        """Leave them with the client: that is the back-pressure."""
        if self._is_open:
            self._is_open = False
            if self._on_close is not None:
                self._on_close()


@dataclass(slots=True)
class Session:
    """One accepted connection of a client.

    Args:
        client: who is on the other end.
        connect: authority of its CONNECT as sent, None before or without.
        sni: server name of its ClientHello as sent, None before or without.
        proof: the hash by which its CONNECT's user was proven, or None.
        busy: whether a request is on its way.
        cut: why the gate closes it by itself, or None: TIMEOUT when nothing moved, DRAINING when the gate
            stops, NOT_TLS when a record cannot be read, else why a new policy refuses it.
        asked: the request on its way, judged or not, or the last one.
        stale: whether a new policy refuses its CONNECT: it ends behind the answer that is on its way.
    """

    client: Client
    connect: str | None = None
    sni: str | None = None
    proof: str | None = field(default=None, repr=False)
    busy: bool = False
    cut: Reason | None = None
    asked: "Exchange | None" = None
    stale: bool = False
    valve: Valve = field(default_factory=Valve)

    def request(
        self, head: RequestHead, scheme: str, authority: str | None, target: str, now: datetime
    ) -> Request:
        """What is judged of a head that came on this connection.

        Args:
            head: as sent.
            scheme: https inside a tunnel.
            authority: that of an absolute-form target, or None.
            target: the rest of the target, raw.
            now: the clock, time zone aware.
        """
        return Request(
            method=head.method,
            scheme=scheme if self.connect is None else "https",
            authority=authority,
            target=target,
            headers=head.headers,
            connect=self.connect,
            sni=self.sni,
            client=self.client,
            now=now,
            http_version=head.http_version,
        )


@dataclass(slots=True)
class Exchange:
    """One request: what was asked, what was decided, where it goes.

    Args:
        request: the head as sent.
        decision_id: of its decision record.
        problem: a refusal that the layers found (framing); it yields to one of the policy.
        reusable: the open, judged upstream connection, with the (host, port) it serves.
        lifted: for a CONNECT and a ClientHello: positively let on to the next step.
        decision: the verdict; without one, or without a positive allow, the answer is a denial.
        recorded: whether the verdict is in the journal.
        host: the judged name to dial, set by an allow.
        port: 443, or 80 in clear text.
        upstream: the judged addresses, set by an allow.
        proof: the hash by which the request's user was proven, or None.
    """

    request: Request
    decision_id: str
    problem: Decision | None = None
    reusable: tuple[tuple[str, int], Upstream] | None = None
    lifted: bool = False
    decision: Decision | None = None
    recorded: bool = False
    host: HostName | None = None
    port: int = HTTPS_PORT
    upstream: Upstream | None = None
    proof: str | None = field(default=None, repr=False)
    started_ns: int = field(default_factory=monotonic_ns)
