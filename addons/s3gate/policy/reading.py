"""What was asked, and what could be read of it: the two values beside every verdict."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Client:
    """Who is on the other end of the accepted connection.

    Args:
        address: textual IPv4 or IPv6 address, no port, no zone.
        port: TCP port, 0 when unknown.
        user: proxy user whose password was right, or None.
        vpc_endpoint: `vpce-…` id from the PROXY v2 header, or None.
        unproven: set when credentials came that prove nothing: the known user whose password they do not
            hold, or empty. It counts for no group, and refuses.
    """

    address: str
    port: int = 0
    user: str | None = None
    vpc_endpoint: str | None = None
    unproven: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A request head as the client sent it; nothing is normalised.

    Bytes are decoded as latin-1, so that every byte is one character.

    Args:
        method: as sent, case kept.
        scheme: "https" inside an intercepted tunnel, "http" in clear text.
        authority: that of an absolute-form target or of the URL; None for origin-form.
        target: origin-form part, raw: path and, after the first `?`, the query.
        headers: pairs in order, names as sent.
        connect: authority of the CONNECT as sent, None without a tunnel.
        sni: server name of the ClientHello as sent, None when absent or no TLS.
        client: who asks.
        now: the clock, time zone aware.
        http_version: as sent.
    """

    method: str
    scheme: str
    authority: str | None
    target: str
    headers: tuple[tuple[str, str], ...]
    connect: str | None
    sni: str | None
    client: Client
    now: datetime
    http_version: str = "HTTP/1.1"


@dataclass(frozen=True, slots=True)
class CopySourceReading:
    """The second resource of a copy: bucket (or access point ARN), key and version id."""

    bucket: str
    key: str
    version_id: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What could be read of a request: the fields of `explain --jsonl` and of the record.

    Every field is None when it does not apply or could not be read.
    """

    host: str | None = None
    bucket: str | None = None
    key: str | None = None
    style: str | None = None
    endpoint_class: str | None = None
    region: str | None = None
    partition: str | None = None
    operation: str | None = None
    copy_source: CopySourceReading | None = None
    access_key_id: str | None = None
    account: str | None = None


NOTHING_READ = Reading()
