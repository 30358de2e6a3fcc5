"""Inside stock mitmproxy: options are locked or refused, and without the script nothing is left to pass by."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from mitmproxy.addons import default_addons, next_layer, script
from mitmproxy.exceptions import OptionsError
from mitmproxy.master import Master
from mitmproxy.options import Options

from drive.layers import make_services
from s3gate.policy import decide
from s3gate.policy.network import parse_networks
from s3gate.proxy.dns import FreshResolver
from s3gate.proxy.embedded import LOCKED, REFUSED, EmbeddedGate, check_options
from s3gate.proxy.gate import GateAddon


class Silent:
    """A recorder that takes everything."""

    async def decision(self, *_: object) -> None: ...

    def completion(self, *_: object) -> None: ...

    async def settle(self) -> None: ...


@contextlib.contextmanager
def open_gate(_config: Path) -> Iterator[GateAddon]:
    services = make_services()
    yield GateAddon(
        services,
        services.policy_source,
        decide,
        Silent(),
        FreshResolver(["127.0.0.1"], 1.0),
        parse_networks(["public"]),
        {},
    )


async def stock() -> Master:
    """mitmdump's addons, less those that touch files."""
    master = Master(Options())
    kept = [
        one
        for one in default_addons()  # type: ignore[no-untyped-call] # mitmproxy has no type here
        if type(one).__name__
        in {
            "Core",
            "NextLayer",
            "Proxyserver",
            "TlsConfig",
            "ModifyBody",
            "ModifyHeaders",
            "MapLocal",
            "MapRemote",
            "ServerPlayback",
            "ClientPlayback",
        }
    ]
    master.addons.add(*kept)  # type: ignore[no-untyped-call] # mitmproxy has no type here
    return master


async def test_unsafe_defaults_are_locked_and_the_gate_takes_over() -> None:
    master = await stock()
    assert master.options.rawtcp is True
    embedded = EmbeddedGate(open_gate)
    master.addons.add(embedded)  # type: ignore[no-untyped-call] # as above
    embedded.configure(set())
    assert {name: getattr(master.options, name) for name in LOCKED} == LOCKED
    assert master.addons.get("nextlayer") is None  # type: ignore[no-untyped-call] # as above
    (gate,) = embedded.addons
    assert isinstance(gate, GateAddon)
    assert gate.services.show_flows
    embedded.configure({"anything"})
    assert embedded.addons == [gate]
    master.addons.remove(embedded)  # type: ignore[no-untyped-call] # as above
    assert embedded.addons == []
    await master.event_loop.run_in_executor(None, lambda: None)
    assert master.should_exit.is_set()


@pytest.mark.parametrize("name", sorted(LOCKED | REFUSED))
async def test_each_option_is_checked(name: str) -> None:
    """Contract: every option that is locked or refused exists in stock mitmproxy."""
    master = await stock()
    master.options.update(**LOCKED)  # type: ignore[no-untyped-call] # as above
    assert name in master.options, (
        f"mitmproxy has no option `{name}` any more: what it did may go by another name"
    )
    check_options(master.options)
    unsafe: dict[str, object] = {
        "connection_strategy": "eager",
        "mode": ["upstream:http://x:1"],
        "map_local": ["|a|/tmp"],
        "map_remote": ["|a|b"],
        "modify_headers": ["/a/b"],
        "modify_body": ["/a/b"],
        "stream_large_bodies": "1m",
        "body_size_limit": "1m",
        "client_certs": "certificates",
    }
    safe = (LOCKED | REFUSED)[name]
    value = unsafe.get(name, ["x"] if isinstance(safe, list) else not safe)
    with contextlib.suppress(OSError):
        object.__setattr__(master.options._options[name], "value", value)
    with pytest.raises(OptionsError, match=name):
        check_options(master.options)


def test_contract_script_loader() -> None:
    """mitmproxy reloads scripts, and asks its next_layer addon for layers by that name."""
    assert hasattr(script, "ScriptLoader")
    assert next_layer.NextLayer.__name__.lower() == "nextlayer", (
        "mitmproxy renamed the addon that chooses layers"
    )
