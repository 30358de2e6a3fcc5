"""Sends one attack to a proxy, whatever proxy that is, and tells what came back."""

import asyncio
import contextlib
import re
import ssl
from dataclasses import dataclass

from bypass.attack import RAW, SAME, Attack
from bypass.hello_bytes import client_hello, server_name

PATIENCE_S = 1.0  # the client has its answer or a close by then
NEVER_MIND = (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)


@dataclass
class Outcome:
    """What a client saw.

    Args:
        answer: bytes behind the answer to its CONNECT, or that answer itself when it was refused.
        ended: whether the proxy closed; else only an answer came, or nothing.
        seconds: until then.
    """

    answer: bytes = b""
    ended: bool = False
    seconds: float = 0.0


def lenient_context() -> ssl.SSLContext:
    """A client that takes any certificate: an attacker does not mind."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


# A name that Python's ssl sends as it stands.
ORDINARY = re.compile(r"(?:[a-z0-9_-]{1,63}\.)+[a-z]{2,63}", re.ASCII | re.IGNORECASE)
CONTEXT = lenient_context()


async def attack_proxy(
    attack: Attack, port: int, quiet_s: float | None = None, patience_s: float = PATIENCE_S
) -> Outcome:
    """Send an attack to the proxy on a loopback port.

    Args:
        attack: the row.
        port: of the proxy.
        patience_s: the longest wait.
        quiet_s: an answer followed by so much silence ends it too (for proxies that keep connections).
    """
    started = asyncio.get_running_loop().time()
    outcome = Outcome()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(patience_s):
            with contextlib.suppress(*NEVER_MIND):
                await _play(attack, reader, writer, outcome, quiet_s)
            outcome.ended = True
    except TimeoutError:
        pass
    finally:
        outcome.seconds = asyncio.get_running_loop().time() - started
        writer.transport.abort()
        with contextlib.suppress(OSError, ssl.SSLError):
            await writer.wait_closed()
    return outcome


async def _play(
    attack: Attack,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    outcome: Outcome,
    quiet_s: float | None,
) -> None:
    if attack.connect is not None:
        target = attack.connect.encode("utf-8", "surrogateescape")
        writer.write(b"CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (target, target))
        outcome.answer = await reader.readuntil(b"\r\n\r\n")
        if not outcome.answer.startswith(b"HTTP/1.1 200 "):
            return
        outcome.answer = b""
        if attack.sni != RAW and not await _start_tls(attack, writer):
            outcome.answer = await reader.read()
            return
    writer.write(attack.send)
    while True:
        wait = quiet_s if outcome.answer else None
        try:
            async with asyncio.timeout(wait):
                piece = await reader.read(1 << 16)
        except TimeoutError:
            if wait is None:
                raise
            return
        if not piece:
            return
        outcome.answer += piece


async def _start_tls(attack: Attack, writer: asyncio.StreamWriter) -> bool:
    """Begin TLS; a name that no library would send goes out by hand, and nothing can follow it."""
    name = (attack.connect or "").rpartition(":")[0].lower() if attack.sni == SAME else attack.sni
    if name is None or ORDINARY.fullmatch(name):
        await writer.start_tls(CONTEXT, server_hostname=name)
        return True
    writer.write(client_hello(server_name(name.encode("utf-8", "surrogateescape"))))
    return False
