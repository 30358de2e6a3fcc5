"""What the proxy needs of the rest of the house: where the policy is, where records go.

`app.py` fills these; the proxy knows neither files nor journals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from s3gate.policy.decision import Decision, Reason
from s3gate.policy.model import Policy
from s3gate.policy.network import UpstreamNetworks
from s3gate.policy.reading import Request


class AuditUnavailable(Exception):
    """A record cannot be written now; what it would have recorded must not happen."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where an allowed request may go.

    Args:
        addresses: judged addresses in the order in which they are tried.
        ttl_s: time to live of the answer, seconds.
        reused: whether an open, judged connection carries the request.
    """

    addresses: tuple[str, ...]
    ttl_s: int | None
    reused: bool = False


@dataclass(frozen=True, slots=True)
class Completion:
    """How an allowed request ended.

    Args:
        decision_id: that of its decision record.
        complete: both bodies passed whole.
        status: HTTP status of the upstream, None when none came.
        bytes_up: body bytes sent to the upstream.
        bytes_down: body bytes given to the client.
        duration_us: from the request head to the end, microseconds.
        first_byte_us: from the request head to the response head, microseconds, or None.
        address: the address that was dialled, or None.
        port: its port, or None.
        ttl_s: time to live of the answer it came from, seconds, or None.
        reused: whether the connection was open before.
        request_id: S3's `x-amz-request-id`, or None.
        id_2: S3's `x-amz-id-2`, or None.
        reason: why it failed, or None (also None when the client went away).
        detail: one lower-case sentence about that, or None.
    """

    decision_id: str
    complete: bool
    status: int | None
    bytes_up: int
    bytes_down: int
    duration_us: int
    first_byte_us: int | None
    address: str | None
    port: int | None
    ttl_s: int | None
    reused: bool
    request_id: str | None
    id_2: str | None
    reason: Reason | None = None
    detail: str | None = None


class PolicySource(Protocol):
    """Gives the policy in force."""

    def current(self) -> Policy | None:
        """The policy, or None when there is none: then nothing passes."""
        ...


class Recorder(Protocol):
    """Writes records."""

    async def decision(
        self, decision: Decision, request: Request, upstream: Upstream | None, decision_id: str
    ) -> None:
        """Record one decision; returns when it is durable.

        Raises:
            AuditUnavailable: it cannot be written.
        """
        ...

    def completion(self, completion: Completion) -> None:
        """Hand over how an allowed request ended: nobody waits for it, it is written soon.

        Raises:
            AuditUnavailable: it cannot be taken.
        """
        ...

    async def settle(self) -> None:
        """Return once every completion that was handed over is written, or known to be lost."""
        ...


class Meter(Protocol):
    """Is told how long each step of a request took."""

    def took(self, step: str, seconds: float, /) -> None:
        """Take in one duration.

        Args:
            step: judge, dns, journal, connect or first_byte.
            seconds: of it.
        """
        ...

    def cut(self, reason: str, /) -> None:
        """Take in that the gate closed a client's connection by itself.

        Args:
            reason: why, a code.
        """
        ...


class NoMeter:
    """Where nobody asks how long things take."""

    def took(self, _step: str, _seconds: float, /) -> None:
        """Forget it."""

    def cut(self, _reason: str, /) -> None:
        """Forget that too."""


class Judge(Protocol):
    """Makes the verdicts: `policy/decide.py`, or a stand-in of a test."""

    def decide_connect(self, policy: Policy | None, request: Request, /) -> Decision | None:
        """Judge a CONNECT: a refusal, or None to go on to TLS."""
        ...

    def decide_tls(self, policy: Policy | None, request: Request, /) -> Decision | None:
        """Judge a ClientHello: a refusal, or None to go on with the handshake."""
        ...

    def decide_request(self, policy: Policy | None, request: Request, /) -> Decision:
        """Judge a request head with its whole connection."""
        ...

    def decide_addresses(
        self, decision: Decision, addresses: Sequence[str], networks: UpstreamNetworks, /
    ) -> Decision | tuple[str, ...]:
        """Judge a resolver's answer: the addresses that may be dialled, or a refusal."""
        ...
