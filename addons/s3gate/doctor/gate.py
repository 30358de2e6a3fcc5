"""What the gate's own machine must have: settings, policy, CA, a journal that can be written.

The normal case: all four are as `s3gate run` needs them, with time and room to spare.
"""

import os
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from s3gate.audit.reader import list_writers
from s3gate.audit.segment import list_segments
from s3gate.doctor.finding import Finding, fine, unknown, wrong
from s3gate.loading import load_policy
from s3gate.policy.mistake import DocumentErrors
from s3gate.policy.model import Policy
from s3gate.policy.source import Remote, SourceUnreachable
from s3gate.policy_keeper import open_source
from s3gate.proxy.authority import Authority, CaUnusable
from s3gate.settings import Settings, read_hmac_key, read_settings
from s3gate.settings.named_files import CA_KEY, find_exposed
from s3gate.source.remote import read_once

SETTINGS: Final = "settings"
POLICY: Final = "policy"
CA: Final = "CA"
JOURNAL: Final = "journal"

CA_WARNING: Final = timedelta(days=30)
"""Before the CA's end: time enough to give clients a new bundle."""

USED_PERCENT: Final = 70
"""Of the journal's room: the alarm's threshold (alarms.json); at 80 % allowed requests stop."""

PROBE_BYTES: Final = 4096  # written and synced: one block of the file system
SHOWN_MISTAKES: Final = 2


def check_settings(path: Path) -> tuple[Settings | None, Finding]:
    """The settings, if they are valid.

    Args:
        path: the settings file.
    """
    try:
        settings = read_settings(path)
    except DocumentErrors as exc:
        return None, wrong(SETTINGS, f"{path}: {_mistakes(exc)}", f"s3gate check --config {path}")
    return settings, fine(SETTINGS, str(path))


def check_policy(settings: Settings) -> tuple[Policy | None, Finding]:
    """The policy, if it is valid.

    Args:
        settings: that name it.
    """
    source = open_source(settings)
    try:
        text = source.look(now=True)
        if text is None:
            return None, unknown(POLICY, f"`{settings.policy}` gives nothing", "look at the source")
        policy = load_policy(text, settings.ground)
    except SourceUnreachable as exc:
        then = "name a policy that s3gate may read; a gate that runs keeps its last good one"
        return None, wrong(POLICY, str(exc), then)
    except DocumentErrors as exc:
        then = f"s3gate check --policy {settings.policy}"
        return None, wrong(POLICY, f"{settings.policy}: {_mistakes(exc)}", then)
    finally:
        source.close()
    return policy, fine(POLICY, f"{len(policy.rules)} rules, {policy.digest[:19]}")


def check_ca(settings: Settings, now: datetime) -> Sequence[Finding]:
    """Whether the CA can sign, and for how long.

    Args:
        settings: that name it.
        now: time zone aware.
    """
    try:
        authority = Authority.from_pem(read_ca(settings), _read(settings, settings.ca.private_key))
    except OSError as exc:
        then = "make one with `s3gate ca init`, or run this as the gate's user"
        return [wrong(CA, f"`{exc.filename}` cannot be read: {exc.strerror}", then)]
    except SourceUnreachable as exc:
        return [wrong(CA, str(exc), "look at the endpoint and the permissions of the gate's role")]
    except CaUnusable as exc:
        return [wrong(CA, str(exc), "s3gate ca init")]
    begins, ends = authority.certificate.not_valid_before_utc, authority.certificate.not_valid_after_utc
    if now < begins:
        return [
            wrong(CA, f"is not valid before {begins:%Y-%m-%d %H:%MZ}", "set the clock, or make another CA")
        ]
    if ends - now < CA_WARNING:
        if ends <= now:  # nothing overlaps any more: `ca renew` refuses it
            then = "s3gate ca init DIRECTORY, and give its certificate to the clients"
            return [wrong(CA, f"ended on {ends:%Y-%m-%d}", then)]
        then = "s3gate ca renew, and give clients the new bundle first"
        return [wrong(CA, f"ends on {ends:%Y-%m-%d}", then)]
    for exposed in find_exposed(settings):
        if exposed.setting == CA_KEY:
            return [wrong(CA, str(exposed), exposed.next_step)]
    return [fine(CA, f"valid until {ends:%Y-%m-%d}")]


def read_ca(settings: Settings) -> bytes:
    """The CA certificate, PEM.

    Args:
        settings: that name it.

    Raises:
        OSError: its file cannot be read.
        SourceUnreachable: it lies in AWS and cannot be read.
    """
    return _read(settings, settings.ca.certificate)


def _read(settings: Settings, place: Path | Remote) -> bytes:
    if isinstance(place, Remote):
        return read_once(place, settings.cloudwatch.region)
    return place.read_bytes()


def check_journal(settings: Settings) -> Sequence[Finding]:
    """Whether the journal can be written, and has room.

    Args:
        settings: that name it.
    """
    audit = settings.audit
    try:
        read_hmac_key(audit.hmac_key)
    except DocumentErrors as exc:
        return [wrong(JOURNAL, _mistakes(exc), str(exc.mistakes[0].suggestion))]
    for exposed in find_exposed(settings):
        if exposed.setting != CA_KEY:
            return [wrong(JOURNAL, str(exposed), exposed.next_step)]
    try:
        with tempfile.TemporaryFile(dir=audit.directory) as probe:
            probe.write(bytes(PROBE_BYTES))
            probe.flush()
            os.fsync(probe.fileno())
        sizes = [sum(one.size() for one in list_segments(writer)) for writer in list_writers(audit.directory)]
        room = os.statvfs(audit.directory)
    except FileNotFoundError:
        told = f"`{audit.directory}` is not there"
        return [wrong(JOURNAL, told, "make it, owned by the gate's user; `s3gate run` makes it too")]
    except PermissionError as exc:
        told = f"`{audit.directory}` cannot be written by this user: {exc.strerror}"
        return [unknown(JOURNAL, told, "run this as the gate's user")]
    except OSError as exc:
        return [
            wrong(
                JOURNAL, f"`{audit.directory}`: {exc.strerror}", "look at the disk: nothing passes like that"
            )
        ]
    return [_judge_room(sizes or [0], audit.max_bytes, room.f_bavail * room.f_frsize)]


def _judge_room(sizes: Sequence[int], max_bytes: int, free: int) -> Finding:
    used = 100 * max(sizes) // max_bytes
    if used >= USED_PERCENT:
        then = "see why nothing is shipped; `s3gate audit archive --prune` makes room"
        return wrong(JOURNAL, f"is {used} % full; at 80 % allowed requests stop", then)
    wanted = sum(max(0, max_bytes - size) for size in sizes)
    if free < wanted:
        told = f"the disk has {free >> 20:,} MiB left, and the journal may take {wanted >> 20:,} MiB more"
        return wrong(JOURNAL, told, "lower `audit.max_bytes`, or give it a larger disk")
    return fine(JOURNAL, f"can be written, {used} % full, {free >> 20:,} MiB left on the disk")


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def _mistakes(exc: DocumentErrors) -> str:
    told = [one.message for one in exc.mistakes[:SHOWN_MISTAKES]]
    more = len(exc.mistakes) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")
