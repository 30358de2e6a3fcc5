"""The canary: one request for a bucket that nobody listed, sent as any client sends one.

The normal case: CONNECT to the gate, TLS under its CA, an unsigned GET; the answer is the
gate's refusal and names its decision. The bucket's name is random, so that nobody owns it
and no list has it; a gate in monitor mode refuses it too, since it is not signed.
"""

import http.client
import re
import secrets
import ssl
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

TIMEOUT_S: Final = 10.0
"""Seconds for connecting and for the answer, each; a refusal takes some milliseconds."""

BUCKET: Final = "s3gate-canary-"
ANSWER_BYTES: Final = 65_536  # read of a body; the gate's own has under 4 KiB
# What the gate makes: a ULID; nothing else goes into a search.
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)


class GateSilent(Exception):
    """The gate could not be asked; the text says why and what to do."""


class NotRefused(Exception):
    """The canary was answered by something else than the gate's refusal."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The gate's refusal.

    Args:
        host: that was asked for.
        decision_id: of the decision.
        reason: the gate's reason.
        sent: when the request was sent.
        time: when the answer was there.
    """

    host: str
    decision_id: str
    reason: str
    sent: datetime
    time: datetime


def make_host(region: str, suffix: str) -> str:
    """The host name of a bucket that nobody has.

    Args:
        region: AWS region.
        suffix: DNS suffix of its partition.
    """
    return f"{BUCKET}{secrets.token_hex(8)}.s3.{region}.{suffix}"


def send_canary(proxy_url: str, ca: Path, host: str) -> Refusal:
    """Ask the gate for something on a host that it must refuse.

    Args:
        proxy_url: the gate, `http://HOST:PORT`, or `http://USER:PASSWORD@HOST:PORT`.
        ca: PEM file with its CA.
        host: as `make_host` gives it.

    Returns:
        The refusal.

    Raises:
        GateSilent: there was no answer.
        NotRefused: the answer is no refusal of a gate.
    """
    proxy = urlsplit(proxy_url)
    sent = datetime.now(UTC)
    try:
        context = ssl.create_default_context(cafile=str(ca))
        connection = http.client.HTTPSConnection(
            str(proxy.hostname), proxy.port, timeout=TIMEOUT_S, context=context
        )
        connection.set_tunnel(host, 443, _authorization(proxy))
        try:
            status, fields = _ask(connection)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as exc:
        why = getattr(exc, "strerror", None) or str(exc) or type(exc).__name__
        shown = f"{proxy.scheme}://{proxy.netloc.rpartition('@')[2]}"  # never user and password
        raise GateSilent(f"the gate at `{shown}` (CA `{ca}`) could not be asked: {why}") from exc
    identifier = fields.get("x-amz-request-id") or ""
    if fields.get("x-s3gate-decision") != "deny" or _ID.fullmatch(identifier) is None:
        raise NotRefused(f"`{host}` was answered {status}, which is no refusal of s3gate")
    return Refusal(host, identifier, fields.get("x-s3gate-reason") or "", sent, datetime.now(UTC))


def _authorization(proxy: SplitResult) -> dict[str, str]:
    """What tells the proxy who asks (RFC 7617), where its URL says so."""
    if not proxy.username:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
    return {"Proxy-Authorization": f"Basic {b64encode(pair).decode()}"}


def _ask(connection: http.client.HTTPSConnection) -> tuple[int, http.client.HTTPMessage]:
    """Status and headers of the answer: to the CONNECT where that is refused, else to the request."""
    try:
        connection.connect()
    except OSError:
        refused = connection.get_proxy_response_headers()  # None unless the proxy answered
        if refused is None or "x-s3gate-decision" not in refused:
            raise
        return http.client.FORBIDDEN, refused
    connection.request("GET", "/canary")
    response = connection.getresponse()
    response.read(ANSWER_BYTES)
    return response.status, response.headers
