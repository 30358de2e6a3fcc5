"""One ordinary question: whose answer counts, what is odd, and that no bytes break its reader."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.demo.dns_server import Answer, DnsServer
from s3gate.proxy.dns import FreshResolver
from s3gate.proxy.dns_question import Answers, Records, _read, ask_both
from s3gate.s3.host import HostName

NAME = HostName("b.s3.amazonaws.com")
A, AAAA = dns.rdatatype.A, dns.rdatatype.AAAA
PATIENCE_S = 5.0  # of tests that expect an answer
SHORT_S = 0.3  # of those that expect none
GOOD = {A: Records(("192.0.2.1",), 5), AAAA: Records(("2001:db8::1",), 7)}

type Replies = Callable[[dns.message.QueryMessage], list[bytes]]


def answer(query: dns.message.QueryMessage, *, flags: int = 0, rcode: int = 0) -> dns.message.Message:
    made = dns.message.make_response(query)
    made.flags |= flags
    made.set_rcode(dns.rcode.Rcode(rcode))
    kind = query.question[0].rdtype
    for address in GOOD[kind].addresses:
        records = dns.rrset.from_text(query.question[0].name, GOOD[kind].ttl_s, "IN", kind.name, address)
        made.answer.append(records)
    return made


def with_id(wire: bytes, number: int) -> bytes:
    return (int.from_bytes(wire[:2]) ^ number).to_bytes(2) + wire[2:]


def without_records(query: dns.message.QueryMessage) -> bytes:
    return dns.message.make_response(query).to_wire()


def for_another_name(query: dns.message.QueryMessage) -> bytes:
    other = dns.message.make_query("evil.example", query.question[0].rdtype, id=query.id)
    return answer(other).to_wire()


def of_the_other_kind(query: dns.message.QueryMessage) -> bytes:
    kind = AAAA if query.question[0].rdtype == A else A
    return answer(dns.message.make_query(str(query.question[0].name), kind, id=query.id)).to_wire()


class NameServer(asyncio.DatagramProtocol):
    """Answers as it is told, and remembers who asked."""

    def __init__(self, replies: Replies) -> None:
        self._replies = replies
        self.asked: list[tuple[int, int, dns.rdatatype.RdataType]] = []
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        assert isinstance(query, dns.message.QueryMessage)
        self.asked.append((query.id, addr[1], query.question[0].rdtype))
        for wire in self._replies(query):
            assert self.transport is not None
            self.transport.sendto(wire, addr)


@asynccontextmanager
async def serving(
    replies: Replies, host: str = "127.0.0.1"
) -> AsyncIterator[tuple[NameServer, tuple[str, int]]]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(lambda: NameServer(replies), local_addr=(host, 0))
    try:
        yield server, transport.get_extra_info("sockname")[:2]
    finally:
        transport.close()


NOT_OURS: dict[str, Replies] = {
    "with another id": lambda query: [with_id(answer(query).to_wire(), 0x0100)],
    "for another name": lambda query: [for_another_name(query)],
    "of the other kind under this id": lambda query: [of_the_other_kind(query)],
    "empty": lambda _query: [b""],
    "shorter than a header": lambda query: [query.to_wire()[:5]],
}


@pytest.mark.parametrize("row", NOT_OURS)
async def test_what_answers_no_open_question_is_nobodys(row: str) -> None:
    async with serving(lambda query: [*NOT_OURS[row](query), answer(query).to_wire()]) as (_, address):
        assert await ask_both(NAME, address, PATIENCE_S) == Answers(GOOD)
    async with serving(NOT_OURS[row]) as (_, address):
        assert await ask_both(NAME, address, SHORT_S) == Answers()


async def test_the_first_answer_stands() -> None:
    def twice(query: dns.message.QueryMessage) -> list[bytes]:
        return [answer(query).to_wire(), without_records(query)]

    async with serving(twice) as (_, address):
        assert await ask_both(NAME, address, PATIENCE_S) == Answers(GOOD)


async def test_another_socket_of_the_nameservers_machine_is_not_heard() -> None:
    loop = asyncio.get_running_loop()
    asker: asyncio.Future[tuple[bytes, tuple[str, int]]] = loop.create_future()

    class Silent(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            if not asker.done():
                asker.set_result((data, addr))

    listening, _ = await loop.create_datagram_endpoint(Silent, local_addr=("127.0.0.1", 0))
    forger, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
    try:
        asking = asyncio.ensure_future(ask_both(NAME, listening.get_extra_info("sockname"), SHORT_S))
        question, where = await asker
        query = dns.message.from_wire(question)
        assert isinstance(query, dns.message.QueryMessage)
        forger.sendto(answer(query).to_wire(), where)
        assert await asking == Answers()
    finally:
        listening.close()
        forger.close()


ODD: dict[str, Replies] = {
    "cut short": lambda query: [answer(query, flags=dns.flags.TC).to_wire()],
    "SERVFAIL": lambda query: [answer(query, rcode=dns.rcode.SERVFAIL).to_wire()],
    "NXDOMAIN": lambda query: [answer(query, rcode=dns.rcode.NXDOMAIN).to_wire()],
    "a question instead of an answer": lambda query: [query.to_wire()],
    "junk behind it": lambda query: [answer(query).to_wire() + b"\0"],
    "broken records": lambda query: [answer(query).to_wire()[:-3]],
}


@pytest.mark.parametrize("row", ODD)
async def test_what_is_odd_is_left_to_the_resolver(row: str) -> None:
    async with serving(ODD[row]) as (_, address):
        answers = await ask_both(NAME, address, PATIENCE_S)
        assert answers.odd
        assert answers.found == {}


async def test_a_nameserver_that_is_not_there_is_odd_at_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        address = free.getsockname()
    async with asyncio.timeout(PATIENCE_S):
        assert (await ask_both(NAME, address, 10 * PATIENCE_S)).found == {}


async def test_no_address_is_an_answer_too() -> None:
    async with serving(lambda query: [without_records(query)]) as (_, address):
        answers = await ask_both(NAME, address, PATIENCE_S)
    assert {kind: records.addresses for kind, records in answers.found.items()} == {A: (), AAAA: ()}
    assert not answers.odd


async def test_a_nameserver_may_have_an_ipv6_address() -> None:
    async with serving(lambda query: [answer(query).to_wire()], "::1") as (_, (host, port)):
        resolved = await FreshResolver([f"[{host}]:{port}"], PATIENCE_S).resolve(NAME)
        assert resolved.addresses == ("192.0.2.1", "2001:db8::1")


async def test_an_answer_too_long_for_a_datagram_comes_over_tcp() -> None:
    async with DnsServer(["amazonaws.com"]) as server:
        server.set_answer(NAME, Answer(ipv4=("192.0.2.9",), tcp_only=True))
        resolved = await FreshResolver([f"127.0.0.1:{server.port}"], PATIENCE_S).resolve(NAME)
        assert resolved.addresses == ("192.0.2.9",)


async def test_each_question_has_a_port_and_an_id_of_its_own() -> None:
    async with serving(lambda query: [answer(query).to_wire()]) as (server, address):
        for _ in range(20):
            await ask_both(NAME, address, PATIENCE_S)
    assert len({port for _, port, _ in server.asked}) > 10
    assert len({number for number, _, _ in server.asked}) > 30
    assert [kind for _, _, kind in server.asked] == [A, AAAA] * 20


async def test_its_socket_is_closed_however_it_ends() -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async with serving(lambda _query: []) as (_, address):
        before = count()
        await ask_both(NAME, address, 0.01)
        asking = asyncio.ensure_future(ask_both(NAME, address, PATIENCE_S))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert count() == before


async def test_a_lost_question_is_asked_again_within_the_time() -> None:
    lost = {A, AAAA}

    def at_second_try(query: dns.message.QueryMessage) -> list[bytes]:
        kind = query.question[0].rdtype
        if kind in lost:
            lost.discard(kind)
            return []
        return [answer(query).to_wire()]

    async with serving(at_second_try) as (_, (host, port)):
        resolved = await FreshResolver([f"{host}:{port}"], 2 * SHORT_S).resolve(NAME)
        assert resolved.addresses == ("192.0.2.1", "2001:db8::1")


async def test_the_second_nameserver_is_asked_when_the_first_refuses() -> None:
    refusing: Replies = lambda query: [answer(query, rcode=dns.rcode.REFUSED).to_wire()]  # noqa: E731 - as the rows
    async with (
        serving(refusing) as (_, first),
        serving(lambda query: [answer(query).to_wire()]) as (_, second),
    ):
        names = [f"{host}:{port}" for host, port in (first, second)]
        assert (await FreshResolver(names, PATIENCE_S).resolve(NAME)).ttl_s == 5


@given(st.binary(max_size=80), st.integers(0, 60))
def test_no_bytes_break_the_reader(junk: bytes, at: int) -> None:
    query = dns.message.make_query(NAME, A)
    assert isinstance(query, dns.message.QueryMessage)
    wire = bytearray(answer(query).to_wire())
    wire[at : at + len(junk)] = junk
    records = _read(bytes(wire))
    assert records is None or all(isinstance(address, str) for address in records.addresses)
