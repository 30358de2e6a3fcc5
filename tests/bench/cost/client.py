"""A keep-alive client over TLS, and many of them: what small requests and open tunnels are measured with.

Each request is signed as awscli's are (the origin does not check it) and asks for another key, so that no
proxy is measured on a request that it has just seen.
"""

import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

PATIENCE_S = 30.0  # seconds until a connection that does not move is an error
CHUNK = 256 << 10  # bytes of one send or receive
HEAD = 65_536  # bytes that any answer's head has at most
ZEROS = bytes(CHUNK)


class BadAnswerError(Exception):
    """An answer that is not the expected one."""


@dataclass(frozen=True)
class Route:
    """The way to a host.

    Args:
        address: of the proxy, or of the host itself.
        proxied: whether to CONNECT first.
        roots: PEM of what is trusted.
        host: whose name is asked for.
    """

    address: tuple[str, int]
    proxied: bool
    roots: Path
    host: str


@cache
def _context(roots: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(roots))


def connect(route: Route) -> ssl.SSLSocket:
    """A TLS connection to the host.

    Raises:
        BadAnswerError: the proxy refused the CONNECT.
        OSError: it could not be made.
    """
    raw = socket.create_connection(route.address, PATIENCE_S)
    try:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if route.proxied:
            _ask_for_tunnel(raw, route.host)
        return _context(route.roots).wrap_socket(raw, server_hostname=route.host)
    except BaseException:
        raw.close()
        raise


def _ask_for_tunnel(raw: socket.socket, host: str) -> None:
    raw.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += _some(raw)
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise BadAnswerError(head)


def signed(host: str, number: int) -> list[str]:
    """The headers of a request as awscli signs it over TLS; the signature is none."""
    now = datetime.now(UTC)
    scope = f"AKIAY34FZKBOKMUTVV7A/{now:%Y%m%d}/{host.split('.')[2]}/s3/aws4_request"
    names = "SignedHeaders=host;x-amz-content-sha256;x-amz-date"
    return [
        "Accept-Encoding: identity",
        "User-Agent: aws-cli/1.46.3 md/Botocore#1.43.62 ua/2.1 os/linux#6.1 md/arch#x86_64 lang/python#3.13.0",
        f"X-Amz-Date: {now:%Y%m%dT%H%M%SZ}",
        "X-Amz-Content-SHA256: UNSIGNED-PAYLOAD",
        f"Authorization: AWS4-HMAC-SHA256 Credential={scope}, {names}, Signature={number:064x}",
    ]


def request(host: str, number: int, method: str = "GET", path: str = "/keys/", *extra: str) -> bytes:
    """The head of a signed request for the key of that number."""
    lines = [f"{method} {path}{number} HTTP/1.1", f"Host: {host}", *signed(host, number), *extra]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def read_head(connection: ssl.SSLSocket) -> tuple[bytes, int, int]:
    """Its status line, the length of its body and how much of that came with the head.

    Raises:
        BadAnswerError: there is no answer, or none with a Content-Length.
    """
    got = b""
    while b"\r\n\r\n" not in got:
        got += _some(connection)
    head, _, body = got.partition(b"\r\n\r\n")
    length = head.lower().partition(b"\r\ncontent-length:")[2].split(b"\r\n")[0]
    status = head.partition(b"\r\n")[0]
    if not length and b" 204 " not in status:
        raise BadAnswerError(head)
    return status, int(length or 0), len(body)


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(HEAD)
    if not data:
        raise BadAnswerError("the connection was closed without an answer")
    return data


def ask(connection: ssl.SSLSocket, head: bytes) -> None:
    """One small request and its whole answer.

    Raises:
        BadAnswerError: the status is not 200.
    """
    connection.sendall(head)
    status, length, came = read_head(connection)
    while came < length:
        came += len(_some(connection))
    if b" 200 " not in status:
        raise BadAnswerError(status)


def new_connections(route: Route, count: int) -> list[float]:
    """So many times CONNECT, TLS, one small GET, one after the other; seconds of each."""
    times = []
    for number in range(count):
        head = request(route.host, number)
        started = time.perf_counter()
        with connect(route) as connection:
            ask(connection, head)
        times.append(time.perf_counter() - started)
    return times


def keep_alive(route: Route, count: int) -> list[float]:
    """So many small GETs on one connection, after a first one; seconds of each."""
    times = []
    heads = [request(route.host, number) for number in range(count + 1)]
    with connect(route) as connection:
        ask(connection, heads.pop())
        for head in heads:
            started = time.perf_counter()
            ask(connection, head)
            times.append(time.perf_counter() - started)
    return times


def shared_load(connections: Sequence[ssl.SSLSocket], host: str, at_once: int, count: int) -> int:
    """So many small GETs in all, shared by the connections, so many at the same time; how many were made."""
    each = count // len(connections)

    def serve(index: int) -> None:
        for number in range(each):
            ask(connections[index], request(host, index * each + number))

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(serve, range(len(connections))))
    return each * len(connections)


@contextmanager
def open_tunnels(route: Route, count: int, *, used: bool) -> Iterator[list[ssl.SSLSocket]]:
    """So many open tunnels, with one request made in each if `used`; closed at the end."""
    made: list[ssl.SSLSocket] = []
    try:
        for number in range(count):
            made.append(connect(route))
            if used:
                ask(made[-1], request(route.host, number))
        yield made
    finally:
        for connection in made:
            connection.close()
