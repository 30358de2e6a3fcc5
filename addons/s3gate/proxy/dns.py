"""Fresh names: each upstream connection asks the nameservers anew; nothing is cached.

The normal case: A and AAAA of one absolute name are asked at once over UDP, a CNAME
chain is followed within the answer, the addresses come back with the smallest TTL.
What that does not answer, dnspython's resolver asks for: every nameserver, again, over TCP.
The search list is never used: it would ask for other names than the judged one.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from time import monotonic
from typing import Final, Protocol

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver

from s3gate.proxy.dns_question import KINDS, PATIENCE_S, RESOLUTION_DELAY_S, Records, ask_both
from s3gate.s3.host import HostName

DNS_PORT: Final = 53  # RFC 1035 §4.2
MAX_PORT: Final = 65_535
MAX_ADDRESSES: Final = 64  # of one answer; S3 gives up to 8 of each family

# What dnspython raises → what is told. First match wins.
_FAILURES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (dns.resolver.NXDOMAIN, "does not exist"),
    (dns.resolver.LifetimeTimeout, "was not answered in time"),
    (dns.resolver.NoNameservers, "was refused or failed at every nameserver"),
    (dns.exception.DNSException, "has no usable answer"),
    (OSError, "could not be asked: the network failed"),
)


class DnsFailure(Exception):
    """A name has no addresses now; the message says why, in one lower-case sentence."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """One fresh answer.

    Args:
        addresses: textual addresses, IPv4 first, in the order of the answer.
        ttl_s: the smallest time to live of the records used, seconds.
    """

    addresses: tuple[str, ...]
    ttl_s: int


class Resolver(Protocol):
    """Knows where names are: the one below, or a stand-in of a test."""

    async def resolve(self, host: HostName) -> Resolved:
        """Ask for a name now.

        Raises:
            DnsFailure: it has no addresses.
        """
        ...


class FreshResolver:
    """Asks the configured nameservers directly.

    Args:
        nameservers: `host` or `host:port`, host an IP address; empty: those of the system.
        timeout_s: of one resolution, seconds.

    Raises:
        ValueError: a nameserver is not an address with an optional port, or the system has none.
    """

    def __init__(self, nameservers: Sequence[str], timeout_s: float) -> None:
        try:
            self._resolver = dns.asyncresolver.Resolver(configure=not nameservers)
        except dns.resolver.NoResolverConfiguration as exc:
            raise ValueError("the system names no nameserver; set `dns.nameservers`") from exc
        self._resolver.cache = None
        self._resolver.search = []
        self._resolver.use_search_by_default = False
        self._timeout_s = timeout_s
        if nameservers:
            pairs = [_split(text) for text in nameservers]
            self._resolver.nameservers = [dns.nameserver.Do53Nameserver(*pair) for pair in pairs]
        first = self._resolver.nameservers[0]
        if isinstance(first, dns.nameserver.Do53Nameserver):
            self._first = first.address, first.port
        else:
            self._first = str(first), self._resolver.port

    async def resolve(self, host: HostName) -> Resolved:
        """Ask for a name now.

        Args:
            host: a judged name.

        Raises:
            DnsFailure: neither family has an address, or nobody answered.
        """
        began = monotonic()
        answers = await ask_both(host, self._first, min(PATIENCE_S, self._timeout_s / 2))
        found = [answers.found[kind] for kind in KINDS if kind in answers.found]
        if answers.odd or not any(records.addresses for records in found):
            if len(found) == len(KINDS):
                raise DnsFailure(f'"{host}" has no address')
            found = await self._insist(host, self._timeout_s - (monotonic() - began))
        addresses = [address for records in found for address in records.addresses]
        ttl_s = min(records.ttl_s for records in found if records.addresses)
        return Resolved(tuple(addresses[:MAX_ADDRESSES]), ttl_s)

    async def _insist(self, host: HostName, lifetime_s: float) -> list[Records]:
        """Ask every nameserver, more than once, over TCP where an answer is too long; at least one address.

        Raises:
            DnsFailure: as for `resolve`.
        """
        name = dns.name.from_text(host, dns.name.root)
        asked = [asyncio.ensure_future(self._ask(name, kind, lifetime_s)) for kind in KINDS]
        try:
            done, waiting = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
            good = any(one.exception() is None and one.result().addresses for one in done)
            if waiting:
                await asyncio.wait(waiting, timeout=RESOLUTION_DELAY_S if good else None)
        finally:
            for one in asked:
                one.cancel()
        answers = await asyncio.gather(*(one for one in asked if one.done()), return_exceptions=True)
        found = [one for one in answers if isinstance(one, Records)]
        if not any(records.addresses for records in found):
            raise _failure(host, answers)
        return found

    async def _ask(self, name: dns.name.Name, kind: dns.rdatatype.RdataType, lifetime_s: float) -> Records:
        try:
            answer = await self._resolver.resolve(name, kind, search=False, lifetime=lifetime_s)
        except dns.resolver.NoAnswer:
            return Records((), 0)
        return Records(tuple(str(record.address) for record in answer), answer.chaining_result.minimum_ttl)


def _failure(host: HostName, answers: Sequence[object]) -> DnsFailure:
    for error in answers:
        if isinstance(error, BaseException):
            if not isinstance(error, Exception):
                raise error
            for kind, told in _FAILURES:
                if isinstance(error, kind):
                    failure = DnsFailure(f'"{host}" {told}')
                    failure.__cause__ = error
                    return failure
            raise error
    return DnsFailure(f'"{host}" has no address')


def _split(text: str) -> tuple[str, int]:
    """`192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`."""
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    number = int(port) if port else DNS_PORT
    if not 0 < number <= MAX_PORT:
        raise ValueError(f"nameserver `{text}` has no port between 1 and {MAX_PORT}")
    return str(ip_address(host)), number
