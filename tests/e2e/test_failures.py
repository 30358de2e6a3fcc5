"""Whatever breaks inside the gate denies: no policy, no journal, a hook or a layer that raises."""

import asyncio
import logging
from collections.abc import Callable

import pytest
from mitmproxy.connection import Client, Server
from mitmproxy.http import HTTPFlow
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

from e2e.rig import EVIL, GOOD, Rig
from s3gate.policy.decision import Reason
from s3gate.proxy import stream, transfer
from s3gate.proxy.tls import TlsEnds

pytestmark = pytest.mark.e2e

GET = f"GET /k HTTP/1.1\r\nHost: {GOOD}\r\n\r\n".encode()


def raising(*_args: object, **_kwargs: object) -> None:
    raise ZeroDivisionError("broken on purpose")


async def test_without_a_policy_nothing_passes(rig: Rig) -> None:
    client = await rig.tunnel()
    rig.source.policy = None
    async with client:
        await client.send(GET)
        assert (await client.read_all()).startswith(b"HTTP/1.1 503 ")
    async with await rig.connect() as client:
        await client.send(f"CONNECT {GOOD}:443 HTTP/1.1\r\nHost: {GOOD}\r\n\r\n".encode())
        assert (await client.read_all()).startswith(b"HTTP/1.1 503 POLICY_UNAVAILABLE\r\n")
    assert rig.recorder.reasons == [Reason.POLICY_UNAVAILABLE] * 2
    assert not rig.dns.asked


@pytest.mark.parametrize("host", [GOOD, EVIL], ids=["allowed", "denied"])
async def test_what_cannot_be_recorded_does_not_happen(rig: Rig, host: str) -> None:
    client = await rig.tunnel(host)
    rig.recorder.broken = True
    async with client:
        await client.send(GET.replace(GOOD.encode(), host.encode()))
        answer = await client.read_all()
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"x-s3gate-reason: AUDIT_UNAVAILABLE\r\n" in answer
    assert not rig.s3.touched


async def test_a_refused_connect_that_cannot_be_recorded(rig: Rig) -> None:
    rig.recorder.broken = True
    async with await rig.connect() as client:
        await client.send(b"CONNECT www.evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.read_all()).startswith(b"HTTP/1.1 503 AUDIT_UNAVAILABLE\r\n")


BREAKS: dict[str, tuple[object, str]] = {
    "the judge of connects": ("judge", "decide_connect"),
    "the judge of hellos": ("judge", "decide_tls"),
    "the judge of requests": ("judge", "decide_request"),
    "the judge of addresses": ("judge", "decide_addresses"),
    "the resolver": ("resolver", "resolve"),
    "the leaf": (TlsEnds, "accept"),
    "the upstream's TLS": (TlsEnds, "connect"),
    "the request's forwarding": (transfer.Transfer, "open"),
    "the answer's forwarding": (transfer.Transfer, "feed_response"),
    "the headers' forwarding": (stream, "check_forwardable"),
    "the framing": (stream, "request_body"),
    "the target": (stream, "split_target"),
}


@pytest.mark.parametrize("name", BREAKS)
async def test_whatever_raises_denies(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    owner, attribute = BREAKS[name]
    if owner == "judge":
        monkeypatch.setattr(rig.gate.addon, "_judge", BrokenJudge(rig.gate.addon._judge, attribute))
    elif owner == "resolver":
        monkeypatch.setattr(rig.gate.addon._resolver, attribute, raising)
    else:
        monkeypatch.setattr(owner, attribute, raising)
    async with await rig.connect() as client:
        try:
            await client.open_tunnel(GOOD, GOOD)
            await client.send(GET)
        except (AssertionError, OSError, asyncio.IncompleteReadError):
            pass
        answer = await client.read_all()
    assert b" 200 " not in answer
    assert rig.s3.heads == [] or name == "the answer's forwarding"
    assert not any(one.decision.allowed for one in rig.recorder.decisions) or name in {
        "the upstream's TLS",
        "the request's forwarding",
        "the answer's forwarding",
    }


class BrokenJudge:
    """The real judge with one verdict that raises."""

    def __init__(self, judge: object, broken: str) -> None:
        self._judge = judge
        self._broken = broken

    def __getattr__(self, name: str) -> Callable[..., object]:
        return raising if name == self._broken else getattr(self._judge, name)


@pytest.mark.parametrize("hook", ["s3gate_connect", "s3gate_request", "s3gate_hello"])
async def test_a_hook_that_raises_denies(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, hook: str, caplog: pytest.LogCaptureFixture
) -> None:
    """mitmproxy logs what a hook raises and goes on; the layers see no verdict, and deny."""
    caplog.set_level(logging.CRITICAL)
    monkeypatch.setattr(rig.gate.addon, hook, raising)
    async with await rig.connect() as client:
        try:
            await client.open_tunnel(GOOD, GOOD)
            await client.send(GET)
        except (AssertionError, OSError, asyncio.IncompleteReadError):
            pass
        answer = await client.read_all()
    assert b" 200 " not in answer
    assert not rig.s3.touched
    if hook == "s3gate_request":
        assert b"x-s3gate-reason: INTERNAL_ERROR\r\n" in answer
        assert rig.recorder.reasons == [Reason.INTERNAL_ERROR]


async def test_another_addon_cannot_change_what_was_judged(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = rig.gate.addon.requestheaders

    async def meddle(flow: HTTPFlow) -> None:
        """As mitmdump runs the hook of an addon behind the gate's."""
        await judge(flow)
        flow.request.host = EVIL
        flow.request.path = "/stolen"
        flow.request.headers["Host"] = EVIL
        flow.request.stream = True
        meddled.append(flow)

    meddled: list[HTTPFlow] = []
    rig.gate.addon.services.show_flows = True  # as under mitmdump, where others listen
    monkeypatch.setattr(rig.gate.addon, "requestheaders", meddle)
    assert (await rig.ask(GET)).endswith(b"hello from /k")
    assert rig.s3.heads == [GET]
    assert set(rig.dns.asked) == {GOOD}
    assert len(meddled) == 1


async def test_a_connection_that_nobody_judged_is_not_dialled(rig: Rig) -> None:
    """`server_connect` is the last word: an address the gate does not know ends there."""
    client = Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2))
    data = ServerConnectionHookData(server=Server(address=(GOOD, 443)), client=client)
    rig.gate.addon.server_connect(data)
    assert data.server.error is not None


async def test_the_loop_resolves_nothing_by_itself(rig: Rig) -> None:
    with pytest.raises(OSError, match="resolves no names"):
        await asyncio.open_connection(GOOD, 443)
