"""The running gate: one addon, safe options, and nothing else of mitmproxy that listens."""

import asyncio
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from mitmproxy.options import Options

from drive.layers import NoPolicy
from s3gate.proxy.authority import Authority
from s3gate.proxy.runtime import (
    SAFE_OPTIONS,
    Gate,
    RuntimeSettings,
    UnsafeOptions,
    check_options,
    make_options,
    serve,
)


class Silent:
    """A recorder that takes everything."""

    async def decision(self, *_: object) -> None: ...

    def completion(self, *_: object) -> None: ...

    async def settle(self) -> None: ...


def make_gate() -> Gate:
    settings = RuntimeSettings(
        Authority.generate(datetime.now(UTC)),
        host="127.0.0.1",
        port=0,
        nameservers=("127.0.0.1",),
        drain_s=0.1,
    )
    return Gate(settings, NoPolicy(), Silent(), lambda: "01ID")


async def test_it_has_one_addon_and_safe_options() -> None:
    gate = make_gate()
    port = await gate.start()
    assert port == gate.port > 0
    assert gate.connections == 0
    await gate.drain()


def test_the_options_of_a_running_gate_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    options = make_options(0.2)
    check_options(options)
    assert options.tcp_timeout == 1
    monkeypatch.setitem(SAFE_OPTIONS, "rawtcp", True)
    with pytest.raises(UnsafeOptions, match="rawtcp"):
        check_options(options)


def test_nothing_of_mitmproxys_addons_is_loaded_by_the_runner() -> None:
    """What is not there cannot open the gate; it is also 17 MiB."""
    code = "import sys, s3gate.proxy.runtime; print(*(one for one in sys.modules if one.startswith('mitmproxy.addons')))"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.split() == []


@pytest.mark.parametrize("name", SAFE_OPTIONS)
def test_each_option_is_checked(name: str) -> None:
    """Contract: every option that is locked exists in mitmproxy."""
    options = Options()
    assert name in options, f"mitmproxy has no option `{name}` any more: what it did may go by another name"
    options.update(**SAFE_OPTIONS)  # type: ignore[no-untyped-call] # mitmproxy has no type here
    check_options(options)
    safe = SAFE_OPTIONS[name]
    unsafe = (["upstream:http://x:1"] if name == "mode" else ["x"]) if isinstance(safe, list) else not safe
    options.update(**{name: unsafe})  # type: ignore[no-untyped-call] # as above
    with pytest.raises(UnsafeOptions, match=name):
        check_options(options)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it(number: signal.Signals) -> None:
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(serve(make_gate(), started.set_result))
    assert await started > 0
    os.kill(os.getpid(), number)
    await asyncio.wait_for(running, 5)
