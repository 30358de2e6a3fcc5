"""The audit record, schema version 1: values in, one JSON object out.

A decision becomes one `egress` record, written before it takes effect; a transfer
that ended becomes one `completion` record with the same decision id. The root
holds only what this gate says; everything that a client chose is nested under
`client`, `request` and `identity`, redacted and capped, so that nothing a client
sends can look like a verdict to a metric filter. The journal adds `writer`,
`seq`, `prev` and `hash`. `config/audit.schema.json` describes every field.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from s3gate.audit.key_form import FULL, KeyForm
from s3gate.audit.redaction import NAME_LIMIT, Redactor, cap, split_query
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.reading import Reading, Request

SCHEMA: Final = 1
SELFTEST: Final = "selftest"  # the event of a denial that the gate asked itself for, at its start
METHOD_LIMIT: Final = 64  # characters: the longest registered method has 17 (RFC 9110, IANA registry)
AGENT_LIMIT: Final = 1024  # characters: botocore's user agents reach about 400
ADDRESSES_LIMIT: Final = 64  # addresses of one answer that are listed; S3 gives up to 8
SEALED_KEYS: Final = ("writer", "seq", "prev", "hash")  # added by the journal, never by a caller
# Content-Length (RFC 9110 section 8.6): decimal digits; 19 of them reach past 2**63.
_LENGTH = re.compile(r"[0-9]{1,19}", re.ASCII)

_encoder = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where an allowed request may go.

    Args:
        addresses: the judged addresses, in the order in which they are tried.
        ttl_s: time to live of the answer, seconds; None when no name was resolved.
        reused: whether an open, judged connection carries the request.
    """

    addresses: tuple[str, ...]
    ttl_s: int | None = None
    reused: bool = False


@dataclass(frozen=True, slots=True)
class Transfer:
    """How an allowed request ended.

    Args:
        status: HTTP status that the upstream gave; None when none came.
        bytes_up: body bytes sent to the upstream.
        bytes_down: body bytes given to the client.
        duration_us: from the request head to the end, microseconds.
        first_byte_us: from the request head to the response head, microseconds, or None.
        address: the address that was dialled, or None.
        port: its port.
        ttl_s: time to live of the answer it came from, seconds, or None.
        reused: whether the connection was open before.
        request_id: S3's `x-amz-request-id`, or None.
        id_2: S3's `x-amz-id-2`, or None.
        reason: why it did not end well, or None.
        detail: one sentence about that, or None.
        complete: whether both bodies passed whole; False also when the client went away.
    """

    status: int | None
    bytes_up: int
    bytes_down: int
    duration_us: int
    first_byte_us: int | None = None
    address: str | None = None
    port: int | None = None
    ttl_s: int | None = None
    reused: bool = False
    request_id: str | None = None
    id_2: str | None = None
    reason: Reason | None = None
    detail: str | None = None
    complete: bool = True


def render_time(moment: datetime) -> str:
    """A moment as every record writes it: ISO 8601, UTC, microseconds, `Z`.

    Args:
        moment: time zone aware.

    Returns:
        For example `2026-11-22T08:30:00.123456Z`.

    Raises:
        ValueError: the moment has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a record's time has no time zone: give an aware datetime")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def render_decision(
    decision: Decision,
    request: Request,
    *,
    audit_id: str,
    decision_id: str,
    time: datetime,
    upstream: Upstream | None = None,
    keys: KeyForm = FULL,
) -> dict[str, object]:
    """The `egress` record of one verdict.

    Args:
        decision: the verdict, with what could be read and the digest of the policy.
        request: the head it judged.
        audit_id: unique per record; readers drop repetitions by it.
        decision_id: what the refused user is shown; joins decision and completion.
        time: when it was decided, time zone aware.
        upstream: where an allowed request may go; None on a denial.
        keys: how object keys are recorded.

    Returns:
        The record without what the journal adds.
    """
    redactor = Redactor.of(request, keys)
    return {
        "schema": SCHEMA,
        "event": "egress",
        "time": render_time(time),
        "audit_id": audit_id,
        "decision_id": decision_id,
        "decision": decision.word,
        "reason": decision.reason.value,
        "would_deny": decision.would_deny.value if decision.would_deny is not None else None,
        "rule": decision.rule,
        "policy": decision.policy or None,
        "client": _client(request, redactor),
        "request": _request(decision, request, redactor),
        "identity": _identity(decision.reading, request, redactor),
        "upstream": _upstream(upstream),
    }


def render_completion(
    transfer: Transfer, *, audit_id: str, decision_id: str, time: datetime
) -> dict[str, object]:
    """The `completion` record of one allowed request.

    Args:
        transfer: how it ended.
        audit_id: unique per record.
        decision_id: that of its decision.
        time: when it ended, time zone aware.

    Returns:
        The record without what the journal adds.
    """
    return {
        "schema": SCHEMA,
        "event": "completion",
        "time": render_time(time),
        "audit_id": audit_id,
        "decision_id": decision_id,
        "outcome": "completed" if transfer.complete and transfer.reason is None else "failed",
        "reason": transfer.reason.value if transfer.reason is not None else None,
        "transfer": {
            "status": transfer.status,
            "bytes_up": transfer.bytes_up,
            "bytes_down": transfer.bytes_down,
            "duration_us": transfer.duration_us,
            "first_byte_us": transfer.first_byte_us,
            "detail": _capped(transfer.detail),
        },
        "upstream": {
            "address": transfer.address,
            "port": transfer.port,
            "ttl_s": transfer.ttl_s,
            "reused": transfer.reused,
            "request_id": _capped(transfer.request_id),
            "id_2": _capped(transfer.id_2),
        },
    }


def to_line(record: Mapping[str, object]) -> bytes:
    """One record as ASCII JSON without a line end.

    Args:
        record: JSON values only.

    Returns:
        The bytes that the chain is computed over.

    Raises:
        ValueError: it holds NaN or an infinity, contains itself, or has a key that is the journal's.
        TypeError: it holds something that is not JSON.
    """
    for key in SEALED_KEYS:
        if key in record:
            raise ValueError(f"record has the key `{key}`, which the journal adds: leave it out")
    return _encoder.encode(record).encode("ascii")


def _capped(text: str | None) -> str | None:
    return None if text is None else cap(text, NAME_LIMIT)


def _client(request: Request, redactor: Redactor) -> dict[str, object]:
    client = request.client
    return {
        "address": cap(client.address, METHOD_LIMIT),
        "port": client.port,
        "user": redactor.text(client.user or client.unproven or None, NAME_LIMIT),
        "vpc_endpoint": redactor.text(client.vpc_endpoint, NAME_LIMIT),
    }


def _request(decision: Decision, request: Request, redactor: Redactor) -> dict[str, object]:
    reading = decision.reading
    copied = reading.copy_source
    keys, copied_key = redactor.keys, copied.key if copied is not None else None
    hosts, agents, lengths = (_header(request, name) for name in ("host", "user-agent", "content-length"))
    return {
        "detail": redactor.text(keys.clean(decision.detail, reading.key, copied_key)),
        "method": redactor.text(request.method, METHOD_LIMIT),
        "scheme": cap(request.scheme, METHOD_LIMIT),
        "connect": redactor.authority(request.connect),
        "sni": redactor.authority(request.sni),
        "authority": redactor.authority(request.authority),
        "host_header": redactor.authority(hosts),
        "target": redactor.target(request.target),
        "http_version": cap(request.http_version, METHOD_LIMIT),
        "user_agent": redactor.text(agents, AGENT_LIMIT),
        "content_length": int(lengths) if lengths is not None and _LENGTH.fullmatch(lengths) else None,
        "host": redactor.text(reading.host, NAME_LIMIT),
        "bucket": redactor.text(reading.bucket, NAME_LIMIT),
        "key": redactor.text(keys.render(reading.key)),
        "key_form": keys.form,
        "style": reading.style,
        "endpoint_class": reading.endpoint_class,
        "region": redactor.text(reading.region, METHOD_LIMIT),
        "partition": reading.partition,
        "operation": reading.operation,
        "copy_source": None
        if copied is None
        else {
            "bucket": redactor.text(copied.bucket, NAME_LIMIT),
            "key": redactor.text(keys.render(copied.key)),
            "version_id": redactor.text(copied.version_id, NAME_LIMIT),
        },
    }


def _identity(reading: Reading, request: Request, redactor: Redactor) -> dict[str, object]:
    version, presigned = _signature(request)
    return {
        "access_key_id": redactor.text(reading.access_key_id, NAME_LIMIT),
        "account": redactor.text(reading.account, METHOD_LIMIT),
        "signature_version": version,
        "presigned": presigned,
    }


def _upstream(upstream: Upstream | None) -> dict[str, object] | None:
    if upstream is None:
        return None
    return {
        "addresses": list(upstream.addresses[:ADDRESSES_LIMIT]),
        "ttl_s": upstream.ttl_s,
        "reused": upstream.reused,
    }


def _header(request: Request, wanted: str) -> str | None:
    """Every value of one header joined as RFC 9110 section 5.3 does, or None without it."""
    values = [value for name, value in request.headers if name.lower() == wanted]
    return ", ".join(values) if values else None


def _signature(request: Request) -> tuple[str | None, bool]:
    """How the request claims to be signed, and whether in its query: a label, not a verdict."""
    header = _header(request, "authorization")
    if header is not None:
        scheme = header.partition(" ")[0]
        return {"AWS4-HMAC-SHA256": "v4", "AWS4-ECDSA-P256-SHA256": "v4a", "AWS": "v2"}.get(
            scheme, "other"
        ), False
    query = request.target.partition("?")[2].lower()
    if "signature" not in query:
        return None, False
    values = {name: value for name, value, _ in split_query(query)}
    if "x-amz-signature" in values:
        return "v4a" if values.get("x-amz-algorithm") == "aws4-ecdsa-p256-sha256" else "v4", True
    return ("v2", True) if "signature" in values else (None, False)
