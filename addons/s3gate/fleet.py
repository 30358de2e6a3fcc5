"""Several gates as one: workers on one port, one page for all of them.

The normal case: the port is reserved, the workers are started, each opens its own
journal under its own writer's id, tests itself and listens; the supervisor answers for
all of them, and keeps the one process that ships all journals. Settings and policy are
read once, so that a worker that is replaced is like the one before it; SIGHUP brings in a
new policy, worker by worker, if it has no mistakes.
"""

import asyncio
import gc
import logging
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from s3gate.audit.standing import Standing
from s3gate.delivery import keep_shipping
from s3gate.health.metrics import DIRECTORY_VARIABLE, Metrics, SharedMetrics
from s3gate.health.server import Page
from s3gate.health.status import WorkerStatus, render_ready
from s3gate.health.watchers import Watchers
from s3gate.loading import CannotStart, load_apart
from s3gate.pages import Ports, serve_pages
from s3gate.policy.mistake import DocumentErrors
from s3gate.policy.model import Policy
from s3gate.proxy.front_socket import open_socket
from s3gate.proxy.occupancy import make_slots
from s3gate.settings import Settings
from s3gate.supervisor import Owner, Supervisor
from s3gate.worker import LEAVE, make_context

log = logging.getLogger("s3gate")

EXIT_ENVIRONMENT: Final = 3
SLOTS: Final = 8  # for each worker: itself, its successor, and predecessors that still drain
WORD_BYTES: Final = 65_536  # of what a supervisor says: under 1 KiB, unless an error names a long path


@dataclass
class Work:
    """What a worker runs; handed over to each when it starts.

    Args:
        settings: valid, with the port that was reserved.
        policy: in force for workers that start from now on.
        slots: file in which all workers count their connections.
    """

    settings: Settings
    policy: Policy
    slots: Path

    def __call__(self, link: Connection) -> None:
        """Serve until SIGTERM, or until the supervisor is gone."""
        gc.freeze()  # shared with the fork server, as long as no collection writes to it
        logging.basicConfig(level=logging.WARNING, format="s3gate: %(levelname)s %(name)s: %(message)s")
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the supervisor's
        try:
            asyncio.run(self._serve(link))
        except CannotStart as exc:
            sys.stderr.write(f"s3gate: not started: {exc}\n")
            sys.exit(EXIT_ENVIRONMENT)

    async def _serve(self, link: Connection) -> None:
        from s3gate.app import open_gate  # noqa: PLC0415 - the supervisor does without mitmproxy

        metrics = Metrics()
        room = select.poll()
        room.register(link.fileno(), select.POLLOUT)

        def tell(status: WorkerStatus) -> None:
            metrics.show(status)
            if room.poll(0):  # a supervisor that does not listen must not hold up the gate
                with suppress(OSError):
                    link.send_bytes(status.to_line())

        standing = Standing() if self.settings.cloudwatch.enabled else None
        async with open_gate(self.settings, self.policy, metrics, standing, tell, self.slots) as running:

            def hear() -> None:
                try:
                    word = link.recv_bytes(WORD_BYTES)
                except (EOFError, OSError):
                    loop.remove_reader(link.fileno())
                    os.kill(os.getpid(), signal.SIGTERM)
                    return
                if word == LEAVE:
                    running.gate.addon.services.leaving = True
                elif standing is not None:
                    standing.take_over(word)

            loop = asyncio.get_running_loop()
            loop.add_reader(link.fileno(), hear)
            await running.serve(self.settings, lambda _port: tell(running.status()), None)


def run_fleet(settings: Settings, policy: Policy, started: Callable[[Ports], None]) -> int:
    """Serve with several workers until SIGTERM or SIGINT, then drain and return.

    Args:
        settings: valid; `workers` is not 1.
        policy: valid.
        started: told the ports once every worker serves.

    Returns:
        0, or the exit code of a worker that could not start.

    Raises:
        CannotStart: an address cannot be had.
    """
    watchers = Watchers()
    with _reserve(settings) as port, _metrics_directory() as directory, keep_shipping(settings) as standing:
        listen = settings.listen.model_copy(update={"port": port})
        count, slots = settings.workers or os.cpu_count() or 1, directory / "connections"
        make_slots(slots, SLOTS * count)
        work = Work(settings.model_copy(update={"listen": listen}), policy, slots)
        shared = SharedMetrics(directory)
        supervisor = Supervisor(
            count,
            work,
            make_context(["s3gate.fleet", "s3gate.app"]),
            Owner(
                ended=shared.forget,
                left=lambda: watchers.leave(time.monotonic()),
                unaware=lambda: watchers.unaware(time.monotonic()),
                renew=lambda: _renew(work),
                news=standing.pass_on if standing is not None else lambda _writer: None,
            ),
        )

        def ready() -> Page:
            return render_ready(supervisor.heard(), supervisor.count, leaving=supervisor.leaving)

        def measured() -> Page:
            shared.show(supervisor.heard(), supervisor.restarts, supervisor.kills)
            return shared.page()

        with serve_pages(settings, ready, measured, watchers) as (health, admin):
            return supervisor.run(lambda: started(Ports(port, health, admin)))


def _renew(work: Work) -> bool:
    """Take in the policy as it is now, unless it has mistakes: then the last good one stays."""
    try:
        with load_apart(work.settings.policy) as policy:
            work.policy = policy()
    except (CannotStart, DocumentErrors) as exc:
        log.error("the policy is not renewed: %s", exc)  # noqa: TRY400 - the sentence is enough
        return False
    return True


@contextmanager
def _reserve(settings: Settings) -> Iterator[int]:
    """The port, kept from others while it is shared out; nothing listens on this socket."""
    where = settings.listen
    try:
        sock = open_socket(where.host, where.port)
    except OSError as exc:
        told = f"cannot listen on {where.host}:{where.port}: {exc.strerror}; choose a free `listen.port`"
        raise CannotStart(told) from exc
    with sock:
        yield int(sock.getsockname()[1])


@contextmanager
def _metrics_directory() -> Iterator[Path]:
    """Where the workers count: prometheus_client takes it from the environment when it is imported."""
    directory = Path(tempfile.mkdtemp(prefix="s3gate-metrics-"))
    os.environ[DIRECTORY_VARIABLE] = str(directory)
    try:
        yield directory
    finally:
        del os.environ[DIRECTORY_VARIABLE]
        shutil.rmtree(directory, ignore_errors=True)
