"""Who asks regularly whether the gate is ready, and whether they have heard that it is not.

The normal case: a load balancer's nodes each ask every few seconds; when the gate leaves
they hear 503 a few times, and send no new clients from then on. Nobody who asked only
once is waited for, nor anybody who has stopped asking: an operator's curl, a test.
"""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Final

# Failed checks until a target counts as down: 2 by default for Elastic Load Balancing, 3 for Kubernetes.
CHECKS: Final = 3
NOTICE_S: Final = 45.0  # in all; four checks, ten seconds apart as by default, and one for the road
GAPS: Final = 2.0  # so many of its gaps after its last question somebody has stopped asking
MIN_PATIENCE_S: Final = 0.2  # at least so long
PEERS: Final = 64  # remembered at once; a load balancer has a node in each zone


@dataclass(slots=True)
class _Peer:
    last: float
    gap: float | None = None
    heard: int = 0


class Watchers:
    """Remembers who asks; times are seconds on one clock of the caller's. Any thread may ask and tell."""

    def __init__(self) -> None:
        self._peers: OrderedDict[str, _Peer] = OrderedDict()
        self._left_at: float | None = None
        self._lock = Lock()

    def asked(self, peer: str, now: float, *, ready: bool) -> None:
        """Somebody was told whether the gate is ready.

        Args:
            peer: the address that asked.
            now: the clock.
            ready: what it was told.
        """
        with self._lock:
            known = self._peers.pop(peer, None)
            if known is None:
                known = _Peer(now)
            elif self._left_at is None:
                known.gap = now - known.last
            known.last = now
            known.heard += not ready and self._left_at is not None
            self._peers[peer] = known
            while len(self._peers) > PEERS:
                self._peers.popitem(last=False)

    def leave(self, now: float) -> None:
        """From now on everybody is told that the gate is not ready."""
        if self._left_at is None:
            self._left_at = now

    def unaware(self, now: float) -> bool:
        """Whether somebody who asks regularly has not heard often enough yet."""
        if self._left_at is None or now - self._left_at > NOTICE_S:
            return False
        with self._lock:
            return any(_waits(peer, now) for peer in self._peers.values())


def _waits(peer: _Peer, now: float) -> bool:
    if peer.gap is None or peer.heard >= CHECKS:
        return False
    return now - peer.last <= max(MIN_PATIENCE_S, GAPS * peer.gap)
