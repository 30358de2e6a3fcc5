"""What a start opens: CA and journal, each from the settings, or one sentence why not.

The normal case: every file is there and this process takes the first journal of its
host that nobody writes.
"""

import logging
import re
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from ipaddress import ip_network
from itertools import islice
from pathlib import Path
from typing import Final

from s3gate.audit.journal import Journal, JournalDamaged, JournalHeld, JournalUnavailable
from s3gate.audit.key_form import KeyForm
from s3gate.audit.segment import list_directories
from s3gate.in_force import record_policy
from s3gate.loading import CannotStart, Loaded
from s3gate.policy.mistake import DocumentErrors
from s3gate.policy.network import parse_networks
from s3gate.policy.source import Remote, SourceUnreachable
from s3gate.proxy.arrival import Network
from s3gate.proxy.authority import Authority, CaUnusable
from s3gate.proxy.runtime import RuntimeSettings
from s3gate.settings import Settings, read_hmac_key
from s3gate.settings.named_files import MAKE_CA
from s3gate.settings.users_file import UsersErrors, read_users
from s3gate.source.remote import read_once

log = logging.getLogger("s3gate")

# A writer's id names its directory and its log stream (CloudWatch: no `:` or `*`).
_NOT_IN_ID: Final = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
_HOST_CHARS: Final = 50  # of the host's name in a writer's id, which has 64 at most
_FRESH_BYTES: Final = 4  # that tell a journal from another of a host of the same name
WRITERS: Final = 1024  # processes that share a directory: workers, and those that a restart lets drain


def _read(place: Path | Remote, what: str, region: str | None) -> bytes:
    if isinstance(place, Path):
        try:
            return place.read_bytes()
        except OSError as exc:
            raise CannotStart(f"{what} `{place}` cannot be read: {exc.strerror}; {MAKE_CA}") from exc
    try:
        return read_once(place, region)
    except SourceUnreachable as exc:
        raise CannotStart(f"{what} {exc}") from exc


def load_authority(settings: Settings, now: datetime | None = None) -> Authority:
    """The CA of the settings.

    Args:
        settings: that name it.
        now: time zone aware; None: the time.

    Raises:
        CannotStart: a part cannot be read, they are no CA, or it is not valid now.
    """
    region = settings.cloudwatch.region
    certificate = _read(settings.ca.certificate, "CA certificate", region)
    # Both in one place are read once: whoever replaces them meanwhile never leaves us half of each.
    together = settings.ca.private_key == settings.ca.certificate
    key = certificate if together else _read(settings.ca.private_key, "CA key", region)
    try:
        authority = Authority.from_pem(certificate, key)
    except CaUnusable as exc:
        raise CannotStart(str(exc)) from exc
    _check_dates(authority, now or datetime.now(UTC))
    return authority


def _check_dates(authority: Authority, now: datetime) -> None:
    """No client takes what an ended CA signs: it is said here, not by every client's handshake."""
    begins, ends = authority.certificate.not_valid_before_utc, authority.certificate.not_valid_after_utc
    if ends <= now:
        then = "make another with `s3gate ca init DIRECTORY` and give its certificate to the clients"
        raise CannotStart(f"the CA ended on {ends:%Y-%m-%d}; {then}")
    if now < begins:
        raise CannotStart(f"the CA is not valid before {begins:%Y-%m-%d %H:%MZ}; set the clock")


def make_runtime(settings: Settings, authority: Authority) -> RuntimeSettings:
    """What the gate needs to know of the settings.

    Raises:
        CannotStart: the users file cannot be read, or holds mistakes.
    """
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
        trusted_proxies=_trusted(settings),
        users=_users(settings.users),
    )


def _users(path: Path | None) -> dict[str, str] | None:
    try:
        return read_users(path) if path is not None else None
    except UsersErrors as exc:
        raise CannotStart(f"users file `{path}`: {exc}; `s3gate check --config FILE` shows all") from exc


def _trusted(settings: Settings) -> tuple[Network, ...] | None:
    listen = settings.listen
    return tuple(map(ip_network, listen.trusted_proxies)) if listen.proxy_protocol == "v2" else None


def _authority_text(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


@contextmanager
def open_journal(settings: Settings) -> Iterator[Journal]:
    """A journal of this process's own, closed at the end.

    Raises:
        CannotStart: none can be had.
    """
    journal = _open_free_journal(settings, _read_key(settings.audit.hmac_key, "audit.hmac_key"))
    if journal.torn is not None:
        log.warning("a torn tail of the journal was cut off and kept in %s", journal.torn)
    try:
        yield journal
    finally:
        journal.close()


def _open_free_journal(settings: Settings, key: bytes) -> Journal:
    """The first journal of this host that nobody writes: a dead process leaves its own to the next."""
    audit = settings.audit
    for writer in islice(_writers(audit.directory), WRITERS):
        try:
            return Journal.open(audit.directory, writer, key, audit.max_bytes)
        except JournalHeld:
            continue
        except JournalUnavailable as exc:
            told = f"{exc}; `audit.directory` must be a directory that the gate's user may write"
            raise CannotStart(told) from exc
        except JournalDamaged as exc:
            raise CannotStart(str(exc)) from exc
    raise CannotStart(f"all {WRITERS} journals in `{audit.directory}` are held; end other gates")


def _writers(directory: Path) -> Iterator[str]:
    """Ids of this host's journals, then fresh ones, which no journal elsewhere has.

    A host's name comes back with another disk (an address that is given again, a container): a second
    chain of the same id would begin with 1 in the same log stream, and look like a forgery of the first.
    """
    host = _NOT_IN_ID.sub("-", socket.gethostname()).strip("-._")[:_HOST_CHARS] or "gate"
    own = re.compile(rf"{re.escape(host)}-([0-9]{{1,4}})(-[0-9a-f]{{{_FRESH_BYTES * 2}}})?", re.ASCII)
    names: list[str] = []
    with suppress(OSError):  # it is not there yet, or opening tells
        names = [path.name for path in list_directories(directory)]
    numbers = {name: int(found[1]) for name in names if (found := own.fullmatch(name)) is not None}
    yield from sorted(numbers, key=lambda name: (numbers[name], name))
    for number in range(max(numbers.values(), default=0) + 1, WRITERS + 1):
        yield f"{host}-{number}-{secrets.token_hex(_FRESH_BYTES)}"


def load_key_form(settings: Settings) -> KeyForm:
    """How object keys are recorded.

    Raises:
        CannotStart: the salt cannot be had.
    """
    audit = settings.audit
    salt = _read_key(audit.key_salt, "audit.key_salt") if audit.key_salt is not None else b""
    return KeyForm(audit.keys, salt)


def _read_key(path: Path, setting: str) -> bytes:
    try:
        return read_hmac_key(path, setting)
    except DocumentErrors as exc:
        raise CannotStart("; ".join(f"{one.message}; {one.suggestion}" for one in exc.mistakes)) from exc


async def record_first(journal: Journal, loaded: Loaded) -> None:
    """Which policy the gate starts with stands in the journal before it judges anything.

    Raises:
        CannotStart: it cannot be written.
    """
    try:
        await record_policy(journal, loaded, None)
    except JournalUnavailable as exc:
        raise CannotStart(f"the audit journal cannot be written: {exc}") from exc
