"""The self-test of every start: a forbidden request through the real way in, before anybody else.

The normal case: over TCP, with a PROXY header where one is wanted, CONNECT to a bucket
that nobody has, TLS under our own CA, a GET; the answer is the gate's refusal, and the
request carries a nonce that exists in this process alone, by which the recorder calls
it a self-test. Whatever else happens, the gate does not begin to serve.

The request is first judged without the network: in monitor mode a bucket that is not
listed would be let through, so the next way of being forbidden is taken.
"""

import asyncio
import secrets
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from ipaddress import ip_address
from typing import Final

from s3gate.policy.model import Policy
from s3gate.policy.reading import Client, Request
from s3gate.proxy.ports import Judge
from s3gate.proxy.proxy_protocol import PROXY, SIGNATURE, TCP4

SELFTEST_S: Final = 10.0  # for all of it; it takes some 10 ms, on a machine that just started ten times that
NONCE_HEADER: Final = "x-s3gate-selftest"
ADDRESS: Final = "127.0.0.1"
FALLBACK_REGION: Final = "us-east-1"  # for a policy that lists none
END_OF_HEAD: Final = b"\r\n\r\n"
ACCEPTED: Final = b"HTTP/1.1 200 "
HEAD_BYTES: Final = 65_536  # of an answer; the gate's own has under 1 KiB


class SelfTestFailed(Exception):
    """The gate did not refuse what is forbidden, or could not be asked; the message is one line."""


class Nonce:
    """A secret of this process that one request carries, once."""

    def __init__(self) -> None:
        self._value = secrets.token_hex(32)
        self._spent = False

    @property
    def header(self) -> tuple[str, str]:
        """The header that carries it."""
        return NONCE_HEADER, self._value

    def spend(self, request: Request) -> bool:
        """Whether the request carries it, for the first time."""
        carried = any(
            compare_digest(value.encode("latin-1"), self._value.encode())
            for name, value in request.headers
            if name == NONCE_HEADER
        )
        if self._spent or not carried:
            return False
        self._spent = True
        return True

    def void(self) -> None:
        """Nobody may carry it any more."""
        self._spent = True


@dataclass(frozen=True, slots=True)
class Forbidden:
    """A request that must be refused, and the reasons that may stand in the answer."""

    request: Request
    reasons: frozenset[str]


def choose_forbidden(policy: Policy | None, judge: Judge, nonce: Nonce) -> Forbidden:
    """The first of a few forbidden requests that the policy refuses, also in monitor mode.

    Args:
        policy: in force.
        judge: makes the verdicts.
        nonce: to be carried.

    Raises:
        SelfTestFailed: it would let all of them through.
    """
    region = min(policy.regions) if policy is not None and policy.regions else FALLBACK_REGION
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    one, other = (f"s3gate-selftest-{secrets.token_hex(8)}.s3.{region}.{suffix}" for _ in range(2))
    for host_header in (one, other):  # not listed; and a Host that contradicts the CONNECT
        request = Request(
            method="GET",
            scheme="https",
            authority=None,
            target="/s3gate-selftest",
            headers=(("Host", host_header), nonce.header),
            connect=f"{one}:443",
            sni=one,
            client=Client(ADDRESS),
            now=datetime.now(UTC),
        )
        decision = judge.decide_request(policy, request)
        if not decision.allowed:
            early = judge.decide_connect(policy, request)
            reasons = {decision.reason, early.reason} if early is not None else {decision.reason}
            return Forbidden(request, frozenset(reason.value for reason in reasons))
    raise SelfTestFailed(
        "the self-test found no request that this policy refuses; look for a rule that allows every bucket"
    )


class SelfTest:
    """One self-test.

    Args:
        nonce: known to the recorder.
        ca_pem: the CA that the client of the test trusts.
        judge: makes the verdicts.
    """

    def __init__(self, nonce: Nonce, ca_pem: str, judge: Judge) -> None:
        self._nonce, self._judge = nonce, judge
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a company's CA may be an intermediate
        self._context.load_verify_locations(cadata=ca_pem)

    async def run(
        self,
        policy: Policy | None,
        serve: Callable[[socket.socket, tuple[str, int]], Awaitable[asyncio.Server]],
        *,
        proxy_header: bool,
    ) -> str:
        """Ask for what is forbidden.

        Args:
            policy: in force.
            serve: lets one peer in on a bound socket, the way everybody takes.
            proxy_header: whether the connection begins with a PROXY header.

        Returns:
            The reason why it was refused.

        Raises:
            SelfTestFailed: it was not, or something kept it from being asked.
        """
        forbidden = choose_forbidden(policy, self._judge, self._nonce)
        server: asyncio.Server | None = None
        with socket.socket() as door, socket.socket() as own:
            try:
                door.bind((ADDRESS, 0))
                own.bind((ADDRESS, 0))
                own.setblocking(False)
                server = await serve(door.dup(), own.getsockname())
                async with asyncio.timeout(SELFTEST_S):
                    await asyncio.get_running_loop().sock_connect(own, door.getsockname())
                    head = await self._ask(own.dup(), forbidden.request, proxy_header=proxy_header)
            except TimeoutError as exc:
                raise SelfTestFailed(f"the self-test was not answered within {SELFTEST_S:g} s") from exc
            except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as exc:
                why = getattr(exc, "strerror", None) or type(exc).__name__
                raise SelfTestFailed(f"the self-test could not ask the gate: {why}") from exc
            finally:
                self._nonce.void()
                if server is not None:
                    server.close()
        return _check(head, forbidden)

    async def _ask(self, own: socket.socket, request: Request, *, proxy_header: bool) -> bytes:
        """The head of the answer: to the CONNECT where that is refused, else to the request."""
        reader, writer = await asyncio.open_connection(sock=own, limit=HEAD_BYTES)
        try:
            if proxy_header:
                writer.write(make_header(own.getsockname()))
            connect = request.connect or ""
            writer.write(_head("CONNECT", connect, (("Host", connect), self._nonce.header)))
            head = await reader.readuntil(END_OF_HEAD)
            if not head.startswith(ACCEPTED):
                return head
            await writer.start_tls(self._context, server_hostname=request.sni)
            writer.write(_head(request.method, request.target, request.headers))
            return await reader.readuntil(END_OF_HEAD)
        finally:
            writer.transport.abort()


def make_header(source: tuple[str, int]) -> bytes:
    """A PROXY header, version 2, for a client at an IPv4 address."""
    block = ip_address(source[0]).packed * 2 + struct.pack(">HH", source[1], source[1])
    return SIGNATURE + struct.pack(">BBH", PROXY, TCP4, len(block)) + block


def _head(method: str, target: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _check(head: bytes, forbidden: Forbidden) -> str:
    """The reason in an answer, if it is the refusal that was expected."""
    status, *lines = head.decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
    reason = fields.get("x-s3gate-reason", "").upper()
    if fields.get("x-s3gate-decision") != "deny":
        raise SelfTestFailed(f"the gate did not refuse a forbidden request: it answered `{status}`")
    if reason not in forbidden.reasons:
        expected = " or ".join(sorted(forbidden.reasons))
        raise SelfTestFailed(
            f"the gate refused the self-test for another reason: {reason}, where {expected} belongs"
        )
    return reason
