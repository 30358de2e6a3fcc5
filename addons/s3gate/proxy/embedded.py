"""The same gate inside stock mitmdump or mitmweb, to watch flows; production uses our own runner.

The normal case: the options that could open the gate are set to their safe values, the
gate's layers take the place of mitmproxy's, flows are shown. mitmproxy's own choice of
layers is taken out for good: when this script is unloaded, broken or edited, nothing
passes any more and the program ends.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Final, Protocol

from mitmproxy import ctx
from mitmproxy.addonmanager import Loader
from mitmproxy.exceptions import OptionsError
from mitmproxy.options import Options

from s3gate.proxy.dial import seal_loop
from s3gate.proxy.gate import GateAddon

_log = logging.getLogger(__name__)

DEFAULT_CONFIG: Final = "config/s3gate.yaml"
# Unsafe by default in mitmproxy: set without a question.
LOCKED: Final[dict[str, object]] = {
    "connection_strategy": "lazy",
    "http2": False,
    "http3": False,
    "rawtcp": False,
    "websocket": False,
}
# Safe by default: whoever sets them wants the gate open.
REFUSED: Final[dict[str, object]] = {
    "allow_hosts": [],
    "body_size_limit": None,
    "client_certs": None,
    "client_replay": [],
    "ignore_hosts": [],
    "map_local": [],
    "map_remote": [],
    "mode": ["regular"],
    "modify_body": [],
    "modify_headers": [],
    "server_replay": [],
    "ssl_insecure": False,
    "store_streamed_bodies": False,
    "stream_large_bodies": None,
    "tcp_hosts": [],
    "udp_hosts": [],
    "validate_inbound_headers": True,
}
# mitmproxy's addons that would choose another way for a connection.
_TAKEN_OUT: Final = ("nextlayer",)


class Chain(Protocol):
    """What of mitmproxy's untyped AddonManager is used."""

    def get(self, name: str, /) -> object | None:
        """The addon of that name."""
        ...

    def remove(self, addon: object, /) -> None:
        """Take an addon out."""
        ...

    def register(self, addon: object, /) -> object:
        """Make an addon known by its name."""
        ...


class EmbeddedGate:
    """The script's addon: locks the options, then puts the gate into the chain.

    Args:
        open_gate: reads a settings file and gives the gate with its journal open.
    """

    name = "s3gate-embedded"

    def __init__(self, open_gate: Callable[[Path], AbstractContextManager[GateAddon]]) -> None:
        self.addons: list[object] = []
        self._open_gate = open_gate
        self._stack = ExitStack()

    def load(self, loader: Loader) -> None:
        """Add our option, and lock the unsafe ones."""
        loader.add_option("s3gate_config", str, DEFAULT_CONFIG, "The settings file of s3gate.")
        lock_options(ctx.options)

    def configure(self, _updated: set[str]) -> None:
        """Refuse options that would open the gate, at the start and while running; then start it once.

        Raises:
            OptionsError: one would, or the gate cannot start.
        """
        check_options(ctx.options)
        if self.addons:
            return
        gate = self._stack.enter_context(self._open_gate(Path(ctx.options.s3gate_config)))
        gate.services.show_flows = True
        seal_loop(asyncio.get_running_loop())
        chain: Chain = ctx.master.addons
        for name in _TAKEN_OUT:
            if (addon := chain.get(name)) is not None:
                chain.remove(addon)
        chain.register(gate)
        self.addons = [gate]

    def done(self) -> None:
        """The script goes, for whatever reason: so does the program."""
        self.addons = []
        self._stack.close()
        ctx.master.shutdown()  # type: ignore[no-untyped-call] # mitmproxy has no type here


def lock_options(options: Options) -> None:
    """Set what is unsafe by default to the safe value."""
    known = {name: value for name, value in LOCKED.items() if name in options}
    options.update(**known)  # type: ignore[no-untyped-call] # mitmproxy has no type here


def check_options(options: Options) -> None:
    """Refuse effective options that would let something around the gate.

    Raises:
        OptionsError: one has another value than the safe one.
    """
    for name, safe in (LOCKED | REFUSED).items():
        if name in options and getattr(options, name) != safe:
            problem = f"s3gate: option `{name}` would open the gate; leave it at `{safe}`"
            raise OptionsError(problem)  # type: ignore[no-untyped-call] # mitmproxy has no type here
