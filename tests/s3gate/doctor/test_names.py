"""Names against a name server of ours: private, public, none, silent."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import dns.rcode
import pytest

from s3gate.demo.dns_server import Answer, DnsServer
from s3gate.doctor.finding import Finding, Outcome
from s3gate.doctor.names import check_private, check_upstream
from s3gate.policy.network import UpstreamNetworks, parse_networks

NAME = "s3.eu-west-1.amazonaws.com"
PUBLIC, PRIVATE = parse_networks(["public"]), parse_networks(["10.0.0.0/16"])


@pytest.fixture
async def server() -> AsyncIterator[DnsServer]:
    async with DnsServer(["amazonaws.com"]) as running:
        yield running


async def private(server: DnsServer) -> Finding:
    (found,) = await asyncio.to_thread(check_private, NAME, [f"127.0.0.1:{server.port}"])
    return found


async def upstream(server: DnsServer, networks: UpstreamNetworks) -> Finding:
    (found,) = await asyncio.to_thread(check_upstream, NAME, [f"127.0.0.1:{server.port}"], networks)
    return found


@pytest.mark.parametrize(
    ("answer", "outcome", "why"),
    [
        pytest.param(Answer(ipv4=("10.0.0.5", "10.0.1.5")), Outcome.FINE, "10.0.0.5, 10.0.1.5", id="private"),
        pytest.param(Answer(ipv6=("fd12::5",)), Outcome.FINE, "fd12::5", id="IPv6"),
        pytest.param(Answer(ipv4=("52.0.0.1",)), Outcome.WRONG, "public address 52.0.0.1", id="public"),
        pytest.param(
            Answer(ipv4=("10.0.0.5", "52.0.0.1")), Outcome.WRONG, "52.0.0.1", id="one of them public"
        ),
        pytest.param(Answer(ipv4=("169.254.169.254",)), Outcome.WRONG, "instance-metadata", id="metadata"),
        pytest.param(Answer(ipv4=("127.0.0.1",)), Outcome.WRONG, "loopback", id="loopback"),
        pytest.param(Answer(rcode=dns.rcode.NXDOMAIN), Outcome.WRONG, "does not exist", id="no such name"),
        pytest.param(Answer(), Outcome.WRONG, "has no address", id="no address"),
    ],
)
async def test_private(server: DnsServer, answer: Answer, outcome: Outcome, why: str) -> None:
    server.set_answer(NAME, answer)
    found = await private(server)
    assert (found.name, found.outcome) == (f"private {NAME}", outcome)
    assert why in found.detail
    assert server.asked[NAME] > 0


@pytest.mark.parametrize(
    ("address", "networks", "outcome", "then"),
    [
        pytest.param("52.0.0.1", PUBLIC, Outcome.FINE, None, id="public S3"),
        pytest.param("10.0.0.5", PRIVATE, Outcome.FINE, None, id="an interface endpoint"),
        pytest.param("52.0.0.1", PRIVATE, Outcome.WRONG, "private DNS", id="it should be private"),
        pytest.param(
            "10.0.0.5", PUBLIC, Outcome.WRONG, "upstream.networks", id="an endpoint that is not listed"
        ),
    ],
)
async def test_upstream(
    server: DnsServer, address: str, networks: UpstreamNetworks, outcome: Outcome, then: str | None
) -> None:
    server.set_answer(NAME, Answer(ipv4=(address,)))
    found = await upstream(server, networks)
    assert found.outcome is outcome, found
    assert then is None or then in str(found.then)


async def test_a_name_server_that_fails(server: DnsServer) -> None:
    server.set_answer(NAME, Answer(rcode=dns.rcode.SERVFAIL))
    found = await upstream(server, PUBLIC)
    assert (found.outcome, "failed at every nameserver" in found.detail) == (Outcome.WRONG, True)


@pytest.mark.parametrize("nameserver", ["nonsense", "127.0.0.1:0"])
def test_what_is_no_name_server(nameserver: str) -> None:
    (found,) = check_private(NAME, [nameserver])
    assert found.outcome is Outcome.WRONG


def ask(name: str) -> Sequence[Finding]:
    return check_private(name, [])


def test_the_system_is_asked_with_its_hosts_file() -> None:
    (found,) = ask("localhost")
    assert (found.outcome, "loopback" in found.detail) == (Outcome.WRONG, True)


@pytest.mark.parametrize("name", ["a..b", "x" * 300])
def test_what_is_no_name_is_never_asked_for(name: str) -> None:
    (found,) = ask(name)
    assert (found.outcome, "does not resolve" in found.detail) == (Outcome.WRONG, True)
