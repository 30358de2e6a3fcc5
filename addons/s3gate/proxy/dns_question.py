"""The ordinary question: A and AAAA of one name, over one fresh UDP socket, to one nameserver.

The normal case: two datagrams go out, each with a random id, from a random port of a socket
that hears this nameserver alone (RFC 5452 §9); two whole answers come back within a round
trip and are read by dnspython. Whatever is out of the ordinary (silence, an error code, an
answer cut short or broken) is told as odd; dns.py then asks as dnspython's resolver does.
"""

import asyncio
import os
import socket
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Self

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
from dns.rdatatype import RdataType

from s3gate.s3.host import HostName

RESOLUTION_DELAY_S: Final = 0.05  # RFC 8305 §3: how long one family waits for the other
PATIENCE_S: Final = 1.0  # for the first answer; a nameserver of the same network needs milliseconds
KINDS: Final = (dns.rdatatype.A, dns.rdatatype.AAAA)
QUESTIONS_REMEMBERED: Final = 1024  # names whose two datagrams are kept: those of listed buckets
_ID_BYTES: Final = 2  # RFC 1035 §4.1.1; the header has 12 bytes, the question follows it
_HEADER_BYTES: Final = 12
_MOST_BYTES: Final = 65_535  # of a datagram


@dataclass(frozen=True, slots=True)
class Records:
    """What one family's answer holds.

    Args:
        addresses: in the order of the answer; none when the name has none of this family.
        ttl_s: the smallest time to live of the records used, seconds.
    """

    addresses: tuple[str, ...]
    ttl_s: int


@dataclass(slots=True)
class Answers:
    """What came to both questions.

    Args:
        found: by kind; a kind that is missing was late, or odd.
        odd: whether something came that must be asked for in another way.
    """

    found: dict[RdataType, Records] = field(default_factory=dict)
    odd: bool = False


async def ask_both(host: HostName, nameserver: tuple[str, int], patience_s: float) -> Answers:
    """Ask for both families; one that lags behind a good answer of the other is left out.

    Args:
        host: the name.
        nameserver: IP address and port.
        patience_s: how long to wait for the first answer, seconds.

    Returns:
        What came; nothing at all when the network fails.
    """
    try:
        with _Asking(host, nameserver) as asking:
            async with asyncio.timeout(patience_s):
                await asking.enough
            return asking.answers
    except (OSError, TimeoutError):
        return Answers()


class _Asking:
    """Two open questions.

    Args:
        host: the name.
        nameserver: IP address and port.

    Raises:
        OSError: they cannot be sent.
    """

    def __init__(self, host: HostName, nameserver: tuple[str, int]) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self.answers = Answers()
        self.enough: asyncio.Future[None] = self._loop.create_future()
        first = int.from_bytes(os.urandom(_ID_BYTES))
        ids = (first, first ^ 1)
        self._open = {number.to_bytes(_ID_BYTES): kind for number, kind in zip(ids, KINDS, strict=True)}
        self._host = host
        family = socket.AF_INET6 if ":" in nameserver[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.connect(nameserver)
            for number, kind in self._open.items():
                self._socket.send(number + _question(host, kind))
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        self._loop.add_reader(self._socket.fileno(), self._hear)
        return self

    def __exit__(self, *_raised: object) -> None:
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
        if self._timer is not None:
            self._timer.cancel()

    def _hear(self) -> None:
        """Take in what came, until both are answered, or one of them oddly."""
        try:
            while self._open and not self.answers.odd:
                self._take(self._socket.recv(_MOST_BYTES))
        except BlockingIOError:
            if self._timer is None and any(one.addresses for one in self.answers.found.values()):
                self._timer = self._loop.call_later(RESOLUTION_DELAY_S, self._end)
            return
        except OSError:  # nobody listens there
            self.answers.odd = True
        self._end()

    def _take(self, datagram: bytes) -> None:
        """Take in one datagram; one that answers no open question is nobody's."""
        kind = self._open.get(datagram[:_ID_BYTES])
        if kind is None or not datagram.startswith(
            _question(self._host, kind)[_HEADER_BYTES - _ID_BYTES :], 12
        ):
            return
        del self._open[datagram[:_ID_BYTES]]
        records = _read(datagram)
        if records is None:
            self.answers.odd = True
        else:
            self.answers.found[kind] = records

    def _end(self) -> None:
        if not self.enough.done():
            self.enough.set_result(None)


@lru_cache(QUESTIONS_REMEMBERED)
def _question(host: HostName, kind: RdataType) -> bytes:
    """A whole question but for its id, which comes first."""
    return dns.message.make_query(dns.name.from_text(host, dns.name.root), kind).to_wire()[_ID_BYTES:]


def _read(datagram: bytes) -> Records | None:
    """The records at the end of an answer's chain of aliases; None of an error or half an answer."""
    try:
        message = dns.message.from_wire(datagram, raise_on_truncation=True)
        if not isinstance(message, dns.message.QueryMessage) or message.rcode() != dns.rcode.NOERROR:
            return None
        chain = message.resolve_chaining()
    except (dns.exception.DNSException, ValueError):
        return None
    return Records(tuple(record.address for record in chain.answer or ()), chain.minimum_ttl)
