"""CONNECT to a proxy: the socket behind it, or what the proxy said instead.

The normal case: `200`, and TLS may begin. Nothing is sent inside that the proxy would have
to judge.
"""

import re
import socket
from dataclasses import dataclass
from typing import Final

from s3gate.doctor.bounded import STEP_S
from s3gate.doctor.way import Proxy

HEAD_BYTES: Final = 65_536  # of the proxy's answer; the gate's own has under 2 KiB
OK: Final = 200
# status-line = HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112 section 4)
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: ([^\r\n]*))?", re.ASCII)
_REASON: Final = re.compile(rb"\nx-s3gate-reason: *([A-Z_]{1,64})\r?\n", re.ASCII | re.IGNORECASE)


class NoTunnel(Exception):
    """The proxy was reached and did not open a tunnel."""

    def __init__(self, status: int, told: str) -> None:
        super().__init__(f"the proxy answered {status} {told}".strip() if status else told)
        self.status = status


@dataclass(frozen=True, slots=True)
class Tunnel:
    """An open tunnel.

    Args:
        socket: behind the CONNECT, with a time-out.
        host: that was asked for.
    """

    socket: socket.socket
    host: str


def open_tunnel(proxy: Proxy, host: str, port: int = 443) -> Tunnel:
    """Ask a proxy for a tunnel.

    Args:
        proxy: the proxy.
        host: name of the other end.
        port: TCP port there.

    Raises:
        NoTunnel: the answer is none that opens one.
        OSError: the proxy was not reached, or broke off.
    """
    connection = socket.create_connection((proxy.host, proxy.port), timeout=STEP_S)
    try:
        lines = [f"CONNECT {host}:{port} HTTP/1.1", f"Host: {host}:{port}"]
        if proxy.authorization is not None:
            lines.append(f"Proxy-Authorization: {proxy.authorization}")
        connection.sendall("\r\n".join((*lines, "", "")).encode("ascii"))
        head = _read_head(connection)
    except BaseException:
        connection.close()
        raise
    found = _STATUS.match(head)
    if found is not None and int(found[1]) == OK:
        return Tunnel(connection, host)
    connection.close()
    if found is None:
        raise NoTunnel(0, "what answers there is no HTTP proxy")
    reason = _REASON.search(head)
    told = (reason[1] if reason else found[2] or b"").decode("ascii", "replace")
    raise NoTunnel(int(found[1]), told)


def _read_head(connection: socket.socket) -> bytes:
    """One byte at a time beyond the usual: what follows the head belongs to TLS."""
    head = b""
    while not head.endswith(b"\r\n\r\n") and len(head) < HEAD_BYTES:
        piece = connection.recv(1)
        if not piece:
            break
        head += piece
    return head
