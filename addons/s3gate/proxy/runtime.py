"""The gate as a running thing: mitmproxy's layers with one addon, behind our own listener.

The normal case: `gate = Gate(settings, …)`, `await gate.start()`, `await gate.drain()`.
No Master, no script loader, no other addon, no mode server of mitmproxy's: what is not
here cannot open the gate (and a Master would import all of mitmproxy's addons: 17 MiB).
The options that could are checked once more after construction.
"""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mitmproxy.options import Options

from s3gate.policy import decide
from s3gate.policy.network import UpstreamNetworks
from s3gate.policy.reading import Client
from s3gate.proxy.arrival import Network
from s3gate.proxy.authority import Authority
from s3gate.proxy.connection import GateConnection
from s3gate.proxy.dial import seal_loop
from s3gate.proxy.dns import FreshResolver
from s3gate.proxy.door import ConnectionLimits
from s3gate.proxy.exchange import HTTP_PORT, HTTPS_PORT
from s3gate.proxy.front_socket import open_socket
from s3gate.proxy.gate import GateAddon
from s3gate.proxy.listener import LINGER_S, Listener
from s3gate.proxy.occupancy import Occupancy
from s3gate.proxy.passwords import Passwords
from s3gate.proxy.ports import Judge, Meter, NoMeter, PolicySource, Recorder
from s3gate.proxy.renewal import renew
from s3gate.proxy.selftest import Nonce, SelfTest
from s3gate.proxy.services import Services
from s3gate.proxy.tls import TlsEnds

_log = logging.getLogger(__name__)

DRAIN_S: Final = 30.0  # how long transfers may go on after SIGTERM, by default
SETTLE_S: Final = 5.0  # for the last completions to reach the journal
# What would let something around the gate, and the only value it may have.
SAFE_OPTIONS: Final[dict[str, object]] = {
    "rawtcp": False,
    "http2": False,
    "http3": False,
    "websocket": False,
    "ssl_insecure": False,
    "allow_hosts": [],
    "ignore_hosts": [],
    "tcp_hosts": [],
    "udp_hosts": [],
    "mode": ["regular"],
    "server": False,
}


class UnsafeOptions(RuntimeError):
    """mitmproxy's effective options would open the gate; it does not start."""


@dataclass(frozen=True, slots=True)
class RuntimeSettings:
    """What the gate needs to know of the settings.

    Args:
        authority: signs leaves.
        host: address to listen on.
        port: TCP port, 0 for a free one.
        nameservers: `host` or `host:port`; empty: those of the system.
        dns_timeout_s: of one resolution, seconds.
        networks: where the gate may connect to.
        ca_bundle: roots of the upstreams, PEM; None: certifi's.
        upstream_port: dialled for 443.
        upstream_plain_port: dialled for 80.
        connect_timeout_s: dial and TLS handshake together, seconds.
        connections: most at once, of all workers.
        connections_per_client: most of one address, in this worker.
        head_bytes: most of one head.
        idle_s: a connection on which nothing moves is closed after this, seconds.
        drain_s: how long transfers may go on after a stop, seconds.
        linger_s: how long an open connection is waited for that has no request then, seconds.
        users: bcrypt hash of each proxy user's password; None: nobody has one.
        trusted_proxies: load balancers whose PROXY header tells the client; None: no header is wanted.
    """

    authority: Authority
    host: str = "0.0.0.0"  # noqa: S104 - a proxy listens for its clients; the settings say where
    port: int = 8080
    nameservers: tuple[str, ...] = ()
    dns_timeout_s: float = 2.0
    networks: UpstreamNetworks = field(default_factory=lambda: UpstreamNetworks(public=True))
    ca_bundle: Path | None = None
    upstream_port: int = HTTPS_PORT
    upstream_plain_port: int = HTTP_PORT
    connect_timeout_s: float = 5.0
    connections: int = 4096
    connections_per_client: int = 512
    head_bytes: int = 65_536
    idle_s: float = 350.0
    drain_s: float = DRAIN_S
    linger_s: float = LINGER_S
    trusted_proxies: tuple[Network, ...] | None = None
    users: Mapping[str, str] | None = field(default=None, repr=False)


class Gate:
    """One running gate.

    Args:
        settings: see there.
        policy_source: gives the policy in force.
        recorder: writes the records.
        new_id: makes decision ids.
        judge: makes the verdicts; `policy/decide.py` unless a test stands in.
        nonce: by which the recorder knows the self-test; without one there is none.
        meter: told how long each step takes.
        occupancy: how many connections are open in all; None: those of this process.
    """

    def __init__(
        self,
        settings: RuntimeSettings,
        policy_source: PolicySource,
        recorder: Recorder,
        new_id: Callable[[], str],
        judge: Judge = decide,
        nonce: Nonce | None = None,
        meter: Meter | None = None,
        occupancy: Occupancy | None = None,
    ) -> None:
        self._settings = settings
        self._policy_source = policy_source
        self._judge = judge
        self._nonce = nonce
        self._occupancy = occupancy
        self.addon = make_addon(settings, policy_source, recorder, new_id, judge, meter)
        self._listener: Listener | None = None
        self.port = 0
        self.selftest: str | None = None
        """The reason with which the self-test was refused, once it was."""

    async def start(self) -> int:
        """Test itself, then listen and serve from now on.

        Returns:
            The port.

        Raises:
            UnsafeOptions: mitmproxy's options would open the gate.
            SelfTestFailed: a forbidden request was not refused; nobody was let in.
            OSError: the address cannot be bound.
        """
        settings = self._settings
        options = make_options(settings.idle_s)
        seal_loop(asyncio.get_running_loop())
        limits = ConnectionLimits(settings.connections, settings.connections_per_client)

        def make(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: Client
        ) -> GateConnection:
            return GateConnection(options, self.addon, reader, writer, client)

        self._listener = listener = Listener(
            self.addon, make, limits, settings.trusted_proxies, self._occupancy
        )
        front = open_socket(settings.host, settings.port)
        try:
            if self._nonce is not None:
                await self._test_itself(listener, self._nonce)
            self.port = await listener.start(front)
        except BaseException:
            front.close()
            raise
        return self.port

    async def _test_itself(self, listener: Listener, nonce: Nonce) -> None:
        ca_pem = self._settings.authority.certificate_pem().decode("ascii")
        self.selftest = await SelfTest(nonce, ca_pem, self._judge).run(
            self._policy_source.current(),
            listener.serve_privately,
            proxy_header=self._settings.trusted_proxies is not None,
        )

    @property
    def connections(self) -> int:
        """Open connections of clients."""
        return self._listener.connections if self._listener else 0

    @property
    def tunnels(self) -> int:
        """Those with an accepted CONNECT."""
        return self._listener.tunnels if self._listener else 0

    def renew(self, *, strict: bool) -> int:
        """Judge open connections by the policy that has just come into force; see `renewal.py`.

        Args:
            strict: whether transfers that it refuses are cut.

        Returns:
            How many connections were cut.
        """
        handlers = self._listener.handlers if self._listener is not None else []
        return renew(handlers, self._judge, self.addon.services, strict=strict)

    async def drain(self, seconds: float | None = None) -> None:
        """Stop listening, let transfers finish for a while, then end.

        Args:
            seconds: instead of the settings' `drain_s`.
        """
        if self._listener is not None:
            limit = self._settings.drain_s if seconds is None else seconds
            await self._listener.drain(limit, self._settings.linger_s)
        await self.addon.settle(SETTLE_S)
        if self.addon.services.passwords is not None:
            self.addon.services.passwords.close()


async def serve(
    gate: Gate,
    started: Callable[[int], None] = lambda _port: None,
    noticed: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Run a gate until SIGTERM or SIGINT, then drain it.

    Args:
        gate: not started yet.
        started: told the port.
        noticed: after SIGTERM, when nobody sends new clients any more; SIGINT does not wait for it.
    """
    loop = asyncio.get_running_loop()
    stop, now = asyncio.Event(), asyncio.Event()

    def stop_now() -> None:
        stop.set()
        now.set()

    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, stop_now)
    started(await gate.start())
    await stop.wait()
    gate.addon.services.leaving = True
    if noticed is not None:
        waiting = [asyncio.ensure_future(noticed()), asyncio.ensure_future(now.wait())]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for one in waiting:
            one.cancel()
    await gate.drain()


def make_addon(
    settings: RuntimeSettings,
    policy_source: PolicySource,
    recorder: Recorder,
    new_id: Callable[[], str],
    judge: Judge = decide,
    meter: Meter | None = None,
) -> GateAddon:
    """The gate's hooks, for our own runner or for mitmdump."""
    services = Services(
        tls=TlsEnds(settings.authority, settings.ca_bundle),
        policy_source=policy_source,
        new_id=new_id,
        head_bytes=settings.head_bytes,
        connect_timeout_s=settings.connect_timeout_s,
        passwords=Passwords(settings.users) if settings.users is not None else None,
        meter=meter or NoMeter(),
    )
    resolver = FreshResolver(settings.nameservers, settings.dns_timeout_s)
    ports = {HTTPS_PORT: settings.upstream_port, HTTP_PORT: settings.upstream_plain_port}
    return GateAddon(services, policy_source, judge, recorder, resolver, settings.networks, ports)


def check_options(options: Options) -> None:
    """Refuse effective options that would let something around the gate.

    Raises:
        UnsafeOptions: one has another value than the safe one.
    """
    for name, safe in SAFE_OPTIONS.items():
        value = getattr(options, name)
        if value != safe:
            raise UnsafeOptions(
                f"mitmproxy's option `{name}` is `{value}`, which opens the gate; set it to `{safe}`"
            )


def make_options(idle_s: float) -> Options:
    """The options of mitmproxy with nothing that would let something around the gate.

    Args:
        idle_s: a connection on which nothing moves is closed after this, seconds.

    Raises:
        UnsafeOptions: one cannot be had with its safe value.
    """
    options = Options()
    options.update(  # type: ignore[no-untyped-call] # mitmproxy has no type here
        tcp_timeout=max(1, round(idle_s)), **SAFE_OPTIONS
    )
    check_options(options)
    return options
