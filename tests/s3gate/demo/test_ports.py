"""Free ports."""

import socket

from s3gate.demo.ports import free_ports


def test_they_are_different_and_free() -> None:
    ports = free_ports(3)
    assert len(set(ports)) == 3
    for port in ports:
        with socket.create_server(("127.0.0.1", port)):
            pass
