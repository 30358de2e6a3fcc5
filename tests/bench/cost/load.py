"""What the clients do: curl for bulk, a raw keep-alive client for small requests, many tunnels for memory."""

import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.cost.origin import ADDRESS, EVIL, HOST
from bench.cost.proxies import Proxy

SMALL = f"GET /small HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
PATIENCE_S = 60.0


def curl(proxy: Proxy, *arguments: str) -> float:
    """Run curl once; wall seconds."""
    way = ["--resolve", f"{HOST}:443:{ADDRESS}"]
    if proxy.port is not None:
        way = ["--proxy", f"http://127.0.0.1:{proxy.port}"]
    command = [
        "curl",
        "-sS",
        "-f",
        "--http1.1",
        "-o",
        os.devnull,
        "--cacert",
        str(proxy.roots),
        *way,
        *arguments,
    ]
    started = time.perf_counter()
    subprocess.run(command, check=True, timeout=PATIENCE_S)
    return time.perf_counter() - started


def open_tunnel(proxy: Proxy, host: str = HOST) -> ssl.SSLSocket:
    """A TLS connection to the origin, through the proxy."""
    if proxy.port is None:
        raw = socket.create_connection((ADDRESS, 443), PATIENCE_S)
    else:
        raw = socket.create_connection(("127.0.0.1", proxy.port), PATIENCE_S)
        raw.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
        answer = raw.recv(4096)
        if b" 200 " not in answer:
            raise AssertionError(answer)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _context(proxy.roots).wrap_socket(raw, server_hostname=host)


_contexts: dict[Path, ssl.SSLContext] = {}


def _context(roots: Path) -> ssl.SSLContext:
    if roots not in _contexts:
        _contexts[roots] = ssl.create_default_context(cafile=str(roots))
    return _contexts[roots]


def ask(connection: ssl.SSLSocket, request: bytes = SMALL) -> None:
    """One small request and its whole answer."""
    connection.sendall(request)
    got = connection.recv(65_536)
    while b"\r\n\r\n" not in got:
        got += connection.recv(65_536)
    head, _, body = got.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise AssertionError(head)
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65_536)


def new_connections(proxy: Proxy, count: int) -> list[float]:
    """So many times CONNECT, TLS, one small GET; seconds of each."""
    times = []
    for _ in range(count):
        started = time.perf_counter()
        with open_tunnel(proxy) as connection:
            ask(connection)
        times.append(time.perf_counter() - started)
    return times


def keep_alive(proxy: Proxy, count: int) -> list[float]:
    """So many small GETs on one connection; seconds of each."""
    times = []
    with open_tunnel(proxy) as connection:
        ask(connection)
        for _ in range(count):
            started = time.perf_counter()
            ask(connection)
            times.append(time.perf_counter() - started)
    return times


def tunnels(proxy: Proxy, count: int, *, used: bool) -> list[ssl.SSLSocket]:
    """So many open tunnels, with a request each if `used`."""
    made = []
    for _ in range(count):
        connection = open_tunnel(proxy)
        if used:
            ask(connection)
        made.append(connection)
    return made


def denied_uploads(proxy: Proxy, count: int) -> None:
    """So many refused uploads of 5 GiB at once: each sends until it is stopped."""
    made = [open_tunnel(proxy, EVIL) for _ in range(count)]
    for connection in made:
        connection.sendall(f"PUT /k HTTP/1.1\r\nHost: {EVIL}\r\nContent-Length: {5 << 30}\r\n\r\n".encode())
    for connection in made:
        try:
            for _ in range(16):
                connection.sendall(bytes(1 << 16))
        except OSError:
            continue
    for connection in made:
        connection.close()


def sync(proxy: Proxy, prefix: str, target: Path) -> float:
    """`aws s3 sync` of a prefix; wall seconds."""
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_CA_BUNDLE": str(proxy.roots),
        "AWS_DEFAULT_REGION": HOST.split(".")[2],
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "HOME": str(target),
    }
    if proxy.port is not None:
        environment["HTTPS_PROXY"] = f"http://127.0.0.1:{proxy.port}"
    command = _aws("s3", "sync", f"s3://good-bucket/{prefix}", str(target), "--no-sign-request", "--quiet")
    started = time.perf_counter()
    subprocess.run(command, check=True, env=environment, timeout=10 * PATIENCE_S)
    return time.perf_counter() - started


def _aws(*arguments: str) -> Sequence[str]:
    return [sys.executable, str(Path(sys.executable).with_name("aws")), *arguments]
