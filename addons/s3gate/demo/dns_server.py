"""A DNS server that behaves as S3's does: every answer is another address and lives for a second.

It is authoritative for the names under its suffixes. An A question is answered with the
next address of a bounded pool and TTL 1 s, an AAAA question with an empty NOERROR; all
else is REFUSED. It listens on one loopback port, over UDP and TCP, and counts what it was
asked, so that a test can assert that a refused name was never asked for. `set_answer`
replaces the answer of one name: fixed addresses, an alias, an error code, or silence.
"""

import asyncio
import contextlib
import itertools
import socket
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final, Self

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

TTL_S: Final = 1
"""Seconds an answer lives; S3's own names live for a few (observed 1-5)."""

POOL_SIZE: Final = 64
"""Addresses in the pool: more than the 50 connections in a row that a test makes."""

POOL_FIRST: Final = IPv4Address("127.83.51.1")
"""First address of the pool; any of 127.0.0.0/8 is this machine (RFC 1122, 3.2.1.3)."""

UDP_LIMIT: Final = 512
"""Octets of a UDP answer when the question has no EDNS (RFC 1035, 4.2.1)."""


def loopback_pool(size: int = POOL_SIZE) -> tuple[str, ...]:
    """The first `size` addresses of the pool, as text."""
    return tuple(str(POOL_FIRST + index) for index in range(size))


def usable_pool() -> tuple[str, ...]:
    """The pool where this system lets a program listen on it, else 127.0.0.1 alone (macOS has no other)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((str(POOL_FIRST), 0))
        except OSError:
            return ("127.0.0.1",)
    return loopback_pool()


@dataclass(frozen=True, slots=True)
class Answer:
    """What one name is answered instead of the next address of the pool.

    Args:
        ipv4: A records, all in one answer.
        ipv6: AAAA records.
        alias: a CNAME to this name; its own records follow when this server has them.
        rcode: e.g. `dns.rcode.NXDOMAIN`, `dns.rcode.SERVFAIL`.
        ttl: seconds.
        silent: receive the question and never answer.
        tcp_only: answer UDP with the truncated flag and nothing else.
    """

    ipv4: tuple[str, ...] = ()
    ipv6: tuple[str, ...] = ()
    alias: str | None = None
    rcode: dns.rcode.Rcode = dns.rcode.NOERROR
    ttl: int = TTL_S
    silent: bool = False
    tcp_only: bool = False


def plain(name: dns.name.Name | str) -> str:
    """A name as the counters and answers spell it: lower case, no trailing dot."""
    return str(name).lower().removesuffix(".")


class DnsServer:
    """The server; `async with DnsServer(["amazonaws.com"]) as server:` runs it.

    Args:
        suffixes: names it is authoritative for, each with everything below it.
        pool: IPv4 addresses it hands out in turn.
    """

    def __init__(self, suffixes: Sequence[str], pool: Sequence[str] = loopback_pool()) -> None:
        self.suffixes = tuple(dns.name.from_text(suffix) for suffix in suffixes)
        self.pool = tuple(pool)
        self.asked: Counter[str] = Counter()
        """How often each name was asked for, whatever the type and the transport."""
        self.handed_out: list[tuple[str, str]] = []
        """Each (name, address) given from the pool, in order."""
        self.port = 0
        self._answers: dict[str, Answer] = {}
        self._next = itertools.cycle(self.pool)
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()

    def set_answer(self, name: str, answer: Answer | None) -> None:
        """Answer `name` with `answer` from now on; None returns to the pool."""
        if answer is None:
            self._answers.pop(plain(name), None)
        else:
            self._answers[plain(name)] = answer

    async def start(self, host: str = "127.0.0.1") -> None:
        """Listen on one free port of `host`, UDP and TCP."""
        loop = asyncio.get_running_loop()
        for tcp_socket, udp_socket in _socket_pairs(host):
            with contextlib.ExitStack() as opened:
                opened.callback(tcp_socket.close)
                opened.callback(udp_socket.close)
                try:
                    udp_socket.bind(tcp_socket.getsockname())
                except OSError:
                    continue  # another program has that UDP port: the next pair
                opened.pop_all()
            self.port = tcp_socket.getsockname()[1]
            self._tcp = await asyncio.start_server(self._serve_stream, sock=tcp_socket)
            self._udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=udp_socket)
            return

    async def close(self) -> None:
        """Stop listening."""
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
            for client in tuple(self._clients):
                client.close()
            await self._tcp.wait_closed()

    async def __aenter__(self) -> Self:
        """Start on 127.0.0.1."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.close()

    def respond(self, wire: bytes, *, udp: bool) -> bytes | None:
        """The answer to one message, or None when there is to be none."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        if query.flags & dns.flags.QR or len(query.question) != 1:
            return None
        name = plain(query.question[0].name)
        self.asked[name] += 1
        answer = self._answers.get(name)
        if answer is not None and answer.silent:
            return None
        response = self._answer(query, truncated=udp and answer is not None and answer.tcp_only)
        try:
            return response.to_wire(max_size=max(query.payload, UDP_LIMIT) if udp else 65535)
        except dns.exception.TooBig:
            return self._answer(query, truncated=True).to_wire()

    def _answer(self, query: dns.message.Message, *, truncated: bool) -> dns.message.Message:
        response = dns.message.make_response(query)
        question = query.question[0]
        if not any(question.name.is_subdomain(suffix) for suffix in self.suffixes):
            response.set_rcode(dns.rcode.REFUSED)
            return response
        response.flags |= dns.flags.AA
        if truncated:
            response.flags |= dns.flags.TC
            return response
        answer = self._answers.get(plain(question.name))
        response.set_rcode(answer.rcode if answer is not None else dns.rcode.NOERROR)
        response.answer.extend(self._records(question.name, question.rdtype))
        return response

    def _records(
        self, name: dns.name.Name, kind: dns.rdatatype.RdataType, depth: int = 0
    ) -> Iterator[dns.rrset.RRset]:
        answer = self._answers.get(plain(name))
        if answer is None:
            if kind == dns.rdatatype.A:
                address = next(self._next)
                self.handed_out.append((plain(name), address))
                yield dns.rrset.from_text(name, TTL_S, "IN", "A", address)
            return
        if answer.alias is not None and depth < 8:
            target = dns.name.from_text(answer.alias)
            yield dns.rrset.from_text(name, answer.ttl, "IN", "CNAME", target.to_text())
            if any(target.is_subdomain(suffix) for suffix in self.suffixes):
                yield from self._records(target, kind, depth + 1)
        elif kind == dns.rdatatype.A and answer.ipv4:
            yield dns.rrset.from_text(name, answer.ttl, "IN", "A", *answer.ipv4)
        elif kind == dns.rdatatype.AAAA and answer.ipv6:
            yield dns.rrset.from_text(name, answer.ttl, "IN", "AAAA", *answer.ipv6)

    async def _serve_stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Messages over TCP, each after its length in two octets (RFC 1035, 4.2.2)."""
        self._clients.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length = int.from_bytes(await reader.readexactly(2))
                answer = self.respond(await reader.readexactly(length), udp=False)
                if answer is not None:
                    writer.write(len(answer).to_bytes(2) + answer)
                    await writer.drain()
        self._clients.discard(writer)
        writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.DatagramTransport):
            self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._server.respond(data, udp=True)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)


def _socket_pairs(host: str, tries: int = 20) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A TCP socket bound to a free port and a UDP socket not bound yet, anew for each try."""
    for _ in range(tries):
        stream = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        stream.bind((host, 0))
        yield stream, socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    raise OSError(f"no port of {host} is free for both TCP and UDP")
