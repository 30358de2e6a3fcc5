"""One `egress` record → the facts that a policy is asked about, or why they cannot be had. Pure.

The normal case: an allowed or refused request whose name, bucket, operation, key, client
and account stand in its record as they were read. What a record does not hold, and so
nothing here guesses:

- other headers than Host: ACLs, tags, locks, keys of encryption, expected owners;
- the scope of a signature in the header, and whether it covered every header;
- the key with `audit.keys: hash` or `omit`, and what a record cut off or blanked out;
- the source key of a rename, and the keys in a body.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote

from s3gate.policy.decision import Reason
from s3gate.policy.reading import Client, Request
from s3gate.replay.signer import NotReplayable, Signer, read_signer, text_of

# As `audit/redaction.py` writes them: what was cut off, and what was taken out.
_CUT: Final = re.compile(r"\.\.\.\[\+[0-9]+ characters sha256:[0-9a-f]{64}\]", re.ASCII)
_BLANKED: Final = "[redacted]"
# A byte that was no UTF-8, as the record escapes it; a key that is spelt so looks the same.
_SURROGATE: Final = "\\ud"


FIXED: Final = frozenset(
    {
        Reason.MALFORMED_REQUEST,
        Reason.MALFORMED_HOST,
        Reason.AMBIGUOUS_TARGET,
        Reason.IP_LITERAL,
        Reason.PORT_NOT_ALLOWED,
        Reason.NOT_TLS,
        Reason.SNI_MISSING,
        Reason.SNI_MISMATCH,
        Reason.HOST_MISMATCH,
        Reason.PROTOCOL_UPGRADE,
        Reason.UNKNOWN_OPERATION,
        Reason.NO_BUCKET,
        Reason.SERVICE_NOT_S3,
        Reason.CREDENTIAL_EXPIRED,
        Reason.PROXY_HEADER_INVALID,
        Reason.LIMIT_EXCEEDED,
        Reason.TIMEOUT,
        Reason.DRAINING,
        Reason.DNS_FAILURE,
        Reason.UPSTREAM_ADDRESS_NOT_ALLOWED,
        Reason.UPSTREAM_UNREACHABLE,
        Reason.UPSTREAM_TLS_FAILURE,
        Reason.AUDIT_UNAVAILABLE,
        Reason.INTERNAL_ERROR,
    }
)
"""Refusals that no list changes: of the reading, the connection, the moment or the answer of the DNS."""


@dataclass(frozen=True, slots=True)
class Past:
    """What was decided then.

    Args:
        reason: the code.
        would_deny: with MONITOR_ONLY, what enforcement would have said.
        rule: id of the rule that decided, or None.
        policy: digest of the policy that judged.
        time: when, UTC.
    """

    reason: Reason
    would_deny: Reason | None
    rule: str | None
    policy: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Copied:
    """The source of a copy; its key is None where the record hides it."""

    bucket: str
    key: str | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What was asked.

    Args:
        path: raw path of the target; None where the record hides it.
        bare: whether the target had no query.
        prefix: what a listing asked for, decoded; None where the record hides it.
        hidden: why the key, or what it is part of, is not known; None when it is.
        operation: as in botocore's model; None when it was none.
    """

    method: str
    scheme: str
    connect: str | None
    sni: str | None
    authority: str | None
    host_header: str
    path: str | None
    bare: bool
    prefix: str | None
    hidden: str | None
    bucket: str | None
    style: str | None
    key: str | None
    operation: str | None
    copied: Copied | None
    client: Client
    signer: Signer | None
    past: Past


def read_past(record: Mapping[str, object]) -> Past:
    """What was decided.

    Raises:
        NotReplayable: the record does not say.
    """
    try:
        would = record["would_deny"]
        moment = datetime.fromisoformat(str(record["time"]))
        rule = record["rule"]
        return Past(
            Reason(str(record["reason"])),
            Reason(str(would)) if would is not None else None,
            rule if isinstance(rule, str) else None,
            str(record["policy"] or ""),
            moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC),
        )
    except (KeyError, ValueError) as exc:
        raise NotReplayable("it is no record of a decision") from exc


def read_connect(record: Mapping[str, object], past: Past) -> Request | None:
    """The CONNECT of a record that was refused before there was a request behind it, else None.

    Raises:
        NotReplayable: its name was cut off or taken out, or its password was wrong.
    """
    request, client = _part(record, "request"), _part(record, "client")
    connect = text_of(request, "connect")
    if text_of(request, "method") != "CONNECT" or connect is None:
        return None
    if _BLANKED in connect or _CUT.search(connect):
        raise NotReplayable("a name in it was cut off or taken out")
    if past.reason is Reason.PROXY_AUTH_REQUIRED and client.get("user") is not None:
        raise NotReplayable("its password was wrong")  # the name stands there, and proves nothing
    return Request("CONNECT", "https", None, "/", (), connect, None, _client(client), past.time)


def read_facts(record: Mapping[str, object], past: Past) -> Facts:
    """The facts of one record.

    Args:
        record: of event `egress`, parsed.
        past: what was decided, of the same record.

    Raises:
        NotReplayable: a fact that every policy asks for is not in it.
    """
    request, client, identity = (_part(record, name) for name in ("request", "client", "identity"))
    method, host = text_of(request, "method"), text_of(request, "host_header")
    if method in {None, "CONNECT"} or host is None:
        raise NotReplayable("it was refused before a request was read")
    if past.reason is Reason.PROXY_AUTH_REQUIRED:
        raise NotReplayable("whether its password was right is not recorded")
    names = [text_of(request, one) for one in ("connect", "sni", "authority")]
    if any(one is not None and (_BLANKED in one or _CUT.search(one)) for one in (host, *names)):
        raise NotReplayable("a name in it was cut off or taken out")
    target = text_of(request, "target") or "/"
    path, mark, query = target.partition("?")
    hidden, key = _hidden(request, target), text_of(request, "key")
    return Facts(
        method=method or "",
        scheme=text_of(request, "scheme") or "",
        connect=names[0],
        sni=names[1],
        authority=names[2],
        host_header=host,
        path=None if hidden else path,
        bare=not mark,
        prefix=None if hidden else _prefix(query),
        hidden=hidden,
        bucket=text_of(request, "bucket"),
        style=text_of(request, "style"),
        key=key,
        operation=text_of(request, "operation"),
        copied=_copied(request, hidden),
        client=_client(client),
        signer=read_signer(identity, query, past.time, fixed=past.reason in FIXED),
        past=past,
    )


def _client(client: Mapping[str, object]) -> Client:
    return Client(
        text_of(client, "address") or "", 0, text_of(client, "user"), text_of(client, "vpc_endpoint")
    )


def _hidden(request: Mapping[str, object], target: str) -> str | None:
    form = request.get("key_form")
    if form != "full":
        return f"its key is not recorded (`key_form: {form}`)"
    copied = request.get("copy_source")
    source = copied.get("key") if isinstance(copied, dict) else None
    for text in (target, request.get("key"), source):
        if isinstance(text, str) and (_BLANKED in text or _SURROGATE in text or _CUT.search(text)):
            return "its key was cut off or altered in the record"
    return None


def _prefix(query: str) -> str:
    """What the query's `prefix` says; a listing whose prefix has two readings was refused when it came."""
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name == "prefix":
            return unquote(value)
    return ""


def _copied(request: Mapping[str, object], hidden: str | None) -> Copied | None:
    copied = request.get("copy_source")
    if not isinstance(copied, dict):
        return None
    key = copied.get("key")
    return Copied(str(copied.get("bucket")), key if isinstance(key, str) and hidden is None else None)


def _part(record: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = record.get(name)
    return part if isinstance(part, dict) else {}
