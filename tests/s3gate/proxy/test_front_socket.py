"""The shared port: several sockets on one, and an end at which nobody is reset."""

import select
import socket
from contextlib import ExitStack

import pytest

from s3gate.proxy.front_socket import open_socket, refuse_handshakes

CLIENTS = 40


def accept_all(sock: socket.socket) -> int:
    sock.setblocking(False)
    count = 0
    while True:
        try:
            sock.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


def test_a_port_can_be_shared() -> None:
    with open_socket("127.0.0.1", 0) as one, open_socket("127.0.0.1", one.getsockname()[1]) as other:
        assert one.getsockname() == other.getsockname()


def test_a_port_of_somebody_else_cannot() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        open_socket("127.0.0.1", taken.getsockname()[1])


def test_it_binds_ipv6() -> None:
    with open_socket("::1", 0) as sock:
        assert sock.family == socket.AF_INET6


def test_no_handshake_begins_at_a_socket_that_ends() -> None:
    """What its kernel let in before stays; what comes after goes to the other one, a second later."""
    with ExitStack() as stack:
        ending = stack.enter_context(open_socket("127.0.0.1", 0))
        where = ending.getsockname()
        staying = stack.enter_context(open_socket(*where))
        ending.listen(CLIENTS)
        stack.enter_context(socket.create_connection(where, 5))
        assert refuse_handshakes(ending)
        staying.listen(CLIENTS)
        late = [stack.enter_context(socket.socket()) for _ in range(CLIENTS)]
        for one in late:
            one.setblocking(False)
            one.connect_ex(where)
        assert accept_all(ending) == 1
        ending.close()
        for one in late:  # the kernel sends the SYN again
            assert select.select([], [one], [], 5)[1] == [one]
            assert one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def test_a_socket_without_filters_is_told() -> None:
    sock = open_socket("127.0.0.1", 0)
    sock.close()
    assert not refuse_handshakes(sock)
