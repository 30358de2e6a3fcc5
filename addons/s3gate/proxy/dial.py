"""What asyncio asks for addresses when it connects: it hands out the judged ones, or fails.

The normal case: the gate judged the addresses of one upstream connection and puts them
into the context of the task that dials; `loop.getaddrinfo` gives exactly those, asyncio
tries them in turn. No name is ever resolved here: without judged addresses for the very
name that is asked for, the look-up fails.
"""

import asyncio
import socket
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

AddressInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]


@dataclass(frozen=True, slots=True)
class Judged:
    """The addresses that one connection may go to.

    Args:
        host: the name they belong to.
        port: the port of the URL.
        addresses: textual, in the order to try.
        dial_port: the port that is really dialled.
    """

    host: str
    port: int
    addresses: tuple[str, ...]
    dial_port: int


_judged: ContextVar[Judged | None] = ContextVar("s3gate_judged", default=None)


def allow_dial(judged: Judged) -> None:
    """Let the current task connect to these addresses, and to nothing else."""
    _judged.set(judged)


async def judged_getaddrinfo(
    host: str | bytes | None,
    port: str | int | None,
    *,
    family: int = 0,
    type: int = 0,  # noqa: A002 - the signature of asyncio's loop.getaddrinfo
    proto: int = 0,
    flags: int = 0,
) -> list[AddressInfo]:
    """Stand in for `loop.getaddrinfo`: the judged addresses of the current task.

    Raises:
        socket.gaierror: the current task has none for this name and port.
    """
    del type
    if host is None and flags & socket.AI_PASSIVE:
        return _anywhere(port)
    judged = _judged.get()
    if judged is None or (judged.host, judged.port) != (host, port):
        raise socket.gaierror(
            socket.EAI_FAIL, "s3gate resolves no names here; only judged addresses are dialled"
        )
    infos: list[AddressInfo] = []
    for text in judged.addresses:
        version6 = isinstance(ip_address(text), IPv6Address)
        kind = socket.AF_INET6 if version6 else socket.AF_INET
        if family not in (0, kind):
            continue
        address = (text, judged.dial_port, 0, 0) if version6 else (text, judged.dial_port)
        infos.append((kind, socket.SOCK_STREAM, proto or socket.IPPROTO_TCP, "", address))
    if not infos:
        raise socket.gaierror(socket.EAI_NONAME, "no judged address of the wanted family")
    return infos


def _anywhere(port: str | int | None) -> list[AddressInfo]:
    """Where a server listens that names no host: no look-up is needed for that."""
    number = int(port or 0)
    kind, proto = socket.SOCK_STREAM, socket.IPPROTO_TCP
    return [
        (socket.AF_INET6, kind, proto, "", ("::", number, 0, 0)),
        (socket.AF_INET, kind, proto, "", ("0.0.0.0", number)),  # noqa: S104 - the caller asked for it
    ]


def seal_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Take the resolver away from an event loop; only judged addresses are left."""
    setattr(loop, "getaddrinfo", judged_getaddrinfo)  # noqa: B010 - mypy knows it as a method
