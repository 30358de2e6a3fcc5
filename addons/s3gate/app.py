"""The composition root: the only file that knows every room.

The normal case: settings are read, the policy and the CA are loaded, the journal is
opened, the shipping process starts, and only then the gate listens. Whatever is missing
stops the start with one sentence. At the end the gate drains first, the last heartbeat
is written, shipping has a moment to deliver, and the journal is closed last.
"""

import asyncio
import json
import logging
import re
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from s3gate.audit.heartbeat import Heartbeat, Tally
from s3gate.audit.identifier import new_id
from s3gate.audit.journal import Journal, JournalDamaged, JournalUnavailable, Kind
from s3gate.audit.keeper import ShipperKeeper
from s3gate.audit.key_form import KeyForm
from s3gate.audit.notice import render_policy
from s3gate.audit.order import Order
from s3gate.health.metrics import Metrics
from s3gate.health.server import HealthServer, Page, Route
from s3gate.policy.document import parse_policy
from s3gate.policy.model import Policy
from s3gate.policy.network import parse_networks
from s3gate.proxy.authority import Authority, CaUnusable
from s3gate.proxy.gate import GateAddon
from s3gate.proxy.runtime import Gate, RuntimeSettings, make_addon, serve
from s3gate.recorder import JournalRecorder
from s3gate.settings import Settings, read_hmac_key, read_settings

log = logging.getLogger("s3gate")

# A writer's id names its directory and its log stream (CloudWatch: no `:` or `*`).
_NOT_IN_ID: Final = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
_HOST_CHARS: Final = 50  # of the host's name in a writer's id, which has 64 at most


class CannotStart(Exception):
    """The environment does not let the gate start; the message is one line with the next step."""


class Ports(NamedTuple):
    """The TCP ports that are listened on, also where the settings left the choice."""

    gate: int
    health: int
    admin: int


class LoadedPolicy:
    """The policy in force.

    Args:
        policy: as loaded at the start.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def current(self) -> Policy:
        """The policy, whole."""
        return self._policy


def load_policy(path: Path) -> Policy:
    """Read and validate the policy file.

    Raises:
        PolicyErrors: every mistake in it.
        CannotStart: it cannot be read.
    """
    return parse_policy(_read(path, "policy"))


async def run(settings: Settings, policy: Policy, started: Callable[[Ports], None]) -> None:
    """Serve until SIGTERM or SIGINT, then drain and return.

    Args:
        settings: valid.
        policy: valid.
        started: told the ports once the gate listens.

    Raises:
        CannotStart: the CA, the journal or an address cannot be had.
    """
    authority = _load_authority(settings)
    metrics, tally, loaded = Metrics(), Tally(), LoadedPolicy(policy)
    async with AsyncExitStack() as stack:
        journal = stack.enter_context(_open_journal(settings))
        keeper = stack.enter_context(_keep_shipping(settings, journal))
        await _record_policy(journal, policy, settings.policy)
        heartbeat = Heartbeat(journal, tally, lambda: loaded.current().digest, keeper)
        await stack.enter_async_context(_beat(heartbeat))
        recorder = JournalRecorder(journal, metrics, tally, _key_form(settings))
        try:
            gate = Gate(_runtime(settings, authority), loaded, recorder, new_id)
        except ValueError as exc:
            raise CannotStart(str(exc)) from exc
        health, admin = stack.enter_context(_serve_health(settings, gate, journal, keeper, policy, metrics))
        try:
            await serve(gate, lambda port: started(Ports(port, health, admin)))
        except OSError as exc:
            where = f"{settings.listen.host}:{settings.listen.port}"
            raise CannotStart(
                f"cannot listen on {where}: {exc.strerror}; choose a free `listen.port`"
            ) from exc


@contextmanager
def open_embedded(config: Path) -> Iterator[GateAddon]:
    """The gate's hooks with the journal open, for mitmproxy's own programs.

    Args:
        config: the settings file.

    Raises:
        DocumentErrors: every mistake in it, or in the policy.
        CannotStart: the CA or the journal cannot be had.
    """
    settings = read_settings(config)
    policy = LoadedPolicy(load_policy(settings.policy))
    runtime = _runtime(settings, _load_authority(settings))
    with _open_journal(settings) as journal, _keep_shipping(settings, journal):
        yield make_addon(
            runtime, policy, JournalRecorder(journal, Metrics(), Tally(), _key_form(settings)), new_id
        )


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise CannotStart(f"{what} `{path}` cannot be read: {exc.strerror}") from exc


def _load_authority(settings: Settings) -> Authority:
    try:
        return Authority.from_pem(
            _read(settings.ca.certificate, "CA certificate"), _read(settings.ca.private_key, "CA key")
        )
    except CaUnusable as exc:
        raise CannotStart(str(exc)) from exc


def _runtime(settings: Settings, authority: Authority) -> RuntimeSettings:
    return RuntimeSettings(
        authority=authority,
        host=settings.listen.host,
        port=settings.listen.port,
        nameservers=tuple(_authority_text(one.address, one.port) for one in settings.dns.nameservers),
        dns_timeout_s=settings.dns.timeout_s,
        networks=parse_networks(settings.upstream.networks),
        ca_bundle=settings.upstream.ca_bundle,
        upstream_port=settings.upstream.port,
        upstream_plain_port=settings.upstream.plain_port,
        connect_timeout_s=settings.upstream.connect_timeout_s,
        connections=settings.limits.connections,
        connections_per_client=settings.limits.connections_per_client,
        head_bytes=settings.limits.head_bytes,
        idle_s=settings.limits.idle_s,
    )


def _authority_text(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


@contextmanager
def _open_journal(settings: Settings) -> Iterator[Journal]:
    host = _NOT_IN_ID.sub("-", socket.gethostname()).strip("-._")[:_HOST_CHARS]
    writer = f"{host or 'gate'}-1"
    key = read_hmac_key(settings.audit.hmac_key)
    try:
        journal = Journal.open(settings.audit.directory, writer, key, settings.audit.max_bytes)
    except (JournalUnavailable, JournalDamaged) as exc:
        raise CannotStart(str(exc)) from exc
    if journal.torn is not None:
        log.warning("a torn tail of the journal was cut off and kept in %s", journal.torn)
    try:
        yield journal
    finally:
        journal.close()


def _key_form(settings: Settings) -> KeyForm:
    audit = settings.audit
    salt = read_hmac_key(audit.key_salt, "audit.key_salt") if audit.key_salt is not None else b""
    return KeyForm(audit.keys, salt)


async def _record_policy(journal: Journal, policy: Policy, source: Path) -> None:
    """Which policy comes into force stands in the journal before it judges anything."""
    notice = render_policy(
        audit_id=new_id(), time=datetime.now(UTC), before=None, after=policy.digest, source=str(source)
    )
    try:
        await journal.append(notice, Kind.NOTICE)
    except JournalUnavailable as exc:
        raise CannotStart(f"the audit journal cannot be written: {exc}") from exc


@asynccontextmanager
async def _beat(heartbeat: Heartbeat) -> AsyncIterator[None]:
    """Heartbeats while the gate serves; the last one is on disk afterwards, when that is possible."""
    task = asyncio.create_task(heartbeat.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@contextmanager
def _keep_shipping(settings: Settings, journal: Journal) -> Iterator[ShipperKeeper | None]:
    cloudwatch = settings.cloudwatch
    if not cloudwatch.enabled:
        log.warning(
            "CloudWatch is off: no record leaves this machine, and when the journal reaches %s nothing "
            "passes; make room with `s3gate audit archive --prune`",
            f"{settings.audit.max_bytes / 2**20:.0f} MiB",
        )
        yield None
        return
    # Whatever was delivered may stay for reading here until half of the room is used.
    order = Order(
        directories=(str(journal.directory),),
        region=cloudwatch.region,
        group=cloudwatch.log_group,
        endpoint_url=cloudwatch.endpoint_url,
        keep_bytes=settings.audit.max_bytes // 2,
    )
    keeper = ShipperKeeper(order)
    try:
        yield keeper
    finally:
        keeper.close()


@contextmanager
def _serve_health(
    settings: Settings,
    gate: Gate,
    journal: Journal,
    keeper: ShipperKeeper | None,
    policy: Policy,
    metrics: Metrics,
) -> Iterator[tuple[int, int]]:
    def live() -> Page:
        return Page(200, "text/plain; charset=utf-8", b"alive\n")

    writer = journal.directory.name

    def ready() -> Page:
        health = keeper.health(writer, journal.acknowledged_seq) if keeper else None
        fine = gate.port != 0 and not gate.addon.services.draining and journal.failure is None
        state = {
            "ready": fine,
            "policy": policy.digest,
            "journal": journal.failure or "writable",
            "journal_seq": journal.acknowledged_seq,
            "journal_used_percent": journal.used_percent,
            "shipping": (health.error or health.sink.last_error or "well") if health else "off",
            "shipper_lag_s": health.oldest_unacknowledged_s if health else None,
            "draining": gate.addon.services.draining,
        }
        return Page(200 if fine else 503, "application/json", json.dumps(state).encode() + b"\n")

    def measured() -> Page:
        metrics.journal_seq.set(journal.acknowledged_seq)
        if keeper is not None:
            health = keeper.health(writer, journal.acknowledged_seq)
            metrics.shipped_seq.set(health.acknowledged_seq)
            metrics.shipper_lag.set(health.oldest_unacknowledged_s)
        return metrics.page()

    pages: dict[str, Route] = {"/livez": live, "/readyz": ready}
    listening: list[int] = []
    with ExitStack() as stack:
        for name, where, routes in (
            ("health", settings.health, pages),
            ("admin", settings.admin, pages | {"/metrics": measured}),
        ):
            try:
                server = HealthServer(where.host, where.port, routes)
            except OSError as exc:
                what = f"cannot listen on {where.host}:{where.port} for {name}"
                raise CannotStart(f"{what}: {exc.strerror}; choose a free port") from exc
            stack.callback(server.close)
            listening.append(server.port)
        yield listening[0], listening[1]
