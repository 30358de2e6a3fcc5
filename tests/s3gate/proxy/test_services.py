"""What the layers share: fresh ids, the time with its zone, denials with the policy's digest."""

from datetime import UTC

from drive.layers import make_services, make_session
from s3gate.policy.decision import Reason
from s3gate.proxy.head import parse_request_head


def test_an_exchange_has_its_id() -> None:
    ids = iter(("a", "b"))
    services = make_services(new_id=lambda: next(ids))
    request = make_session().request(parse_request_head(b"GET / HTTP/1.1"), "http", None, "/", services.now())
    assert [services.exchange(request).decision_id for _ in range(2)] == ["a", "b"]


def test_the_time_has_its_zone() -> None:
    assert make_services().now().tzinfo is UTC


def test_a_denial_of_the_layers() -> None:
    decision = make_services().refuse(Reason.NOT_TLS, "no TLS")
    assert (decision.reason, decision.allowed, decision.policy) == (Reason.NOT_TLS, False, "")
