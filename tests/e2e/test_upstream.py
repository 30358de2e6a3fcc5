"""The way to the upstream: fresh names, judged addresses, verified TLS, answers that hold to HTTP."""

import asyncio
import re
import socket
from datetime import UTC, datetime
from pathlib import Path

import dns.rcode
import pytest

from e2e.fake_s3 import answering
from e2e.rig import GOOD, REGION, Rig, run_rig, server_context
from s3gate.demo.dns_server import Answer, loopback_pool
from s3gate.policy.decision import Reason
from s3gate.policy.network import parse_networks
from s3gate.proxy.authority import Authority

pytestmark = pytest.mark.e2e

GET = f"GET /k HTTP/1.1\r\nHost: {GOOD}\r\n\r\n".encode()


def reason_of(answer: bytes) -> str:
    match = re.search(rb"x-s3gate-reason: (\w+)\r\n", answer)
    assert match, answer
    return match[1].decode()


async def test_every_connection_asks_anew_and_goes_where_the_answer_says(tmp_path: Path) -> None:
    """Fifty connections reach the fifty addresses of fifty answers; nothing resolves a second time."""
    async with run_rig(tmp_path, pool=loopback_pool()) as rig:
        for _ in range(50):
            assert (await rig.ask(GET)).startswith(b"HTTP/1.1 200 ")
        given = [address for _, address in rig.dns.handed_out]
        assert len(set(given)) == 50
        assert [seen.address for seen in rig.s3.connections] == given
        done = await rig.recorder.wait_completions(50)
        assert [one.address for one in done] == given
        assert [one.upstream.addresses for one in rig.recorder.decisions if one.upstream] == [
            (one,) for one in given
        ]
        assert rig.dns.asked == {GOOD: 100}  # A and AAAA, nothing else


async def test_the_system_resolver_is_never_asked(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("a name was resolved behind the gate's back")

    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    monkeypatch.setattr(socket, "gethostbyname", forbidden)
    assert (await rig.ask(GET)).startswith(b"HTTP/1.1 200 ")


async def test_judged_addresses_are_tried_in_turn(tmp_path: Path) -> None:
    """The first address of the answer does not listen; the second does, and is the recorded one."""
    async with run_rig(tmp_path) as rig:
        rig.dns.set_answer(GOOD, Answer(ipv4=("127.0.0.1",), ipv6=("::1",), ttl=7))
        rig.gate.addon._networks = parse_networks(["127.0.0.0/8", "::1/128"])
        rig.dns.set_answer(GOOD, Answer(ipv4=("127.0.0.1",), ipv6=("::1",), ttl=7))
        assert (await rig.ask(GET)).startswith(b"HTTP/1.1 200 ")
        (done,) = await rig.recorder.wait_completions(1)
        assert (done.address, done.ttl_s) == ("127.0.0.1", 7)
        (one,) = rig.recorder.decisions
        assert one.upstream is not None
        assert one.upstream.addresses == ("127.0.0.1", "::1")


async def test_an_alias_is_followed_within_the_answer(rig: Rig) -> None:
    rig.dns.set_answer(GOOD, Answer(alias="s3-r-w.ap-northeast-1.amazonaws.com", ttl=300))
    rig.dns.set_answer("s3-r-w.ap-northeast-1.amazonaws.com", Answer(ipv4=("127.0.0.1",), ttl=5))
    assert (await rig.ask(GET)).startswith(b"HTTP/1.1 200 ")
    (done,) = await rig.recorder.wait_completions(1)
    assert done.ttl_s == 5
    assert set(rig.dns.asked) == {GOOD}


FORBIDDEN = {
    "IMDS": Answer(ipv4=("169.254.169.254",)),
    "private": Answer(ipv4=("10.0.0.1",)),
    "public": Answer(ipv4=("52.219.0.1",)),
    "one of two": Answer(ipv4=("127.0.0.1", "10.0.0.1")),
    "mapped": Answer(ipv6=("::ffff:127.0.0.1",)),
    "NAT64": Answer(ipv6=("64:ff9b::7f00:1",)),
    "unspecified": Answer(ipv4=("0.0.0.0",)),
    "IPv6 loopback": Answer(ipv6=("::1",)),
}


@pytest.mark.parametrize("name", FORBIDDEN)
async def test_an_answer_that_points_elsewhere_is_refused(rig: Rig, name: str) -> None:
    rig.dns.set_answer(GOOD, FORBIDDEN[name])
    answer = await rig.ask(GET)
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert reason_of(answer) == "UPSTREAM_ADDRESS_NOT_ALLOWED"
    assert rig.recorder.reasons == [Reason.UPSTREAM_ADDRESS_NOT_ALLOWED]
    assert not rig.s3.touched


FAILING = {
    "no such name": Answer(rcode=dns.rcode.NXDOMAIN),
    "server failure": Answer(rcode=dns.rcode.SERVFAIL),
    "no address": Answer(),
    "silence": Answer(silent=True),
}


@pytest.mark.parametrize("name", FAILING)
async def test_a_name_that_does_not_resolve_is_refused(tmp_path: Path, name: str) -> None:
    async with run_rig(tmp_path, dns_timeout_s=0.3) as rig:
        rig.dns.set_answer(GOOD, FAILING[name])
        answer = await rig.ask(GET)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert reason_of(answer) == "DNS_FAILURE"
        assert rig.recorder.reasons == [Reason.DNS_FAILURE]
        assert not rig.s3.touched


async def test_a_truncated_answer_is_asked_for_over_tcp(rig: Rig) -> None:
    rig.dns.set_answer(GOOD, Answer(ipv4=("127.0.0.1",), tcp_only=True))
    assert (await rig.ask(GET)).startswith(b"HTTP/1.1 200 ")


async def test_nobody_listens(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with run_rig(tmp_path, upstream_port=unused.getsockname()[1]) as rig:
            answer = await rig.ask(GET)
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert reason_of(answer) == "UPSTREAM_UNREACHABLE"
            assert rig.recorder.reasons == [Reason.ALLOWED_BY_RULE]
            (done,) = await rig.recorder.wait_completions(1)
            assert done.reason is Reason.UPSTREAM_UNREACHABLE


async def test_an_upstream_that_never_answers_the_handshake(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with (
        server,
        run_rig(tmp_path, upstream_port=server.sockets[0].getsockname()[1], connect_timeout_s=0.3) as rig,
    ):
        answer = await rig.ask(GET)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert reason_of(answer) == "UPSTREAM_UNREACHABLE"


@pytest.mark.parametrize(
    "host",
    ["*.s3.eu-west-1.amazonaws.com", f"*.s3.{REGION}.amazonaws.com"],
    ids=["another name", "unknown CA"],
)
async def test_a_certificate_that_is_not_for_the_name_is_refused(tmp_path: Path, host: str) -> None:
    async with run_rig(tmp_path) as rig:
        authority = rig.origin if host.startswith("*.s3.eu") else Authority.generate(datetime.now(UTC))
        rig.s3._context = server_context(authority, host)
        answer = await rig.ask(GET)
        assert answer.startswith(b"HTTP/1.1 403 ")
        assert reason_of(answer) == "UPSTREAM_TLS_FAILURE"
        assert rig.s3.heads == []
        (done,) = await rig.recorder.wait_completions(1)
        assert done.reason is Reason.UPSTREAM_TLS_FAILURE


BAD = {
    "switching protocols": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    "not HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
    "HTTP/2 answer": b"HTTP/2 200\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "gzip coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "folded": b"HTTP/1.1 200 OK\r\nx: a\r\n b\r\n\r\n",
    "NUL": b"HTTP/1.1 200 OK\r\nx: \0\r\n\r\n",
    "endless head": b"HTTP/1.1 200 OK\r\nx: " + b"a" * 100_000,
    "only interim answers": b"HTTP/1.1 102 Processing\r\n\r\n" * 20,
}


@pytest.mark.parametrize("name", BAD)
async def test_an_answer_that_breaks_http_is_not_passed_on(rig: Rig, name: str) -> None:
    rig.s3.script = answering(BAD[name], close=False)
    async with await rig.tunnel() as client:
        await client.send(GET)
        answer = await client.read_all()
    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert answer.count(b"HTTP/1.1 5") == 1
    (done,) = await rig.recorder.wait_completions(1)
    assert done.reason is Reason.UPSTREAM_UNREACHABLE


async def test_an_upstream_that_closes_without_an_answer(rig: Rig) -> None:
    rig.s3.script = answering(b"")
    answer = await rig.ask(GET)
    assert answer.startswith(b"HTTP/1.1 503 ")


async def test_an_answer_cut_in_its_body_is_cut_for_the_client_too(rig: Rig) -> None:
    rig.s3.script = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
    async with await rig.tunnel() as client:
        await client.send(GET)
        answer = await client.read_all()
    assert answer.endswith(b"hello")
    (done,) = await rig.recorder.wait_completions(1)
    assert (done.complete, done.status, done.reason) == (False, 200, Reason.UPSTREAM_UNREACHABLE)


async def test_a_second_answer_reaches_nobody(rig: Rig) -> None:
    one = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    rig.s3.script = answering(one + one.replace(b"ok", b"no"), close=False)
    async with await rig.tunnel() as client:
        await client.send(GET)
        assert (await client.read_answer()).endswith(b"ok")
        await client.send(GET)
        assert (await client.read_answer()).endswith(b"ok")
    assert len(rig.s3.connections) == 2


async def test_plain_http_goes_to_each_judged_host(tmp_path: Path) -> None:
    async with run_rig(tmp_path, plain="allow") as rig, await rig.connect() as client:
        for host in (GOOD, GOOD.replace("good", "other"), GOOD):
            await client.send(f"GET http://{host}/k HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert (await client.read_answer()).endswith(b"hello from /k")
        await client.send(
            b"GET http://evil-bucket.s3.ap-northeast-1.amazonaws.com/k HTTP/1.1\r\nHost: evil-bucket.s3.ap-northeast-1.amazonaws.com\r\n\r\n"
        )
        assert (await client.read_all()).startswith(b"HTTP/1.1 403 ")
        assert [head.split(b"\r\n")[0] for head in rig.s3.heads] == [b"GET /k HTTP/1.1"] * 3
        assert len(rig.s3.connections) == 3
