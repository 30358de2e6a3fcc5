"""A small TLS server that behaves as the origin does, on a port of its own."""

import re
import socket
import ssl
import threading
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from bench.cost.client import Route
from bench.cost.origin import HOST
from s3gate.proxy.authority import Authority
from s3gate.s3.host import HostName

BODY = b"x" * 1024
BIG = 3 << 20
DISCARDED = 8 << 20  # bytes of a refused body, before it closes


class Server:
    """Answers GETs with a body, takes PUTs, refuses those to the root, and counts; in threads, until it is closed."""

    def __init__(self, directory: Path) -> None:
        authority = Authority.generate(datetime.now(UTC))
        leaf = authority.sign_leaf(HostName(HOST), datetime.now(UTC))
        key = leaf.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        pem = directory / "leaf.pem"
        pem.write_bytes(leaf.certificate.public_bytes(serialization.Encoding.PEM) + key)
        self.roots = directory / "roots.pem"
        self.roots.write_bytes(authority.certificate_pem())
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(pem)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.heads: list[bytes] = []
        self.status = b"200 OK"
        threading.Thread(target=self._accept, daemon=True).start()

    def route(self, *, proxied: bool = False) -> Route:
        """The way to it; proxied: it plays the proxy, too."""
        address: tuple[str, int] = self._listener.getsockname()
        return Route(address, proxied, self.roots, HOST)

    def close(self) -> None:
        """No more connections."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        with raw:
            if raw.recv(1, socket.MSG_PEEK) == b"C":  # CONNECT; a ClientHello starts with 22
                self.heads.append(raw.recv(65_536))
                raw.sendall(b"HTTP/1.1 " + self.status + b"\r\n\r\n")
            try:
                with self._context.wrap_socket(raw, server_side=True) as connection:
                    while self._answer(connection):
                        pass
            except OSError:
                return  # the client is gone

    def _answer(self, connection: ssl.SSLSocket) -> bool:
        got = b""
        while b"\r\n\r\n" not in got:
            data = connection.recv(65_536)
            if not data:
                return False
            got += data
        head, _, body = got.partition(b"\r\n\r\n")
        self.heads.append(head)
        if re.match(rb"PUT /[0-9]+ ", head):
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            left = DISCARDED
            while left > 0 and (data := connection.recv(65_536)):
                left -= len(data)
            return False
        if head.startswith(b"PUT "):
            left = int(head.lower().partition(b"content-length:")[2].split()[0]) - len(body)
            while left:
                left -= len(connection.recv(min(left, 65_536)))
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            return True
        answer = bytes(BIG) if b" /big/" in head else BODY
        connection.sendall(
            b"HTTP/1.1 "
            + self.status
            + b"\r\nContent-Length: "
            + str(len(answer)).encode()
            + b"\r\n\r\n"
            + answer
        )
        return True
