"""Asks `decide_request` about an attack without a wire: the same bytes, taken apart by the plainest of readers."""

from datetime import datetime

from bypass.attack import SAME, Attack
from s3gate.policy.decide import decide_request
from s3gate.policy.decision import Decision
from s3gate.policy.model import Policy
from s3gate.policy.reading import Client, Request
from s3gate.proxy.forward import split_target
from s3gate.proxy.head import HeadRefused


class NotOneRequest(Exception):
    """The bytes cannot be handed over as method, target and header pairs."""


def to_request(attack: Attack, now: datetime) -> Request:
    """The request that an attack sends.

    Raises:
        NotOneRequest: its bytes are not a head with a request line and lines with a colon.
    """
    head, end, _ = attack.send.decode("latin-1").partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    method, _, rest = first.partition(" ")
    target, _, version = rest.rpartition(" ")
    pairs = [line.partition(":") for line in lines]
    if not end or not version.startswith("HTTP/") or not all(colon for _, colon, _ in pairs):
        raise NotOneRequest
    connect = (
        None
        if attack.connect is None
        else attack.connect.encode("utf-8", "surrogateescape").decode("latin-1")
    )
    name = attack.sni if attack.sni != SAME else (attack.connect or "").rpartition(":")[0].lower()
    scheme = "http" if connect is None else "https"
    try:
        authority, origin = split_target(target, scheme)
    except HeadRefused as exc:
        raise NotOneRequest from exc
    return Request(
        method=method,
        scheme=scheme,
        authority=authority,
        target=origin,
        headers=tuple((field, value.removeprefix(" ")) for field, _, value in pairs),
        connect=connect,
        sni=None if connect is None else name,
        client=Client("127.0.0.1"),
        now=now,
        http_version=version,
    )


def judge(policy: Policy, attack: Attack, now: datetime) -> Decision:
    """The verdict without a wire."""
    return decide_request(policy, to_request(attack, now))
