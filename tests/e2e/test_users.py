"""Proxy users over real sockets: who must say who it is, what the password opens, and what shows of it."""

import asyncio
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import bcrypt
import pytest

from drive.wait import until
from e2e.rig import GOOD, OTHER, REGION, MemoryRecorder, RawClient, Rig, run_rig
from s3gate.policy.decision import Reason
from s3gate.policy.document import parse_policy
from s3gate.policy.reading import Client
from s3gate.proxy.proxy_protocol import PROXY, SIGNATURE, TCP4

pytestmark = pytest.mark.e2e

R = Reason
PASSWORD = "correct horse: £"
USERS = {
    "alice": bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode(),
    "bob": bcrypt.hashpw(b"other", bcrypt.gensalt(4)).decode(),
}
POLICY = f"""
version: 1
endpoints: {{partitions: [aws], regions: [{REGION}], classes: [standard], path_style: allow}}
unsigned: allow
plain_http: allow
clients:
  people: {{users: [alice]}}
  shop: {{vpc_endpoints: [vpce-0123456789abcdef0]}}
  near: {{cidrs: [NEAR]}}
rules:
  - {{id: good, bucket: good-bucket, allow: [read, write], clients: [people]}}
  - {{id: other, bucket: other-bucket, allow: [read], clients: [near, shop]}}
"""
ELSEWHERE, HERE = "192.0.2.0/24", "127.0.0.0/8"


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


ALICE, WRONG = basic("alice", PASSWORD), basic("alice", "wrong")


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Rig]:
    """A gate with users; nobody on this machine is in a group without."""
    async with run_rig(tmp_path, users=USERS) as rig:
        rig.source.policy = parse_policy(POLICY.replace("NEAR", ELSEWHERE).encode())
        yield rig


@pytest.fixture
async def near(tmp_path: Path) -> AsyncIterator[Rig]:
    """The same, but everybody on this machine is in the group `near`."""
    async with run_rig(tmp_path, users=USERS) as rig:
        rig.source.policy = parse_policy(POLICY.replace("NEAR", HERE).encode())
        yield rig


async def connect(rig: Rig, *credentials: str, host: str = GOOD) -> tuple[RawClient, bytes]:
    """The client behind its CONNECT, and the head of the answer."""
    client = await rig.connect()
    lines = "".join(f"Proxy-Authorization: {one}\r\n" for one in credentials)
    await client.send(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n{lines}\r\n".encode())
    return client, await client.read_head()


async def get(client: RawClient, host: str = GOOD, more: str = "") -> bytes:
    await client.send(f"GET /k HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode())
    return await client.read_answer()


def clients(recorder: MemoryRecorder) -> list[tuple[str, str | None, str | None]]:
    return [
        (one.decision.reason.value, one.request.client.user, one.request.client.unproven)
        for one in recorder.decisions
    ]


async def test_the_right_password_holds_for_the_tunnel(gate: Rig) -> None:
    client, head = await connect(gate, ALICE)
    async with client:
        assert head.startswith(b"HTTP/1.1 200 ")
        await client.start_tls(GOOD)
        for _ in range(3):
            assert (await get(client)).startswith(b"HTTP/1.1 200 ")
    assert clients(gate.recorder) == [("ALLOWED_BY_RULE", "alice", None)] * 3


REFUSED: Mapping[str, tuple[tuple[str, ...], str | None]] = {
    "no credentials": ((), None),
    "a wrong password": ((WRONG,), "alice"),
    "a wrong user": ((basic("nobody", PASSWORD),), ""),
    "the password in the wrong field": ((basic(PASSWORD.replace(":", ""), "alice"),), ""),
    "two headers": ((ALICE, ALICE), ""),
    "a right one behind a wrong one": ((WRONG, ALICE), ""),
    "another scheme": (("Bearer " + ALICE.partition(" ")[2],), ""),
    "not UTF-8": (("Basic " + b64encode(b"alice:\xff").decode(),), ""),
    "a NUL": ((basic("alice", PASSWORD + "\0"),), ""),
    "more than 72 bytes": ((basic("alice", PASSWORD + "x" * 72),), ""),
    "huge": ((basic("alice", "x" * 40_000),), ""),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_whatever_else_is_sent_is_407(gate: Rig, name: str) -> None:
    credentials, unproven = REFUSED[name]
    client, head = await connect(gate, *credentials)
    async with client:
        assert head.startswith(b"HTTP/1.1 407 PROXY_AUTH_REQUIRED\r\n")
        assert b'proxy-authenticate: Basic realm="s3gate", charset="UTF-8"\r\n' in head
        assert b"x-s3gate-reason: PROXY_AUTH_REQUIRED\r\n" in head
        body = await client.read_all()
        assert b"percent-encoded" in body
    assert clients(gate.recorder) == [("PROXY_AUTH_REQUIRED", None, unproven)]
    assert not gate.s3.touched
    assert not gate.dns.asked


async def test_wrong_user_and_wrong_password_read_the_same(gate: Rig) -> None:
    answers: list[bytes] = []
    for credentials in (WRONG, basic("nobody", "wrong")):
        client, head = await connect(gate, credentials)
        async with client:
            answers.append(re.sub(rb"01TEST[0-9]+", b"ID", head + await client.read_all()))
    first, second = answers
    assert first == second


async def test_a_head_that_is_too_long_is_refused_before_its_password_is_read(gate: Rig) -> None:
    client, head = await connect(gate, basic("alice", "x" * 60_000))
    async with client:
        assert head.startswith(b"HTTP/1.1 431 ")
    assert gate.recorder.reasons == [R.LIMIT_EXCEEDED]


async def test_who_is_in_a_group_without_users_need_not_say_who_it_is(near: Rig) -> None:
    client, head = await connect(near, host=OTHER)
    async with client:
        assert head.startswith(b"HTTP/1.1 200 ")
        await client.start_tls(OTHER)
        assert (await get(client, OTHER)).startswith(b"HTTP/1.1 200 ")


async def test_but_a_wrong_password_is_wrong_there_too(near: Rig) -> None:
    client, head = await connect(near, WRONG, host=OTHER)
    async with client:
        assert head.startswith(b"HTTP/1.1 407 ")


async def test_a_user_is_in_the_group_of_users_and_in_no_other(near: Rig) -> None:
    for host, status in ((GOOD, b"200"), (OTHER, b"403")):
        client, head = await connect(near, ALICE, host=host)
        async with client:
            assert head.startswith(b"HTTP/1.1 200 ")
            await client.start_tls(host)
            assert (await get(client, host)).startswith(b"HTTP/1.1 " + status)
    assert near.recorder.reasons == [R.ALLOWED_BY_RULE, R.CLIENT_NOT_ALLOWED]


async def test_a_user_of_no_group_is_where_its_address_is(near: Rig) -> None:
    client, head = await connect(near, basic("bob", "other"), host=OTHER)
    async with client:
        assert head.startswith(b"HTTP/1.1 200 ")
        await client.start_tls(OTHER)
        assert (await get(client, OTHER)).startswith(b"HTTP/1.1 200 ")


async def test_credentials_inside_the_tunnel_are_neither_believed_nor_forwarded(near: Rig) -> None:
    line = f"Proxy-Authorization: {ALICE}\r\n"
    client, _ = await connect(near)
    async with client:
        await client.start_tls(GOOD)
        assert (await get(client, GOOD, line)).startswith(b"HTTP/1.1 403 ")
    client, _ = await connect(near, host=OTHER)
    async with client:
        await client.start_tls(OTHER)
        assert (await get(client, OTHER, line)).startswith(b"HTTP/1.1 200 ")
    assert [(reason, user) for reason, user, _ in clients(near.recorder)] == [
        ("CLIENT_NOT_ALLOWED", None),
        ("ALLOWED_BY_RULE", None),
    ]
    assert b"roxy-" not in b"".join(near.s3.heads)
    assert ALICE.partition(" ")[2].encode() not in b"".join(near.s3.heads)


async def test_in_clear_text_each_request_says_who_it_is(gate: Rig) -> None:
    def ask(credentials: str) -> bytes:
        lines = f"Proxy-Authorization: {credentials}\r\n" if credentials else ""
        return f"GET http://{GOOD}/k HTTP/1.1\r\nHost: {GOOD}\r\n{lines}\r\n".encode()

    async with await gate.connect() as client:
        await client.send(ask(ALICE))
        assert (await client.read_answer()).startswith(b"HTTP/1.1 200 ")
        await client.send(ask(""))
        refused = await client.read_answer()
    assert refused.startswith(b"HTTP/1.1 407 Proxy Authentication Required\r\n")
    assert b"proxy-authenticate: Basic " in refused
    assert b"<Code>AccessDenied</Code>" in refused
    async with await gate.connect() as client:
        await client.send(ask(WRONG))
        assert (await client.read_answer()).startswith(b"HTTP/1.1 407 ")
    assert clients(gate.recorder) == [
        ("ALLOWED_BY_RULE", "alice", None),
        ("PROXY_AUTH_REQUIRED", None, None),
        ("PROXY_AUTH_REQUIRED", None, "alice"),
    ]
    assert len(gate.s3.heads) == 1
    assert b"roxy-" not in gate.s3.heads[0]


async def test_a_user_who_is_deleted_is_refused_in_an_open_tunnel(gate: Rig) -> None:
    passwords = gate.gate.addon.services.passwords
    assert passwords is not None
    client, _ = await connect(gate, ALICE)
    async with client:
        await client.start_tls(GOOD)
        assert (await get(client)).startswith(b"HTTP/1.1 200 ")
        passwords.renew({"bob": USERS["bob"]})
        refused = await get(client)
    assert refused.startswith(b"HTTP/1.1 403 "), "inside the tunnel we stand for the origin: never 407"
    assert b"proxy-authenticate" not in refused
    assert b"(PROXY_AUTH_REQUIRED)" in refused
    assert clients(gate.recorder)[-1] == ("PROXY_AUTH_REQUIRED", None, "alice")
    client, head = await connect(gate, ALICE)
    async with client:
        assert head.startswith(b"HTTP/1.1 407 ")


async def test_a_new_policy_that_asks_for_users_asks_open_tunnels_too(gate: Rig) -> None:
    asking = gate.source.policy
    gate.source.policy = parse_policy(POLICY.replace("NEAR", HERE).encode())
    client, _ = await connect(gate, host=OTHER)
    async with client:
        await client.start_tls(OTHER)
        assert (await get(client, OTHER)).startswith(b"HTTP/1.1 200 ")
        gate.source.policy = asking
        assert (await get(client, OTHER)).startswith(b"HTTP/1.1 403 ")
    assert gate.recorder.reasons[-1] is R.PROXY_AUTH_REQUIRED


async def test_a_crowd_with_one_password_is_let_in(gate: Rig) -> None:
    answers = await asyncio.gather(*(connect(gate, ALICE) for _ in range(50)))
    for client, head in answers:
        async with client:
            assert head.startswith(b"HTTP/1.1 200 ")


async def test_without_a_users_file_credentials_mean_nothing(tmp_path: Path) -> None:
    async with run_rig(tmp_path) as rig:
        client, head = await connect(rig, WRONG)
        async with client:
            assert head.startswith(b"HTTP/1.1 200 ")
            await client.start_tls(GOOD)
            assert (await get(client)).startswith(b"HTTP/1.1 200 ")
        assert clients(rig.recorder) == [("ALLOWED_BY_RULE", None, None)]


def through(endpoint: str) -> bytes:
    """A PROXY header of a load balancer behind a VPC endpoint service."""
    block = bytes((10, 0, 0, 7, 127, 0, 0, 1)) + (4711).to_bytes(2) + (8080).to_bytes(2)
    block += b"\xea" + (1 + len(endpoint)).to_bytes(2) + b"\x01" + endpoint.encode()
    return SIGNATURE + bytes((PROXY, TCP4)) + len(block).to_bytes(2) + block


async def test_a_client_is_known_by_the_endpoint_that_it_came_through(tmp_path: Path) -> None:
    async with run_rig(tmp_path, users=USERS, trusted_proxies=(ip_network(HERE),)) as rig:
        rig.source.policy = parse_policy(POLICY.replace("NEAR", ELSEWHERE).encode())
        for endpoint, status in (("vpce-0123456789abcdef0", b"200"), ("vpce-0123456789abcdef1", b"407")):
            async with await rig.connect() as client:
                await client.send(through(endpoint))
                await client.send(f"CONNECT {OTHER}:443 HTTP/1.1\r\nHost: {OTHER}:443\r\n\r\n".encode())
                assert (await client.read_head()).startswith(b"HTTP/1.1 " + status)
                if status == b"200":
                    await client.start_tls(OTHER)
                    assert (await get(client, OTHER)).startswith(b"HTTP/1.1 200 ")
        assert [replace(one.request.client, port=0) for one in rig.recorder.decisions] == [
            Client("10.0.0.7", vpc_endpoint="vpce-0123456789abcdef0"),
            Client("10.0.0.7", vpc_endpoint="vpce-0123456789abcdef1"),
        ]
        assert rig.recorder.reasons == [R.ALLOWED_BY_RULE, R.PROXY_AUTH_REQUIRED]


async def test_a_strict_reload_knows_the_user_of_a_transfer_in_clear_text(gate: Rig) -> None:
    async with await gate.connect() as client:
        await client.send(
            f"PUT http://{GOOD}/k HTTP/1.1\r\nHost: {GOOD}\r\nProxy-Authorization: {ALICE}\r\n"
            "Content-Length: 6\r\n\r\nhal".encode()
        )
        await until(lambda: gate.recorder.decisions)
        assert gate.gate.renew(strict=True) == 0, "the policy still lets alice"
        await client.send(b"f-y")
        assert (await client.read_answer()).startswith(b"HTTP/1.1 200 ")
