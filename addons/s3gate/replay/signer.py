"""Who signed a recorded request, as far as its record says. Pure.

The normal case is a signature in the header: key id, account and kind are recorded, its
scope is not. Of a presigned request the query holds the scope and how long it was good.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import unquote

from s3gate.s3.credential import SignatureVersion

_SCOPE: Final = re.compile(r"[^/]*/[0-9]{8}/([a-z0-9-]*)/([a-z0-9-]+)/aws4_request", re.ASCII)
_STAMP: Final = "%Y%m%dT%H%M%SZ"


class NotReplayable(Exception):
    """Why a record cannot be judged anew: one sentence."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed, as far as the record says.

    Args:
        region: of the scope; None where the record does not hold it.
        service: likewise.
        expired: whether a presigned request came too late.
    """

    version: SignatureVersion
    presigned: bool
    access_key_id: str
    account: str | None
    region: str | None = None
    service: str | None = None
    expired: bool = False


def read_signer(identity: Mapping[str, object], query: str, then: datetime, *, fixed: bool) -> Signer | None:
    """Who signed; a scope stands in the record only when it stood in the query.

    Args:
        identity: that part of the record.
        query: of its target.
        then: when it came, time zone aware.
        fixed: whether nothing hangs on who signed.

    Raises:
        NotReplayable: what every policy would ask about the signature is not recorded.
    """
    key_id, version = text_of(identity, "access_key_id"), text_of(identity, "signature_version")
    if key_id is None or version is None:
        if version is not None and not fixed:
            raise NotReplayable("who signed it was not read")
        return None
    try:
        signed = SignatureVersion(version)
    except ValueError as exc:
        raise NotReplayable("its kind of signature is not known") from exc
    presigned = identity.get("presigned") is True
    values = dict(part.partition("=")[::2] for part in query.split("&")) if presigned else {}
    scope = _SCOPE.fullmatch(unquote(values.get("X-Amz-Credential", "")))
    return Signer(
        signed,
        presigned,
        key_id,
        text_of(identity, "account"),
        scope[1] if scope else None,
        scope[2] if scope else None,
        presigned and _is_expired(values, then),
    )


def _is_expired(values: Mapping[str, str], then: datetime) -> bool:
    try:
        if "X-Amz-Date" in values:
            signed = datetime.strptime(values["X-Amz-Date"], _STAMP).replace(tzinfo=UTC)
            return signed + timedelta(seconds=int(values["X-Amz-Expires"])) <= then
        return datetime.fromtimestamp(int(values["Expires"]), UTC) <= then
    except (KeyError, ValueError, OverflowError) as exc:
        raise NotReplayable("how long its signature holds is not recorded") from exc


def text_of(part: Mapping[str, object], name: str) -> str | None:
    """A text in a part of a record, or None."""
    value = part.get(name)
    return value if isinstance(value, str) else None
