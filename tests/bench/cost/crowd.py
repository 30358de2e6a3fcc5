"""Many transfers at the same time, for the memory they take: downloads, uploads, and uploads that are refused.

All start together. Each thread repeats its transfer until the crowd's time is over, or makes it once and
whole. What was moved is counted in bytes, so that a figure can say how much of the objects it saw.
"""

import select
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.cost.client import CHUNK, ZEROS, BadAnswerError, Route, connect, read_head, request

NOBODY_STARTS_S = 120.0  # seconds until all connections must be open
REFUSED_S = 20.0  # seconds that a refused client goes on sending when nobody stops it


@dataclass(frozen=True)
class Moved:
    """What a crowd did.

    Args:
        transfers: that came to their end.
        received: bytes of bodies.
        sent: bytes of bodies.
        broken: transfers that ended with an error.
        seconds: from the start of the first to the end of the last.
        answer_s: of refused uploads: the longest time from the head to the answer's head.
        why: what the first broken transfer ended with.
    """

    transfers: int
    received: int
    sent: int
    broken: int
    seconds: float
    answer_s: float = 0.0
    why: str = ""


class _Tally:
    """Counts of all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.transfers = self.received = self.sent = self.broken = 0
        self.answer_s = 0.0
        self.why = ""

    def add(
        self,
        *,
        received: int = 0,
        sent: int = 0,
        ended: int = 0,
        broken: int = 0,
        answer_s: float = 0.0,
        why: str = "",
    ) -> None:
        with self._lock:
            self.received += received
            self.sent += sent
            self.transfers += ended
            self.broken += broken
            self.answer_s = max(self.answer_s, answer_s)
            self.why = self.why or why


def download(route: Route, path: str, count: int, seconds: float | None) -> Moved:
    """So many clients get the object of that path, again and again for so long, or once and whole."""

    def once(connection: ssl.SSLSocket, number: int, until: float, tally: _Tally) -> bool:
        connection.sendall(request(route.host, number, "GET", path))
        status, length, came = read_head(connection)
        if b" 200 " not in status:
            raise BadAnswerError(status)
        tally.add(received=came)
        buffer = bytearray(CHUNK)
        while came < length and time.monotonic() < until:
            got = connection.recv_into(buffer, CHUNK)
            if not got:
                raise BadAnswerError(f"closed after {came} of {length} bytes")
            came += got
            tally.add(received=got)
        return came == length

    return _crowd(route, count, seconds, once)


def upload(route: Route, path: str, size: int, count: int, seconds: float | None) -> Moved:
    """So many clients put an object of that size, again and again for so long, or once and whole."""

    def once(connection: ssl.SSLSocket, number: int, until: float, tally: _Tally) -> bool:
        connection.sendall(request(route.host, number, "PUT", path, f"Content-Length: {size}"))
        left = size
        while left and time.monotonic() < until:
            piece = ZEROS[: min(left, CHUNK)]
            connection.sendall(piece)
            left -= len(piece)
            tally.add(sent=len(piece))
        if left:
            return False
        status, _, _ = read_head(connection)
        if not status.startswith(b"HTTP/1.1 2"):
            raise BadAnswerError(status)
        return True

    return _crowd(route, count, seconds, once)


def refused_upload(route: Route, size: int, count: int) -> Moved:
    """So many clients put an object that is refused, and go on sending whatever they are told.

    Each sends until all is sent, it is cut off, or `REFUSED_S` are over.
    """

    def once(connection: ssl.SSLSocket, number: int, _until: float, tally: _Tally) -> bool:
        connection.sendall(request(route.host, number, "PUT", "/", f"Content-Length: {size}"))
        started = time.monotonic()
        connection.setblocking(False)
        watch = select.poll()
        watch.register(connection, select.POLLIN | select.POLLOUT)
        left, answer = size, b""
        while (left or not answer) and time.monotonic() < started + REFUSED_S:
            watch.poll(1000)
            came = _read_what_is_there(connection)
            if came and not answer:
                tally.add(answer_s=time.monotonic() - started)
            answer += came or b""
            if came == b"":
                break
            try:
                done = connection.send(ZEROS[: min(left, CHUNK)]) if left else 0
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                continue
            except OSError:
                answer += _read_what_is_there(connection) or b""
                break
            left -= done
            tally.add(sent=done)
            if not left:
                watch.modify(connection, select.POLLIN)
        if not answer.startswith(b"HTTP/1.1 403 "):
            raise BadAnswerError(f"an upload that must be refused was answered `{answer[:40]!r}`")
        tally.add(ended=1)
        return False

    return _crowd(route, count, 0.0, once)


def _read_what_is_there(connection: ssl.SSLSocket) -> bytes | None:
    """What came; nothing when it was closed, None when there is nothing yet."""
    try:
        return connection.recv(CHUNK)
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return None
    except OSError:
        return b""


def _crowd(
    route: Route,
    count: int,
    seconds: float | None,
    once: Callable[[ssl.SSLSocket, int, float, _Tally], bool],
) -> Moved:
    """Open all connections, then let all start together; each repeats until the time is over."""
    tally = _Tally()
    times: list[float] = []  # of the start and of the end

    def begin() -> None:
        started = time.monotonic()
        times[:] = [started, float("inf") if seconds is None else started + seconds]

    ready = threading.Barrier(count, begin)

    def run(number: int) -> None:
        try:
            with connect(route) as connection:
                ready.wait(NOBODY_STARTS_S)
                turn = 0
                while once(connection, number + turn * count, times[1], tally):
                    tally.add(ended=1)
                    turn += 1
                    if seconds is None or time.monotonic() >= times[1]:
                        break
        except (OSError, BadAnswerError, threading.BrokenBarrierError) as exc:
            tally.add(broken=1, why=f"{type(exc).__name__}: {exc}")
            ready.abort()

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended = time.monotonic() - times[0] if times else 0.0
    return Moved(tally.transfers, tally.received, tally.sent, tally.broken, ended, tally.answer_s, tally.why)
