"""What a new policy does to connections that are open: each is judged anew by what was let on.

The normal case: the new policy lets the CONNECT on as well and nothing happens; the next
request in the tunnel is judged by it anyway. A tunnel whose CONNECT it refuses is closed,
at once when it is idle, else behind the answer that is on its way. Strictly, a transfer
whose request it refuses is cut at once, also when its verdict still waits for the disk; its
completion says why.
"""

from collections.abc import Iterable

from s3gate.policy.decision import Reason
from s3gate.policy.model import Policy
from s3gate.policy.reading import Request
from s3gate.proxy.connection import GateConnection
from s3gate.proxy.exchange import Session
from s3gate.proxy.ports import Judge
from s3gate.proxy.services import Services


def renew(connections: Iterable[GateConnection], judge: Judge, services: Services, *, strict: bool) -> int:
    """Judge open connections by the policy that has just come into force.

    Args:
        connections: those of all clients.
        judge: makes the verdicts.
        services: what the layers share; with the new policy.
        strict: whether transfers that it refuses are cut.

    Returns:
        How many connections were cut.
    """
    policy, cut = services.policy_source.current(), 0
    for one in connections:
        session = one.session
        refused = _refused_tunnel(judge, policy, session, services)
        session.stale = refused is not None
        if session.busy:
            refused = _refused_transfer(judge, policy, session) if strict else None
        if refused is not None:
            session.cut = refused
            one.cancel()
            cut += 1
    return cut


def _refused_tunnel(
    judge: Judge, policy: Policy | None, session: Session, services: Services
) -> Reason | None:
    """Why the CONNECT of a session would be refused now, if it would."""
    if session.connect is None:
        return None
    request = Request(
        method="CONNECT",
        scheme="https",
        authority=None,
        target=session.connect,
        headers=(),
        connect=session.connect,
        sni=None,
        client=session.client,
        now=services.now(),
    )
    decision = judge.decide_connect(policy, request)
    return decision.reason if decision is not None else None


def _refused_transfer(judge: Judge, policy: Policy | None, session: Session) -> Reason | None:
    """Why the request on its way would be refused now, if it would."""
    if session.asked is None or session.asked.upstream is None:  # not judged yet: this policy will do it
        return None
    decision = judge.decide_request(policy, session.asked.request)
    return None if decision.allowed else decision.reason
