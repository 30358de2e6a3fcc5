"""Do names resolve privately where an interface endpoint should serve them?

The normal case: private DNS of the endpoint is on, and every address of the name lies in a
private network. Asked is who the caller asks: given nameservers, or the system.
"""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import ip_address

from s3gate.doctor.bounded import STEP_S
from s3gate.doctor.finding import Finding, fine, wrong
from s3gate.policy.network import PUBLIC, UpstreamNetworks, classify_address, judge_address
from s3gate.proxy.dns import DnsFailure, FreshResolver
from s3gate.s3.host import HostName

PRIVATE = frozenset({"private", "shared"})  # RFC 1918, RFC 4193, RFC 6598: what a VPC's subnets have
ENABLE = "enable private DNS on the interface endpoint, and let this machine ask the VPC's resolver"


def check_private(name: str, nameservers: Sequence[str], seconds: float = STEP_S) -> Sequence[Finding]:
    """Whether every address of a name is private.

    Args:
        name: that an interface endpoint should serve.
        nameservers: `address` or `address:port`; empty: the system is asked, hosts file included.
        seconds: for the answer of a name server.
    """
    title = f"private {name}"
    addresses = _ask(name, nameservers, seconds)
    if isinstance(addresses, str):
        return [wrong(title, addresses, "look at the name, and at the resolver of this machine")]
    outside = [one for one in addresses if classify_address(ip_address(one))[0] not in PRIVATE]
    if outside:
        kind = classify_address(ip_address(outside[0]))[0]
        return [wrong(title, f"has the {kind} address {outside[0]}", ENABLE)]
    return [fine(title, f"has {', '.join(sorted(addresses))}")]


def check_upstream(
    name: str, nameservers: Sequence[str], networks: UpstreamNetworks, seconds: float = STEP_S
) -> Sequence[Finding]:
    """Whether a name of S3 resolves to addresses that the gate may dial.

    Args:
        name: of S3.
        nameservers: `address` or `address:port`; empty: those of the system.
        networks: `upstream.networks`.
        seconds: for the answer.
    """
    title = "DNS answers"
    addresses = _ask(name, nameservers, seconds, ours=True)
    if isinstance(addresses, str):
        return [wrong(title, addresses, "look at `dns.nameservers`, and at port 53 to them, UDP and TCP")]
    judged = [(one, judge_address(one, networks)) for one in addresses]
    refused = next(((one, why) for one, why in judged if why is not None), None)
    if refused is not None:
        told = f"{name} has the {refused[1]} address {refused[0]}, which `upstream.networks` does not list"
        then = ENABLE if refused[1] == PUBLIC else "list the endpoint's subnets in `upstream.networks`"
        return [wrong(title, told, then)]
    return [fine(title, f"{name} has {', '.join(sorted(addresses))}")]


def _ask(
    name: str, nameservers: Sequence[str], seconds: float, *, ours: bool = False
) -> tuple[str, ...] | str:
    """Its addresses, or why there are none."""
    if nameservers or ours:
        try:
            resolver = FreshResolver(nameservers, seconds)
            return asyncio.run(resolver.resolve(HostName(name))).addresses
        except (DnsFailure, ValueError) as exc:
            return str(exc)
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        return f'"{name}" does not resolve: {getattr(exc, "strerror", None) or "no name"}'
    return tuple(dict.fromkeys(str(one[4][0]).partition("%")[0] for one in found))
