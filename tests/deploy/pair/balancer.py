"""HAProxy as a stand-in for a network load balancer: TCP, PROXY v2, health checks over HTTP, draining.

The normal case: it takes clients in on a loopback port, introduces each to one of the
targets by a PROXY v2 header, and asks every target for `/readyz` with such a header too,
as an NLB does. A target that says 503 twice gets no new connections; those it has stay.

What an NLB does otherwise, and no test here can show:
- It forwards packets. A client whose target is dead is refused by the target (or by nobody,
  until the target is unhealthy); HAProxy accepts the client first, then closes.
- It spreads flows by a hash, and keeps a flow on its target; HAProxy takes turns.
- One node in each zone asks and forwards, from an address of its own; here it is one address.
- Its header has TLVs, 0xEA with the VPC endpoint id among them, which HAProxy 2.6 cannot write.
- What was idle for too long it forgets, and resets at the next packet; HAProxy closes at once. TCP
  keep-alives count for an NLB, not for HAProxy.
- When no target is healthy it sends clients to all of them; HAProxy to none.
- Its interval is 5 s at least; here it is a fraction of a second.

Sources: Elastic Load Balancing User Guide, Network Load Balancers: "Target groups", "Health
checks", "Listeners"; HAProxy 2.6 Configuration and Management Manual.
"""

import asyncio
import contextlib
import csv
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from e2e.front_door import until

ADDRESS: Final = "127.0.0.2"  # where its connections to the targets come from
IDLE_S: Final = 350  # an NLB listener's `tcp.idle_timeout.seconds`, by default
STEP_S: Final = 20.0
TARGETS: Final = ("a", "b")
CONFIG: Final = """\
global
  nbthread 1
  maxconn 500
  stats socket {directory}/s level admin
defaults
  mode tcp
  retries 0
  timeout connect 2s
  timeout check 2s
  timeout client {idle}ms
  timeout server {idle}ms
frontend clients
  bind fd@{front}
  default_backend gates
backend gates
  balance roundrobin
  option httpchk GET /readyz
  source {address}
  default-server check inter 300ms fall 2 rise 2 send-proxy-v2 {introduced} {on_down}
  server a {a}
  server b {b}
"""


class Target(NamedTuple):
    """Ports of one instance: of its clients, of its health page."""

    port: int
    health: int


class Standing(NamedTuple):
    """How the balancer sees a target: its state, connections now, connections since its start."""

    state: str
    now: int
    ever: int


@dataclass
class Balancer:
    """A running one.

    Args:
        port: for clients.
    """

    port: int
    directory: Path

    def standing(self) -> dict[str, Standing]:
        """How every target stands."""
        rows = csv.DictReader(self._ask("show stat").removeprefix("# ").splitlines())
        return {
            row["svname"]: Standing(row["status"], int(row["scur"]), int(row["stot"]))
            for row in rows
            if row["pxname"] == "gates" and row["svname"] in TARGETS
        }

    async def until(self, **states: str) -> None:
        """Return once each named target is `UP` or `DOWN`."""
        await until(lambda: all(self.standing()[name].state == state for name, state in states.items()))

    def register(self, name: str, target: Target) -> None:
        """Another instance in this target's place: new connections are its own."""
        self._ask(f"set server gates/{name} addr 127.0.0.1 port {target.port}")
        self._ask(f"set server gates/{name} check-port {target.health}")

    @contextlib.contextmanager
    def only(self, name: str) -> Iterator[None]:
        """Whoever comes meanwhile comes to this target."""
        others = [other for other in TARGETS if other != name]
        try:
            for other in others:
                self._ask(f"set server gates/{other} weight 0")
            yield
        finally:
            for other in others:
                self._ask(f"set server gates/{other} weight 1")

    def _ask(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(STEP_S)
            link.connect(str(self.directory / "s"))
            link.sendall(command.encode() + b"\n")
            told = b""
            while piece := link.recv(65536):
                told += piece
        return told.decode()


@contextlib.asynccontextmanager
async def run_balancer(
    targets: Sequence[Target],
    *,
    idle_s: float = IDLE_S,
    introduced: bool = True,
    cuts_when_down: bool = False,
) -> AsyncIterator[Balancer]:
    """Start it, and stop it.

    Args:
        targets: both.
        idle_s: a connection on which nothing moves is closed after this, seconds.
        introduced: whether health checks begin with a PROXY header, as those of an NLB do.
        cuts_when_down: whether what an unready target has open is cut; an NLB does so by default, see
            `target_health_state.unhealthy.connection_termination.enabled`.
    """
    with (
        tempfile.TemporaryDirectory(prefix="pair-") as text,  # short: sun_path has 107 bytes (unix(7))
        socket.create_server(("127.0.0.1", 0)) as front,
    ):
        directory, port = Path(text), front.getsockname()[1]
        a, b = (f"127.0.0.1:{one.port} port {one.health}" for one in targets)
        config = CONFIG.format(
            directory=directory,
            idle=round(idle_s * 1000),
            front=front.fileno(),
            address=ADDRESS,
            introduced="check-send-proxy" if introduced else "no-check-send-proxy",
            on_down="on-marked-down shutdown-sessions" if cuts_when_down else "",
            a=a,
            b=b,
        )
        (directory / "haproxy.cfg").write_text(config)
        process = _start(directory, front)
        try:
            await until(lambda: (directory / "s").exists() or process.poll() is not None)
            assert process.poll() is None, (directory / "log").read_text()
            yield Balancer(port, directory)
        finally:
            process.kill()
            await asyncio.to_thread(process.wait)


def _start(directory: Path, front: socket.socket) -> subprocess.Popen[bytes]:
    """The process, just started; it takes over the listening socket."""
    command = ("haproxy", "-db", "-f", str(directory / "haproxy.cfg"))
    with (directory / "log").open("wb") as log:
        return subprocess.Popen(command, pass_fds=(front.fileno(),), stdout=log, stderr=log)
