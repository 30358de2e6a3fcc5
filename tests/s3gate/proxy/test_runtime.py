"""The running gate: one addon, safe options, and no start with any other."""

import asyncio
import os
import signal
from datetime import UTC, datetime

import pytest
from mitmproxy.master import Master
from mitmproxy.options import Options

from drive.layers import NoPolicy
from s3gate.proxy import runtime
from s3gate.proxy.authority import Authority
from s3gate.proxy.runtime import SAFE_OPTIONS, Gate, RuntimeSettings, UnsafeOptions, check_options, serve


class Silent:
    """A recorder that takes everything."""

    async def decision(self, *_: object) -> None: ...

    async def completion(self, *_: object) -> None: ...


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
    assert gate._master is not None
    assert gate._master.addons.chain == [gate.addon]
    assert gate._master.options.rawtcp is False
    assert port == gate.port > 0
    assert gate.connections == 0
    await gate.drain()


async def test_it_does_not_start_beside_another_addon(monkeypatch: pytest.MonkeyPatch) -> None:
    class Loaded(Master):
        def __init__(self, options: Options) -> None:
            super().__init__(options)
            self.addons.add(object())  # type: ignore[no-untyped-call] # mitmproxy has no type here

    monkeypatch.setattr(runtime, "Master", Loaded)
    with pytest.raises(UnsafeOptions, match="another addon"):
        await make_gate().start()


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
