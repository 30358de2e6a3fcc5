"""Fresh names over real sockets: no cache, no search list, CNAME chains, failures that say why."""

import asyncio

import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset
import pytest

from s3gate.demo.dns_server import Answer, DnsServer
from s3gate.proxy.dns import DnsFailure, FreshResolver
from s3gate.s3.host import HostName

NAME = HostName("b.s3.amazonaws.com")


async def test_every_question_is_asked_anew() -> None:
    async with DnsServer(["amazonaws.com"]) as server:
        resolver = FreshResolver([f"127.0.0.1:{server.port}"], 2.0)
        answers = [await resolver.resolve(NAME) for _ in range(3)]
        assert len({one.addresses for one in answers}) == 3
        assert {one.ttl_s for one in answers} == {1}
        assert server.asked == {NAME: 6}


async def test_both_families_and_the_smallest_ttl() -> None:
    async with DnsServer(["amazonaws.com"]) as server:
        server.set_answer(NAME, Answer(alias="alias.amazonaws.com", ttl=300))
        server.set_answer(
            "alias.amazonaws.com", Answer(ipv4=("192.0.2.1", "192.0.2.2"), ipv6=("2001:db8::1",), ttl=5)
        )
        resolved = await FreshResolver([f"127.0.0.1:{server.port}"], 2.0).resolve(NAME)
        assert set(resolved.addresses[:2]) == {"192.0.2.1", "192.0.2.2"}
        assert resolved.addresses[2] == "2001:db8::1"
        assert resolved.ttl_s == 5
        assert set(server.asked) == {NAME}


FAILURES = {
    "does not exist": Answer(rcode=dns.rcode.NXDOMAIN),
    "was refused or failed": Answer(rcode=dns.rcode.SERVFAIL),
    "has no address": Answer(),
    "was not answered in time": Answer(silent=True),
}


@pytest.mark.parametrize("told", FAILURES)
async def test_failures_say_why(told: str) -> None:
    async with DnsServer(["amazonaws.com"]) as server:
        server.set_answer(NAME, FAILURES[told])
        with pytest.raises(DnsFailure, match=told):
            await FreshResolver([f"127.0.0.1:{server.port}"], 0.3).resolve(NAME)


def test_without_any_nameserver_there_is_no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_args: object, **_kwargs: object) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr("dns.asyncresolver.Resolver", missing)
    with pytest.raises(ValueError, match=r"dns[.]nameservers"):
        FreshResolver([], 2.0)


async def test_a_short_name_is_not_completed() -> None:
    async with DnsServer(["amazonaws.com", "local"]) as server:
        server.set_answer("b", Answer(rcode=dns.rcode.NXDOMAIN))
        with pytest.raises(DnsFailure):
            await FreshResolver([f"127.0.0.1:{server.port}"], 1.0).resolve(HostName("b"))
        assert set(server.asked) == {"b"}


async def test_the_system_resolver_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("the loop resolved a name")

    async with DnsServer(["amazonaws.com"]) as server:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", forbidden)
        assert (await FreshResolver([f"127.0.0.1:{server.port}"], 2.0).resolve(NAME)).addresses


@pytest.mark.parametrize("text", ["ns.example", "127.0.0.1:x", "127.0.0.1:99999999"])
def test_a_nameserver_is_an_address(text: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        FreshResolver([text], 2.0)


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]:54", ("2001:db8::1", 54)),
    ],
)
def test_spellings_of_a_nameserver(text: str, pair: tuple[str, int]) -> None:
    (server,) = FreshResolver([text], 2.0)._resolver.nameservers
    assert (server.address, server.port) == pair  # type: ignore[union-attr] # a Do53Nameserver


class OneFamily(asyncio.DatagramProtocol):
    """A name server that loses every question for AAAA."""

    transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        if query.question[0].rdtype == dns.rdatatype.A:
            answer = dns.message.make_response(query)
            answer.answer.append(dns.rrset.from_text(query.question[0].name, 1, "IN", "A", "192.0.2.7"))
            self.transport.sendto(answer.to_wire(), addr)


async def test_a_family_that_never_answers_does_not_hold_up_the_other() -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(OneFamily, local_addr=("127.0.0.1", 0))
    try:
        port = transport.get_extra_info("sockname")[1]
        async with asyncio.timeout(5):
            resolved = await FreshResolver([f"127.0.0.1:{port}"], 30.0).resolve(NAME)
        assert resolved.addresses == ("192.0.2.7",)
    finally:
        transport.close()
