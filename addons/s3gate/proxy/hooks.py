"""The gate's own hooks, beside mitmproxy's `http_connect` and `requestheaders`.

Layers yield them like mitmproxy's; under mitmdump its addon manager calls the method of
that name, in our own runner the connection does. Where flows are shown, mitmproxy's two
hooks stand in for `S3gateConnectHook` and `S3gateRequestHook`.
"""

from dataclasses import dataclass
from typing import Final

from mitmproxy.proxy.commands import StartHook

from s3gate.proxy.exchange import Exchange
from s3gate.proxy.ports import Completion


@dataclass
class S3gateConnectHook(StartHook):  # type: ignore[no-untyped-call] # mitmproxy has no type here
    """A CONNECT was read and not answered yet: `exchange` is to be judged."""

    exchange: Exchange


@dataclass
class S3gateRequestHook(StartHook):  # type: ignore[no-untyped-call] # as above
    """A request head was read, nothing of it went anywhere: `exchange` is to be judged."""

    exchange: Exchange


@dataclass
class S3gateHelloHook(StartHook):  # type: ignore[no-untyped-call] # as above
    """A ClientHello was read and not answered yet: `exchange` is to be judged."""

    exchange: Exchange


@dataclass
class S3gateRefusedHook(StartHook):  # type: ignore[no-untyped-call] # as above
    """The layers refuse by themselves: `exchange.decision` is to be recorded."""

    exchange: Exchange


@dataclass
class S3gateCompletedHook(StartHook):  # type: ignore[no-untyped-call] # as above
    """An allowed request ended: `completion` is to be recorded; nobody waits for it."""

    completion: Completion
    blocking = False


GATE_HOOKS: Final = (
    S3gateConnectHook,
    S3gateRequestHook,
    S3gateHelloHook,
    S3gateRefusedHook,
    S3gateCompletedHook,
)
