"""The changing DNS server."""

import asyncio
import ipaddress

import dns.asyncquery
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from s3gate.demo import dns_server
from s3gate.demo.dns_server import Answer, DnsServer, loopback_pool, usable_pool

NAME = "example-uploads.s3.ap-northeast-1.amazonaws.com"


async def ask(server: DnsServer, name: str, kind: str = "A") -> dns.message.Message:
    query = dns.message.make_query(name, kind)
    return await dns.asyncquery.udp(query, "127.0.0.1", port=server.port, timeout=5)


def addresses(response: dns.message.Message) -> list[str]:
    return [str(record) for rrset in response.answer for record in rrset]


async def test_every_answer_is_another_address_that_lives_for_a_second() -> None:
    async with DnsServer(["amazonaws.com"]) as server:
        responses = [await ask(server, NAME) for _ in range(50)]
    given = [addresses(response)[0] for response in responses]
    assert len(set(given)) == 50
    assert set(given) <= set(loopback_pool())
    assert {response.answer[0].ttl for response in responses} == {1}
    assert server.handed_out == [(NAME, address) for address in given]


async def test_the_pool_is_bounded_and_used_in_turn() -> None:
    async with DnsServer(["amazonaws.com"], pool=["127.0.0.9", "127.0.0.8"]) as server:
        given = [addresses(await ask(server, NAME))[0] for _ in range(4)]
    assert given == ["127.0.0.9", "127.0.0.8", "127.0.0.9", "127.0.0.8"]


async def test_it_counts_each_name_whatever_its_case_type_and_transport() -> None:
    async with DnsServer(["amazonaws.com"]) as server:
        await ask(server, NAME)
        await ask(server, NAME.upper(), "AAAA")
        await dns.asyncquery.tcp(dns.message.make_query(NAME, "A"), "127.0.0.1", port=server.port, timeout=5)
    assert server.asked == {NAME: 3}


@pytest.mark.parametrize(
    ("name", "kind", "rcode"),
    [
        pytest.param(NAME, "AAAA", dns.rcode.NOERROR, id="no IPv6 address by default"),
        pytest.param(NAME, "TXT", dns.rcode.NOERROR, id="other type"),
        pytest.param("example.org", "A", dns.rcode.REFUSED, id="not under its suffixes"),
        pytest.param("notamazonaws.com", "A", dns.rcode.REFUSED, id="suffix without a dot"),
    ],
)
async def test_without_an_address(name: str, kind: str, rcode: dns.rcode.Rcode) -> None:
    async with DnsServer(["amazonaws.com"]) as server:
        response = await ask(server, name, kind)
    assert (response.rcode(), addresses(response)) == (rcode, [])


@pytest.mark.parametrize(
    ("answer", "kind", "expected"),
    [
        pytest.param(Answer(ipv4=("10.0.0.1", "127.0.0.2")), "A", ["10.0.0.1", "127.0.0.2"], id="addresses"),
        pytest.param(Answer(ipv6=("::1",)), "AAAA", ["::1"], id="IPv6"),
        pytest.param(Answer(ipv4=("127.0.0.2",)), "AAAA", [], id="only IPv4"),
        pytest.param(Answer(alias="x.example.org"), "A", ["x.example.org."], id="alias elsewhere"),
        pytest.param(
            Answer(alias="x.amazonaws.com"), "A", ["x.amazonaws.com.", "127.83.51.1"], id="alias here"
        ),
        pytest.param(Answer(tcp_only=True), "A", [], id="truncated"),
    ],
)
async def test_an_answer_set_for_a_name(answer: Answer, kind: str, expected: list[str]) -> None:
    async with DnsServer(["amazonaws.com"]) as server:
        server.set_answer(NAME, answer)
        response = await ask(server, NAME, kind)
        server.set_answer(NAME, None)
        again = await ask(server, NAME)
    assert sorted(addresses(response)) == sorted(expected)
    assert bool(response.flags & dns.flags.TC) == answer.tcp_only
    assert addresses(again)[0] in loopback_pool()


async def test_an_error_code_and_silence() -> None:
    async with DnsServer(["amazonaws.com"]) as server:
        server.set_answer(NAME, Answer(rcode=dns.rcode.NXDOMAIN))
        assert (await ask(server, NAME)).rcode() == dns.rcode.NXDOMAIN
        server.set_answer(NAME, Answer(silent=True))
        assert server.respond(dns.message.make_query(NAME, "A").to_wire(), udp=True) is None


async def test_an_alias_that_leads_to_itself_ends() -> None:
    async with DnsServer(["amazonaws.com"]) as server:
        server.set_answer(NAME, Answer(alias=NAME))
        assert len((await ask(server, NAME)).answer) <= 8


async def test_many_addresses_are_truncated_over_udp_and_whole_over_tcp() -> None:
    async with DnsServer(["amazonaws.com"]) as server:
        server.set_answer(NAME, Answer(ipv4=loopback_pool(60)))
        assert (await ask(server, NAME)).flags & dns.flags.TC
        query = dns.message.make_query(NAME, "A")
        whole = await dns.asyncquery.tcp(query, "127.0.0.1", port=server.port, timeout=5)
    assert len(addresses(whole)) == 60


@pytest.mark.parametrize("wire", [b"", b"\n", b"\xff\x00\x7f garbage", b"\0" * 12])
async def test_what_is_not_a_question_is_not_answered(wire: bytes) -> None:
    async with DnsServer(["amazonaws.com"]) as server:
        assert server.respond(wire, udp=True) is None


async def test_an_answer_is_not_answered() -> None:
    server = DnsServer(["amazonaws.com"])
    response = dns.message.make_response(dns.message.make_query(NAME, "A"))
    assert server.respond(response.to_wire(), udp=True) is None


async def test_it_stops_with_a_client_still_connected() -> None:
    server = DnsServer(["amazonaws.com"])
    await server.start()
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"\0")
    await ask(server, NAME)
    await asyncio.wait_for(server.close(), 5)
    writer.close()


def test_a_system_without_the_pool_has_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    assert usable_pool() == loopback_pool()
    not_ours = ipaddress.IPv4Address("192.0.2.1")  # TEST-NET-1: no machine has it (RFC 5737)
    monkeypatch.setattr(dns_server, "POOL_FIRST", not_ours)
    assert usable_pool() == ("127.0.0.1",)
