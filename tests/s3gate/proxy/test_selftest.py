"""The self-test: it passes when the gate refuses, and nothing serves when it does not."""

import asyncio
import contextlib
import socket
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from e2e.rig import POLICY, FixedPolicy, MemoryRecorder
from s3gate.policy import decide
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.document import parse_policy
from s3gate.policy.model import Policy
from s3gate.policy.reading import NOTHING_READ, Client, Request
from s3gate.proxy import selftest
from s3gate.proxy.arrival import Network
from s3gate.proxy.authority import Authority
from s3gate.proxy.ports import Judge
from s3gate.proxy.runtime import Gate, RuntimeSettings
from s3gate.proxy.selftest import Nonce, SelfTest, SelfTestFailed, choose_forbidden

ENFORCED = parse_policy(POLICY.replace("PLAIN", "deny").encode())
MONITORED = parse_policy((POLICY.replace("PLAIN", "deny") + "mode: monitor\nuntil: 2099-01-01\n").encode())
CHINA = parse_policy(
    b"version: 1\nendpoints: {partitions: [aws-cn], regions: [cn-north-1], classes: [standard]}\n"
    b"rules:\n  - {id: a, bucket: a-bucket, allow: [read]}\n"
)
ALLOW = Decision(Reason.ALLOWED_BY_RULE, "anything", NOTHING_READ)


def make_gate(
    recorder: MemoryRecorder,
    policy: Policy | None = ENFORCED,
    judge: Judge = decide,
    trusted: tuple[Network, ...] | None = None,
) -> tuple[Gate, Nonce]:
    settings = RuntimeSettings(
        Authority.generate(datetime.now(UTC)),
        host="127.0.0.1",
        port=0,
        nameservers=("127.0.0.1",),
        trusted_proxies=trusted,
        linger_s=0.0,
    )
    nonce = Nonce()
    return Gate(settings, FixedPolicy(policy), recorder, lambda: "01ID", judge, nonce), nonce


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        pytest.param(ENFORCED, Reason.BUCKET_NOT_LISTED, id="enforced"),
        pytest.param(MONITORED, Reason.HOST_MISMATCH, id="monitored"),
        pytest.param(CHINA, Reason.BUCKET_NOT_LISTED, id="china"),
        pytest.param(None, Reason.POLICY_UNAVAILABLE, id="none"),
    ],
)
@pytest.mark.parametrize("trusted", [None, ()], ids=["direct", "behind-a-balancer"])
async def test_a_gate_that_refuses_starts(
    policy: Policy | None, reason: Reason, trusted: tuple[Network, ...] | None
) -> None:
    recorder = MemoryRecorder()
    gate, nonce = make_gate(recorder, policy, trusted=trusted)
    assert await gate.start() > 0
    await gate.drain(0.1)
    (one,) = recorder.decisions
    assert (one.decision.reason, one.request.client.address) == (reason, "127.0.0.1")
    assert nonce.header in one.request.headers
    assert not nonce.spend(one.request), "it is void after the test"


class LetsAllThrough:
    """A judge that says yes, from some call on."""

    def __init__(self, refusals: int) -> None:
        self._refusals = refusals

    def decide_connect(self, _policy: Policy | None, _request: Request) -> None:
        return None

    decide_tls = decide_connect

    def decide_request(self, policy: Policy | None, request: Request) -> Decision:
        self._refusals -= 1
        return decide.decide_request(policy, request) if self._refusals >= 0 else ALLOW

    def decide_addresses(self, decision: Decision, *_: object) -> Decision:
        return Decision(Reason.DNS_FAILURE, "nobody is asked", decision.reading)


@pytest.mark.parametrize(("refusals", "why"), [(0, "found no request"), (1, "did not refuse|another reason")])
async def test_a_gate_that_lets_it_through_does_not_start(refusals: int, why: str) -> None:
    gate, _ = make_gate(MemoryRecorder(), judge=LetsAllThrough(refusals))
    with pytest.raises(SelfTestFailed, match=why):
        await gate.start()
    assert gate.port == 0
    await gate.drain(0.1)


async def test_a_gate_that_cannot_record_does_not_start() -> None:
    gate, _ = make_gate(MemoryRecorder(broken=True))
    with pytest.raises(SelfTestFailed, match=r"AUDIT_UNAVAILABLE, where BUCKET_NOT_LISTED belongs"):
        await gate.start()
    await gate.drain(0.1)


async def ask(answer: bytes | None) -> str:
    """A self-test whose other end gives this answer to the CONNECT, or none at all."""

    opened: list[tuple[asyncio.StreamWriter, asyncio.Event]] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        opened.append((writer, ended := asyncio.Event()))
        if answer is not None:
            writer.write(answer)
        else:
            await reader.read()
        writer.close()
        ended.set()

    async def serve(sock: socket.socket, _peer: tuple[str, int]) -> asyncio.Server:
        return await asyncio.start_server(speak, sock=sock)

    pem = Authority.generate(datetime.now(UTC)).certificate_pem().decode()
    try:
        return await SelfTest(Nonce(), pem, decide).run(ENFORCED, serve, proxy_header=False)
    finally:
        for writer, ended in opened:
            await ended.wait()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def test_an_answer_that_is_no_denial_fails() -> None:
    with pytest.raises(SelfTestFailed, match=r"it answered `HTTP/1\.1 404 Not Found`"):
        await ask(b"HTTP/1.1 404 Not Found\r\n\r\n")


async def test_no_answer_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "SELFTEST_S", 0.05)
    with pytest.raises(SelfTestFailed, match="not answered within"):
        await ask(None)


async def test_a_cut_answer_fails() -> None:
    with pytest.raises(SelfTestFailed, match="could not ask the gate: IncompleteReadError"):
        await ask(b"HTTP/1.1 4")


def carrying(*headers: tuple[str, str]) -> Request:
    return Request("GET", "https", None, "/", headers, None, None, Client("127.0.0.1"), datetime.now(UTC))


def test_a_nonce_is_spent_once_and_never_guessed() -> None:
    nonce = Nonce()
    name, value = nonce.header
    for wrong in ((), ((name, ""),), ((name, Nonce().header[1]),), ((name, "\xff"),), (("other", value),)):
        assert not nonce.spend(carrying(*wrong))
    assert nonce.spend(carrying(("a", "b"), nonce.header))
    assert not nonce.spend(carrying(nonce.header))


def test_a_refusal_at_the_connect_is_one_too() -> None:
    early = Decision(Reason.HOST_NOT_LISTED, "early", NOTHING_READ)
    judge = SimpleNamespace(decide_request=decide.decide_request, decide_connect=lambda *_: early)
    forbidden = choose_forbidden(ENFORCED, judge, Nonce())
    assert forbidden.reasons == {"BUCKET_NOT_LISTED", "HOST_NOT_LISTED"}
