"""Several gates as one: workers on one port, one page for all of them.

The normal case: the port is reserved, the workers are started, each opens its own
journal under its own writer's id, hears which policy is in force by now, tests itself and
listens; the supervisor answers for all of them, and keeps the one process that ships all
journals. Settings are read once; a new policy is proven once, and every worker takes it in
its place, without a restart.
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
from s3gate.in_force import PREFIX, News, PolicyInForce
from s3gate.loading import CannotStart, Loaded
from s3gate.pages import Ports, cannot_listen, serve_pages
from s3gate.policy_desk import PolicyDesk, serve_keeper
from s3gate.policy_files import PolicyFiles, read_policy
from s3gate.policy_keeper import PolicyKeeper
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
        loaded: the policy for workers that start from now on, or None.
        number: its number with the keeper.
        refused: how many it had refused by then.
        slots: file in which all workers count their connections.
    """

    settings: Settings
    loaded: Loaded | None
    number: int
    refused: int
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
        in_force, informed = PolicyInForce(self.loaded, self.number, self.refused), asyncio.Event()
        async with open_gate(
            self.settings, self.loaded, in_force, metrics, standing, tell, self.slots
        ) as running:

            def hear() -> None:
                try:
                    word = link.recv_bytes(WORD_BYTES)
                except (EOFError, OSError):
                    loop.remove_reader(link.fileno())
                    os.kill(os.getpid(), signal.SIGTERM)
                    return
                if word == LEAVE:
                    running.gate.addon.services.leaving = True
                elif word.startswith(PREFIX):
                    news = News.from_word(word)
                    running.hear(news, lambda: read_policy(news), informed.set)
                elif standing is not None:
                    standing.take_over(word)

            loop = asyncio.get_running_loop()
            loop.add_reader(link.fileno(), hear)
            await informed.wait()  # the policy it was started with may be an old one by now
            await running.serve(self.settings, lambda _port: tell(running.status()), None)


def run_fleet(settings: Settings, keeper: PolicyKeeper, started: Callable[[Ports], None]) -> int:
    """Serve with several workers until SIGTERM or SIGINT, then drain and return.

    Args:
        settings: valid; `workers` is not 1.
        keeper: of the policy; not started yet.
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
        source, files = str(settings.policy), PolicyFiles(directory, keeper, str(settings.policy))
        files.write()
        first = keeper.kept
        work = Work(
            settings.model_copy(update={"listen": listen}), first.loaded, first.number, first.refusals, slots
        )
        shared = SharedMetrics(directory)

        def news(writer: str) -> list[bytes]:
            told = [standing.pass_on(writer)] if standing is not None else []
            return [files.news().to_word(), *told]

        supervisor = Supervisor(
            count,
            work,
            make_context(["s3gate.fleet", "s3gate.app"]),
            Owner(
                ended=shared.forget,
                left=lambda: watchers.leave(time.monotonic()),
                unaware=lambda: watchers.unaware(time.monotonic()),
                hung_up=keeper.ask,
                news=news,
            ),
        )

        def taken(digest: str) -> bool:
            return all(one.status.policy == digest for one in supervisor.heard() if not one.status.leaving)

        desk = PolicyDesk(keeper, source, taken)

        def ready() -> Page:
            return render_ready(
                supervisor.heard(), supervisor.count, desk.standing(), leaving=supervisor.leaving
            )

        def measured() -> Page:
            shared.show(supervisor.heard(), supervisor.restarts, supervisor.kills)
            return desk.measure(shared.page())

        def told() -> None:
            kept = keeper.kept
            if files.write() or kept.refusals > work.refused:
                work.loaded, work.number, work.refused = kept.loaded, kept.number, kept.refusals
                supervisor.tell_now()

        with (
            serve_pages(settings, ready, measured, watchers) as (health, admin),
            serve_keeper(keeper, settings.audit.directory, desk, told),
        ):
            return supervisor.run(lambda: started(Ports(port, health, admin)))


@contextmanager
def _reserve(settings: Settings) -> Iterator[int]:
    """The port, kept from others while it is shared out; nothing listens on this socket."""
    where = settings.listen
    try:
        sock = open_socket(where.host, where.port)
    except OSError as exc:
        raise cannot_listen("listen", where, exc) from exc
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
