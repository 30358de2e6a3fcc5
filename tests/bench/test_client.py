"""The load generator asks what it says, as often as it says, and believes no wrong answer."""

import pytest

from bench.cost.client import (
    BadAnswerError,
    connect,
    keep_alive,
    new_connections,
    open_tunnels,
    request,
    shared_load,
)
from bench.cost.crowd import download, refused_upload, upload
from bench.cost.origin import HOST
from bench.cost.samples import told
from bench.local_server import BIG, Server

MIB = 1 << 20


def test_keep_alive_asks_for_another_key_each_time(server: Server) -> None:
    times = keep_alive(server.route(), 20)
    lines = [head.split(b"\r\n")[0] for head in server.heads]
    assert len(times) == 20
    assert len(set(lines)) == len(lines) == 21  # the first is not measured
    assert all(b"Authorization: AWS4-HMAC-SHA256 Credential=" in head for head in server.heads)


def test_each_new_connection_asks_for_its_tunnel(server: Server) -> None:
    assert len(new_connections(server.route(proxied=True), 3)) == 3
    assert sum(head.startswith(f"CONNECT {HOST}:443 HTTP/1.1".encode()) for head in server.heads) == 3
    assert sum(head.startswith(b"GET ") for head in server.heads) == 3


def test_a_refused_tunnel_is_an_error(server: Server) -> None:
    server.status = b"403 BUCKET_NOT_LISTED"
    with pytest.raises(BadAnswerError, match="403 BUCKET_NOT_LISTED"):
        connect(server.route(proxied=True))


def test_an_answer_that_is_not_200_is_an_error(server: Server) -> None:
    server.status = b"503 Service Unavailable"
    with pytest.raises(BadAnswerError, match="503"):
        keep_alive(server.route(), 1)


def test_open_tunnels_ask_only_when_they_are_used(server: Server) -> None:
    with open_tunnels(server.route(), 4, used=False) as made:
        assert (len(made), server.heads) == (4, [])
    with open_tunnels(server.route(), 4, used=True):
        assert len(server.heads) == 4


def test_a_shared_load_is_shared(server: Server) -> None:
    with open_tunnels(server.route(), 4, used=False) as connections:
        assert shared_load(connections, HOST, 2, 22) == 20  # whole turns only
    assert len({head.split(b"\r\n")[0] for head in server.heads}) == 20


def test_a_request_ends_its_head_and_has_what_is_added() -> None:
    head = request(HOST, 7, "PUT", "/up/", "Content-Length: 5")
    assert head.startswith(b"PUT /up/7 HTTP/1.1\r\nHost: " + HOST.encode())
    assert head.endswith(b"Content-Length: 5\r\n\r\n")


def test_a_crowd_moves_whole_objects(server: Server) -> None:
    moved = download(server.route(), "/big/", 3, None)
    assert (moved.transfers, moved.received, moved.broken) == (3, 3 * BIG, 0)


def test_a_crowd_stops_when_its_time_is_over(server: Server) -> None:
    moved = upload(server.route(), "/up/", 1 << 40, 2, 0.05)
    assert (moved.transfers, moved.broken) == (0, 0)
    assert 0 < moved.sent < 1 << 40


def test_a_crowd_repeats_until_its_time_is_over(server: Server) -> None:
    moved = upload(server.route(), "/up/", 1000, 2, 0.2)
    assert moved.transfers > 2
    assert moved.sent >= 1000 * moved.transfers


def test_a_refused_crowd_goes_on_sending_and_counts_the_answers(server: Server) -> None:
    moved = refused_upload(server.route(), 100 * MIB, 3)
    assert (moved.transfers, moved.broken) == (3, 0), moved.why
    assert moved.answer_s > 0


def test_an_upload_that_was_not_refused_is_no_refusal(server: Server) -> None:
    moved = download(server.route(), "/keys/", 2, None)
    assert (moved.transfers, moved.broken) == (2, 0)
    server.status = b"404 Not Found"
    moved = download(server.route(), "/keys/", 2, None)
    assert moved.transfers == 0
    assert "404" in moved.why
    assert "broke off" in told(moved, 2)
