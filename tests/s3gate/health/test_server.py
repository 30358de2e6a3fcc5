"""The health server answers its pages and nothing else."""

import socket
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from s3gate.health.server import HealthServer, Page


@pytest.fixture
def server() -> Iterator[HealthServer]:
    served = HealthServer("127.0.0.1", 0, {"/livez": lambda: Page(200, "text/plain", b"ok\n")})
    yield served
    served.close()


def ask(server: HealthServer, method: str, path: str) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_a_page_is_answered(server: HealthServer) -> None:
    assert ask(server, "GET", "/livez") == (200, b"ok\n")
    assert ask(server, "GET", "/livez?x=1") == (200, b"ok\n")


def test_head_has_no_body(server: HealthServer) -> None:
    assert ask(server, "HEAD", "/livez") == (200, b"")


def test_other_paths_are_not_found(server: HealthServer) -> None:
    assert ask(server, "GET", "/metrics")[0] == 404


def test_other_methods_are_refused(server: HealthServer) -> None:
    assert ask(server, "POST", "/livez")[0] == 501


def test_a_closed_server_lets_go_of_its_port(server: HealthServer) -> None:
    port = server.port
    server.close()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_each_answer_is_told() -> None:
    told: list[tuple[str, str, int]] = []
    server = HealthServer(
        "127.0.0.1", 0, {"/livez": lambda: Page(200, "text/plain", b"ok\n")}, lambda *one: told.append(one)
    )
    try:
        ask(server, "GET", "/livez?x")
        ask(server, "GET", "/other")
    finally:
        server.close()
    assert told == [("/livez", "127.0.0.1", 200), ("/other", "127.0.0.1", 404)]


LOCAL = b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
PROXY = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes(range(12))
REQUEST = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        pytest.param(LOCAL + REQUEST, True, id="a load balancer's own check"),
        pytest.param(PROXY + REQUEST, True, id="a check that names addresses"),
        pytest.param(LOCAL[:-2] + b"\x04\x00" + bytes(1024) + REQUEST, True, id="the longest"),
        pytest.param(LOCAL[:-2] + b"\x04\x01" + bytes(1025) + REQUEST, False, id="longer than that"),
        pytest.param(LOCAL[:8], False, id="cut off"),
        pytest.param(PROXY[:-1], False, id="cut off in its addresses"),
        pytest.param(b"\r\n" + REQUEST, False, id="something that only begins like one"),
        pytest.param(b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n" + REQUEST, False, id="version 1"),
    ],
)
def test_a_proxy_header_before_the_request_is_skipped(
    server: HealthServer, sent: bytes, *, answered: bool
) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 5) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        got = b""
        while piece := client.recv(4096):
            got += piece
    assert (b" 200 " in got) is answered


def test_a_proxy_header_may_come_in_pieces(server: HealthServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 5) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(PROXY)):
            client.sendall(PROXY[at : at + 1])
        client.sendall(REQUEST)
        assert client.recv(4096).startswith(b"HTTP/1.0 200 ")
