"""Open connections under a new policy: which are cut, which end behind their answer, which stay."""

from dataclasses import dataclass, field
from typing import cast

import pytest

from drive.layers import DENY, HOST, make_services, make_session
from s3gate.policy import decide
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.model import Policy
from s3gate.policy.reading import Request
from s3gate.proxy.connection import GateConnection
from s3gate.proxy.exchange import Exchange, Session
from s3gate.proxy.ports import Upstream
from s3gate.proxy.renewal import renew


@dataclass
class Connection:
    """What a renewal sees of one."""

    session: Session
    cut: list[Reason | None] = field(default_factory=list)

    def cancel(self) -> None:
        self.cut.append(self.session.cut)


class Opinion:
    """A judge that lets a CONNECT on or not, and refuses every request."""

    decide_tls = staticmethod(decide.decide_tls)
    decide_addresses = staticmethod(decide.decide_addresses)

    def __init__(self, *, refuses_tunnel: bool) -> None:
        self._refuses_tunnel = refuses_tunnel

    def decide_connect(self, _policy: Policy | None, request: Request, /) -> Decision | None:
        assert (request.method, request.connect) == ("CONNECT", f"{HOST}:443")
        return DENY if self._refuses_tunnel else None

    def decide_request(self, _policy: Policy | None, _request: Request, /) -> Decision:
        return DENY


JUDGED = Exchange(cast("Request", object()), "01ID", upstream=Upstream(("192.0.2.1",), 5))
UNJUDGED = Exchange(cast("Request", object()), "01ID")
ROWS = {
    "idle, let on": (False, None, False, None, False),
    "idle, refused": (True, None, False, DENY.reason, True),
    "busy, refused": (True, JUDGED, False, None, True),
    "busy, let on, strict": (False, JUDGED, True, DENY.reason, False),
    "busy, refused, strict": (True, JUDGED, True, DENY.reason, True),
    "not judged yet, strict": (False, UNJUDGED, True, None, False),
}


@pytest.mark.parametrize(("refuses", "asked", "strict", "cut", "stale"), ROWS.values(), ids=ROWS)
def test_a_tunnel(
    refuses: bool, asked: Exchange | None, strict: bool, cut: Reason | None, stale: bool
) -> None:
    session = make_session(f"{HOST}:443")
    session.busy, session.asked = asked is not None, asked
    one = Connection(session)
    count = renew(
        [cast("GateConnection", one)], Opinion(refuses_tunnel=refuses), make_services(), strict=strict
    )
    assert (one.cut, count, session.stale) == ([cut] if cut else [], int(cut is not None), stale)


def test_who_has_no_tunnel_and_asked_for_nothing_stays() -> None:
    one = Connection(make_session())
    one.session.busy = True
    assert (
        renew([cast("GateConnection", one)], Opinion(refuses_tunnel=True), make_services(), strict=True) == 0
    )
    assert one.cut == []
