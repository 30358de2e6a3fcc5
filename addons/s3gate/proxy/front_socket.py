"""The socket that clients connect to: one port for several processes, and an end that loses nobody.

The normal case: each process binds its own socket to the same port (SO_REUSEPORT), and
the kernel shares connections out among them. At the end a process first stops new
handshakes, takes in whoever is through already, and only then closes: closing alone
would reset connections that the kernel had accepted for it. A SYN that is not answered
comes again after a second, and then belongs to another process.

Sources: socket(7) SO_REUSEPORT, SO_ATTACH_FILTER; RFC 9293 section 3.1 for the flags; RFC 6298
section 2.1 for the second. Linux lets only processes of one user share a port.
"""

import ctypes
import socket
import struct
from typing import Final

BACKLOG: Final = 1024  # connections that the kernel holds while we are busy; SOMAXCONN caps it
HANDSHAKE_S: Final = 0.25  # for handshakes that have begun: a round trip across an ocean

_SO_ATTACH_FILTER: Final = 26  # asm-generic/socket.h; the socket module does not name it
# A classic BPF program over the TCP header (linux/filter.h): flags are its 14th byte;
# SYN without ACK is dropped, everything else passes.
_SYN, _ACK, _FLAGS_AT = 0x02, 0x10, 13
_DROP_SYN: Final = b"".join(
    struct.pack("HBBI", *one)
    for one in (
        (0x30, 0, 0, _FLAGS_AT),  # load that byte
        (0x54, 0, 0, _SYN | _ACK),  # keep the two flags
        (0x15, 0, 1, _SYN),  # SYN alone?
        (0x06, 0, 0, 0),  # drop
        (0x06, 0, 0, 0xFFFFFFFF),  # keep whole
    )
)


def open_socket(host: str, port: int) -> socket.socket:
    """A socket bound to an address that other processes of this user may share; it does not listen yet.

    Args:
        host: textual address.
        port: TCP port, 0 for a free one.

    Raises:
        OSError: it cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sets TCP_NODELAY on no other socket: without it an answer that
    # follows the session tickets waits for the client's delayed ACK (measured: 40 ms a new connection).
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock


def refuse_handshakes(sock: socket.socket) -> bool:
    """Let no new handshake begin on a listening socket; those that have begun end well.

    Returns:
        Whether the kernel does so; if not, a connection may be reset when the socket is closed.
    """
    program = ctypes.create_string_buffer(_DROP_SYN, len(_DROP_SYN))
    pointer = struct.pack("HL", len(_DROP_SYN) // 8, ctypes.addressof(program))
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, pointer)
    except OSError:
        return False
    return True
