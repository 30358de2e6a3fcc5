"""What the layers of one gate share: TLS ends, limits, ids, the clock."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from s3gate.policy.decide import refuse_unread
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.reading import Request
from s3gate.proxy.exchange import Exchange
from s3gate.proxy.passwords import Passwords
from s3gate.proxy.ports import Meter, NoMeter, PolicySource, Upstream
from s3gate.proxy.reset_watch import ResetWatch
from s3gate.proxy.tls import TlsEnds


@dataclass(slots=True)
class Services:
    """Shared by every layer of one gate.

    Args:
        tls: makes both ends of TLS.
        policy_source: for the digest in denials that the layers make themselves.
        new_id: makes decision ids.
        head_bytes: most bytes of a head.
        connect_timeout_s: from the dial to the end of the upstream's TLS handshake, seconds.
        passwords: of the proxy's users; None: there are none, and credentials are not looked at.
        meter: told how long each step takes.
        show_flows: start mitmproxy's later flow hooks too, for mitmweb.
        leaving: whether the gate is about to stop: answers close their connections.
        draining: whether it stops: no tunnel is opened any more.
        resets: hears of clients that are gone while they are not read.
        judged: for each upstream connection (by mitmproxy's id) its name, port and judged addresses.
    """

    tls: TlsEnds
    policy_source: PolicySource
    new_id: Callable[[], str]
    head_bytes: int
    connect_timeout_s: float
    passwords: Passwords | None = None
    meter: Meter = field(default_factory=NoMeter)
    show_flows: bool = False
    leaving: bool = False
    draining: bool = False
    resets: ResetWatch = field(default_factory=ResetWatch)
    judged: dict[str, tuple[tuple[str, int], Upstream]] = field(default_factory=dict)

    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.now(UTC)

    def exchange(self, request: Request) -> Exchange:
        """A new exchange with its decision id."""
        return Exchange(request, self.new_id())

    def refuse(self, reason: Reason, detail: str) -> Decision:
        """A denial of something that is not judged by the policy."""
        return refuse_unread(self.policy_source.current(), reason, detail)
