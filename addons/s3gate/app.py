"""The composition root: with `opening.py` the only file that knows every room.

The normal case: settings are read, the policy and the CA are loaded, the shipping process
starts, the journal is opened, and only then the gate listens. Whatever is missing stops
the start with one sentence. At the end the gate drains first, the last heartbeat is
written, the journal is closed, and shipping has a moment to deliver it.
"""

import asyncio
import gc
import logging
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from s3gate.audit.heartbeat import Heartbeat, Tally
from s3gate.audit.identifier import new_id
from s3gate.audit.journal import Journal
from s3gate.audit.monitor_watch import MonitorWatch
from s3gate.audit.standing import Standing
from s3gate.delivery import keep_shipping
from s3gate.health.metrics import Metrics
from s3gate.health.server import Page
from s3gate.health.status import TELL_S, Heard, WorkerStatus, render_ready
from s3gate.health.watchers import Watchers
from s3gate.in_force import Follower, News, PolicyInForce
from s3gate.loading import CannotStart, Loaded
from s3gate.opening import (
    load_authority,
    load_key_form,
    make_runtime,
    open_journal,
    record_first,
)
from s3gate.pages import Ports, cannot_listen, serve_pages
from s3gate.policy_desk import PolicyDesk, serve_keeper
from s3gate.policy_keeper import PolicyKeeper, open_keeper
from s3gate.proxy.gate import GateAddon
from s3gate.proxy.occupancy import Occupancy
from s3gate.proxy.runtime import Gate, make_addon, serve
from s3gate.proxy.selftest import Nonce, SelfTestFailed
from s3gate.recorder import JournalRecorder
from s3gate.settings import Settings, read_settings
from s3gate.users_watch import UsersWatch

log = logging.getLogger("s3gate")

LOOK_S: Final = 0.1  # between looks at who has heard that the gate leaves


class Running:
    """One gate with its journal and its shipping, and how they are.

    Args:
        gate: made, not yet started.
        journal: open.
        standing: of delivery; None where nothing is shipped.
        policy: in force.
        strict: whether a new policy cuts what it refuses.
        told: given the status when there is a new policy.
    """

    def __init__(
        self,
        gate: Gate,
        journal: Journal,
        standing: Standing | None,
        policy: PolicyInForce,
        *,
        strict: bool,
        told: Callable[[WorkerStatus], None],
    ) -> None:
        self.gate, self._journal, self._standing, self.policy = gate, journal, standing, policy
        self._strict, self._told = strict, told
        self._follower = Follower(policy, journal, self._renewed)
        self._following: set[asyncio.Task[None]] = set()
        self._looked_at = time.monotonic()

    def hear(
        self, news: News, fetch: Callable[[], Loaded], heeded: Callable[[], None] = lambda: None
    ) -> None:
        """Follow news of the policy; in the event loop.

        Args:
            news: of the keeper.
            fetch: gives the policy that they name; called in a thread.
            heeded: called when that policy, or a later one, is in force.
        """

        def followed(task: asyncio.Task[None]) -> None:
            self._following.discard(task)
            if not task.cancelled() and self.policy.number >= news.number:
                heeded()

        task = asyncio.ensure_future(self._follower.follow(news, fetch))
        self._following.add(task)
        task.add_done_callback(followed)

    def _renewed(self) -> None:
        self.gate.renew(strict=self._strict)
        self._told(self.status())

    def status(self) -> WorkerStatus:
        """How they are now; may be asked from any thread."""
        writer, seq = self._journal.directory.name, self._journal.acknowledged_seq
        shipping = self._standing.health(writer, seq) if self._standing is not None else None
        return WorkerStatus(
            writer=writer,
            policy=self.policy.digest,
            port=self.gate.port,
            selftest=self.gate.selftest,
            leaving=self.gate.addon.services.leaving,
            journal_failure=self._journal.trouble,
            journal_seq=seq,
            journal_used_percent=self._journal.used_percent,
            shipping=(shipping.error or shipping.sink.last_error or "well") if shipping else "off",
            shipped_seq=shipping.acknowledged_seq if shipping else 0,
            shipper_lag_s=shipping.oldest_unacknowledged_s if shipping else None,
            connections=self.gate.connections,
            tunnels=self.gate.tunnels,
        )

    def heard(self) -> Heard:
        """The same, with the time since the event loop last turned."""
        return Heard(self.status(), time.monotonic() - self._looked_at)

    async def turn(self, told: Callable[[WorkerStatus], None] = lambda _status: None) -> None:
        """Show again and again that the event loop turns, until cancelled.

        Args:
            told: given the status each time.
        """
        while True:
            self._looked_at = time.monotonic()
            told(self.status())
            await asyncio.sleep(TELL_S)

    async def serve(
        self,
        settings: Settings,
        started: Callable[[int], None],
        noticed: Callable[[], Awaitable[None]] | None,
    ) -> None:
        """Serve until SIGTERM or SIGINT, then drain.

        Args:
            settings: where to listen.
            started: told the port.
            noticed: see `proxy.runtime.serve`.

        Raises:
            CannotStart: the address cannot be had, or the self-test was not refused.
        """
        gc.collect()
        gc.freeze()  # what was made so far stays, and no collection that holds up requests looks at it
        try:
            await serve(self.gate, started, noticed)
        except OSError as exc:
            raise cannot_listen("listen", settings.listen, exc) from exc
        except SelfTestFailed as exc:
            raise CannotStart(str(exc)) from exc


async def run(settings: Settings, keeper: PolicyKeeper, started: Callable[[Ports], None]) -> None:
    """Serve in this process until SIGTERM or SIGINT, then drain and return.

    Args:
        settings: valid.
        keeper: of the policy; not started yet.
        started: told the ports once the gate listens.

    Raises:
        CannotStart: the CA, the journal or an address cannot be had, or the self-test was not refused.
    """
    with keep_shipping(settings) as standing:
        await _run(settings, keeper, standing, started)


async def _run(
    settings: Settings, keeper: PolicyKeeper, standing: Standing | None, started: Callable[[Ports], None]
) -> None:
    metrics, watchers, source = Metrics(), Watchers(), str(settings.policy)
    loop, first = asyncio.get_running_loop(), keeper.kept
    in_force = PolicyInForce(first.loaded, first.number)
    async with open_gate(settings, first.loaded, in_force, metrics, standing) as running:
        desk = PolicyDesk(keeper, source, lambda digest: in_force.digest == digest)

        def ready() -> Page:
            return render_ready([running.heard()], 1, desk.standing())

        def measured() -> Page:
            metrics.show(running.status())
            return desk.measure(metrics.page())

        def told() -> None:
            loop.call_soon_threadsafe(follow, running, keeper, source)

        async def noticed() -> None:
            watchers.leave(time.monotonic())
            while watchers.unaware(time.monotonic()):  # noqa: ASYNC110 - it is time that makes it false
                await asyncio.sleep(LOOK_S)

        loop.add_signal_handler(signal.SIGHUP, keeper.ask)
        with (
            serve_pages(settings, ready, measured, watchers) as (health, admin),
            serve_keeper(keeper, settings.audit.directory, desk, told),
        ):
            await running.serve(settings, lambda port: started(Ports(port, health, admin)), noticed)


def follow(running: Running, keeper: PolicyKeeper, source: str) -> None:
    """Have a gate in this process follow its keeper; in the event loop."""
    kept = keeper.kept
    running.hear(News.of(kept, source), kept.fetch)


@asynccontextmanager
async def open_gate(
    settings: Settings,
    loaded: Loaded | None,
    in_force: PolicyInForce,
    metrics: Metrics,
    standing: Standing | None,
    told: Callable[[WorkerStatus], None] = lambda _status: None,
    slots: Path | None = None,
) -> AsyncIterator[Running]:
    """One gate with everything behind it; closed in order afterwards.

    Args:
        settings: valid.
        loaded: the policy that was found at the start, or None.
        in_force: holds it.
        metrics: of this process.
        standing: of delivery; None where nothing is shipped.
        told: given the status twice a second.
        slots: file in which all workers count their connections; None: this is the only one.

    Raises:
        CannotStart: the CA, the journal or a slot cannot be had.
    """
    authority = load_authority(settings)
    metrics.show_ca(authority.certificate.not_valid_after_utc)
    tally, nonce = Tally(), Nonce()
    async with AsyncExitStack() as stack:
        journal = stack.enter_context(open_journal(settings))
        if loaded is not None:
            await record_first(journal, loaded)
        heartbeat = Heartbeat(journal, tally, lambda: in_force.digest, standing)
        await stack.enter_async_context(_while(heartbeat.run()))
        await stack.enter_async_context(_while(MonitorWatch(journal, in_force.current).run()))
        recorder = JournalRecorder(journal, metrics, tally, load_key_form(settings), nonce)
        try:
            runtime = make_runtime(settings, authority)
            occupancy = stack.enter_context(Occupancy.share(slots)) if slots is not None else None
            gate = Gate(runtime, in_force, recorder, new_id, nonce=nonce, meter=metrics, occupancy=occupancy)
        except (ValueError, OSError) as exc:
            raise CannotStart(str(exc)) from exc
        strict = settings.reload == "strict"
        running = Running(gate, journal, standing, in_force, strict=strict, told=told)
        await stack.enter_async_context(_while(running.turn(told)))
        passwords = gate.addon.services.passwords
        if settings.users is not None and passwords is not None:
            await stack.enter_async_context(_while(UsersWatch(settings.users, passwords).run()))
        yield running


@contextmanager
def open_embedded(config: Path) -> Iterator[GateAddon]:
    """The gate's hooks with the journal open, for mitmproxy's own programs; in their event loop.

    Args:
        config: the settings file.

    Raises:
        DocumentErrors: every mistake in it, or in the policy.
        CannotStart: the CA or the journal cannot be had.
    """
    settings = read_settings(config)
    loop, tasks = asyncio.get_running_loop(), set[asyncio.Task[None]]()
    with open_keeper(settings) as found, ExitStack() as stack:
        keeper = found()
        runtime = make_runtime(settings, load_authority(settings))
        stack.enter_context(keep_shipping(settings))
        journal = stack.enter_context(open_journal(settings))
        first = keeper.kept
        in_force = PolicyInForce(first.loaded, first.number)
        follower = Follower(in_force, journal)

        def go_on(work: Coroutine[None, None, None]) -> None:
            task = loop.create_task(work)
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        def hear() -> None:
            kept = keeper.kept
            go_on(follower.follow(News.of(kept, str(settings.policy)), kept.fetch))

        if first.loaded is not None:  # it comes to the journal before anybody comes to the gate
            go_on(record_first(journal, first.loaded))

        def told() -> None:
            loop.call_soon_threadsafe(hear)

        keeper.start(told)
        stack.callback(keeper.stop)
        recorder = JournalRecorder(journal, Metrics(), Tally(), load_key_form(settings))
        yield make_addon(runtime, in_force, recorder, new_id)


@asynccontextmanager
async def _while(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Something goes on meanwhile; afterwards it is cancelled, and has ended."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
