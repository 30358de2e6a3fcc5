"""The files that the settings name, looked at before a gate starts: all that is missing is told at once.

The normal case: each can be read, and the secret ones by nobody else. What lies in AWS is not
looked at here; whether a certificate is one is for whoever uses it.
"""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from s3gate.policy.mistake import DocumentErrors
from s3gate.settings.model import Settings
from s3gate.settings.source import read_hmac_key

OTHERS_BITS: Final = 0o027
"""Permissions that a secret needs nowhere: everybody's, and the group's to write. The group may read: secrets
of Kubernetes with an `fsGroup` come that way (deploy/kubernetes: 0440), and root:s3gate 0640 is usual."""

CA_KEY: Final = "ca.private_key"

MAKE_CA: Final = "make one with `s3gate ca init DIRECTORY`"


def find_unusable(settings: Settings) -> tuple[str, ...]:
    """What keeps a gate from starting: each file that cannot be read, and each key that is none.

    Args:
        settings: valid.

    Returns:
        One lower-case line each, with the next step.
    """
    return tuple(_unusable(settings))


def _unusable(settings: Settings) -> Iterator[str]:
    named = [
        ("policy", settings.policy, "name yours in `policy`; config/policy.yaml shows how one looks"),
        ("CA certificate", settings.ca.certificate, MAKE_CA),
        ("CA key", settings.ca.private_key, MAKE_CA),
        ("`upstream.ca_bundle`", settings.upstream.ca_bundle, "name a PEM file of roots, or delete the key"),
    ]
    for what, place, then in named:
        if isinstance(place, Path) and (why := _why_not(place)) is not None:
            yield f"{what} `{place}` cannot be read: {why}; {then}"
    for setting, path in _keys(settings):
        try:
            read_hmac_key(path, setting)
        except DocumentErrors as exc:
            yield from (f"{one.message}; {one.suggestion}" for one in exc.mistakes)


class Exposed(NamedTuple):
    """A secret that more can read, or replace, than need to.

    Args:
        setting: that names its file.
        path: of the file.
        mode: its permissions.
    """

    setting: str
    path: Path
    mode: int

    @property
    def next_step(self) -> str:
        """What mends it."""
        return f"chmod 600 {self.path}"

    def __str__(self) -> str:
        """One lower-case line."""
        return f"others may read or replace the secret of `{self.setting}` (mode {self.mode:04o})"


def find_exposed(settings: Settings) -> tuple[Exposed, ...]:
    """The secrets that more can read, or replace, than need to.

    Args:
        settings: valid; what cannot be looked at is passed over.
    """
    named = [(CA_KEY, settings.ca.private_key), *_keys(settings)]
    modes = (Exposed(setting, place, _mode(place)) for setting, place in named if isinstance(place, Path))
    return tuple(one for one in modes if one.mode & OTHERS_BITS)


def _keys(settings: Settings) -> list[tuple[str, Path]]:
    audit = settings.audit
    salt = [("audit.key_salt", audit.key_salt)] if audit.key_salt is not None else []
    return [("audit.hmac_key", audit.hmac_key), *salt]


def _why_not(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as exc:
        return exc.strerror or type(exc).__name__
    return None


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0
