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
