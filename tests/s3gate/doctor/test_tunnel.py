"""CONNECT against proxies that agree, refuse, babble and hang up."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from one_answer import one_answer
from s3gate.doctor.tunnel import HEAD_BYTES, NoTunnel, open_tunnel
from s3gate.doctor.way import Proxy, parse_proxy


def test_what_follows_the_head_is_left_for_tls() -> None:
    with one_answer(b"HTTP/1.1 200 Connection established\r\nx: y\r\n\r\nTLS") as url:
        tunnel = open_tunnel(parse_proxy(url), "b.example")
        with tunnel.socket as connection:
            assert connection.recv(10) == b"TLS"
    assert tunnel.host == "b.example"


@pytest.mark.parametrize(
    ("answer", "status", "told"),
    [
        pytest.param(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", 407, "407 Proxy", id="password"),
        pytest.param(
            b"HTTP/1.1 403 X\r\nX-S3gate-Reason: REGION_NOT_ALLOWED\r\n\r\n", 403, "REGION_NOT", id="a gate"
        ),
        pytest.param(b"HTTP/1.0 502\r\n\r\n", 502, "answered 502", id="no phrase"),
        pytest.param(b"SSH-2.0-OpenSSH\r\n\r\n", 0, "no HTTP proxy", id="another protocol"),
        pytest.param(b"", 0, "no HTTP proxy", id="nothing"),
        pytest.param(b"x" * (HEAD_BYTES + 9), 0, "no HTTP proxy", id="a head without end"),
    ],
)
def test_no_tunnel(answer: bytes, status: int, told: str) -> None:
    with one_answer(answer) as url, pytest.raises(NoTunnel, match=told) as caught:
        open_tunnel(parse_proxy(url), "b.example")
    assert caught.value.status == status


@contextmanager
def listening() -> Iterator[tuple[Proxy, list[bytes]]]:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                heard.append(connection.recv(65_536))

        thread = threading.Thread(target=serve)
        thread.start()
        yield Proxy("127.0.0.1", server.getsockname()[1], "Basic dTpw"), heard
        thread.join()


def test_user_and_password_are_told_to_the_proxy_alone() -> None:
    with listening() as (proxy, heard), pytest.raises(NoTunnel) as caught:
        open_tunnel(proxy, "b.example")
    assert heard[0].startswith(b"CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\n")
    assert b"\r\nProxy-Authorization: Basic dTpw\r\n" in heard[0]
    assert "dTpw" not in str(caught.value)


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        proxy = Proxy("127.0.0.1", server.getsockname()[1])
    with pytest.raises(ConnectionRefusedError):
        open_tunnel(proxy, "b.example")
