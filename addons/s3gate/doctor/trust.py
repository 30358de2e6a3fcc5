"""Does the CA bundle trust the gate, and do both clocks agree? Two real handshakes through a CONNECT.

The normal case: the first handshake believes everything and looks at the certificate. The
gate makes it for a name that nobody asked for before, so its dates tell what time it is
there. The second believes the CA bundle alone, as awscli does. No request follows: nothing
is judged, recorded or resolved. Only a client that breaks off its handshake because it does
not trust the CA leaves a record there (NOT_TLS), as awscli would.
"""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from botocore.httpsession import create_urllib3_context
from cryptography import x509

from s3gate.canary.request import make_host
from s3gate.doctor.finding import Finding, fine, unknown, wrong
from s3gate.doctor.tunnel import NoTunnel, open_tunnel
from s3gate.doctor.way import NoWay, Proxy, Trust, find_trust, suffix_of
from s3gate.proxy.authority import CLOCK_SKEW, LEAF_DAYS

REACHED: Final = "proxy answers"
TRUSTED: Final = "CA bundle trusts it"
CLOCK: Final = "clock"
SKEW_LIMIT: Final = timedelta(minutes=15)
"""What SigV4 allows (S3 API reference, RequestTimeTooSkewed)."""

NOT_YET_VALID: Final = 9  # X509_V_ERR_CERT_NOT_YET_VALID, openssl-verification-options(1)
EXPIRED: Final = 10  # X509_V_ERR_CERT_HAS_EXPIRED
GATES_SPAN: Final = timedelta(days=LEAF_DAYS) + CLOCK_SKEW
"""From the first to the last moment of a leaf that a gate makes."""

LOOK: Final = "look at the address, at security groups and routes, and whether s3gate runs there"


@dataclass(frozen=True, slots=True)
class Leaf:
    """What the proxy shows for a name.

    Args:
        issuer: common name of whoever signed it, or all of its name.
        begins: first moment of validity.
        span: how long it is valid.
    """

    issuer: str
    begins: datetime
    span: timedelta

    @property
    def gates(self) -> bool:
        """Whether it looks like a gate's own."""
        return self.span == GATES_SPAN


def check_tls(proxy: Proxy, region: str) -> Sequence[Finding]:
    """Reach the proxy, open TLS with and without the CA bundle, compare the clocks.

    Args:
        proxy: as clients are told.
        region: of the name that is asked for.
    """
    host = make_host(region, suffix_of(region))
    try:
        leaf = _show_leaf(proxy, host)
    except NoTunnel as exc:
        return [_refused(proxy, exc), *_untried("the proxy opens no tunnel")]
    except ssl.SSLError as exc:
        told = f"{proxy.shown} opens a tunnel, in which no TLS begins: {exc.reason or 'broken off'}"
        return [
            wrong(REACHED, told, "look whether this is s3gate, and at its log"),
            *_untried("there is no TLS"),
        ]
    except OSError as exc:
        told = f"{proxy.shown} is not reached: {exc.strerror or type(exc).__name__}"
        return [wrong(REACHED, told, LOOK), *_untried("the proxy is not reached")]
    reached = fine(REACHED, f"{proxy.shown} opens tunnels; the certificate is of `{leaf.issuer}`")
    return [reached, _check_trust(proxy, host, leaf), _check_clock(leaf, datetime.now(UTC))]


def _show_leaf(proxy: Proxy, host: str) -> Leaf:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it only looks
    tunnel = open_tunnel(proxy, host)
    with tunnel.socket, context.wrap_socket(tunnel.socket, server_hostname=host) as connection:
        shown = connection.getpeercert(binary_form=True)
    try:
        certificate = x509.load_der_x509_certificate(shown or b"")
        names = certificate.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        issuer = str(names[0].value) if names else certificate.issuer.rfc4514_string()
    except ValueError as exc:
        raise ssl.SSLError(0, "its certificate cannot be read") from exc
    begins = certificate.not_valid_before_utc
    return Leaf(issuer, begins, certificate.not_valid_after_utc - begins)


def _check_trust(proxy: Proxy, host: str, leaf: Leaf) -> Finding:
    try:
        trust = find_trust()
    except NoWay as exc:
        return wrong(TRUSTED, str(exc), "correct AWS_PROFILE or the file that AWS_CONFIG_FILE names")
    if not Path(trust.path).is_file():
        return wrong(
            TRUSTED, f"{trust.source}: `{trust.path}` is no file", "name the PEM file with the gate's CA"
        )
    context = create_urllib3_context()
    context.check_hostname, context.verify_mode = True, ssl.CERT_REQUIRED
    try:
        context.load_verify_locations(cafile=trust.path)
        tunnel = open_tunnel(proxy, host)
        with tunnel.socket, context.wrap_socket(tunnel.socket, server_hostname=host):
            pass
    except ssl.SSLCertVerificationError as exc:
        return _distrust(trust, leaf, exc)
    except (OSError, NoTunnel) as exc:
        why = getattr(exc, "reason", None) or getattr(exc, "strerror", None) or str(exc)
        return wrong(
            TRUSTED, f"{trust.source}: `{trust.path}`: {why}", "name a readable PEM file of certificates"
        )
    if not leaf.gates:
        told = f"it trusts `{leaf.issuer}`, whose certificate was not made by s3gate: TLS is not opened there"
        return wrong(TRUSTED, told, "set HTTPS_PROXY to s3gate itself")
    return fine(TRUSTED, f"{trust.source}: `{trust.path}`")


def _distrust(trust: Trust, leaf: Leaf, exc: ssl.SSLCertVerificationError) -> Finding:
    if exc.verify_code in (NOT_YET_VALID, EXPIRED):
        then = "set the clock; if it is right, renew the gate's CA with `s3gate ca renew`"
        return wrong(TRUSTED, f"{trust.source}: {exc.verify_message}", then)
    told = f"{trust.source}: `{trust.path}` does not trust `{leaf.issuer}`: {exc.verify_message}"
    then = "put the gate's ca.pem into a bundle, and export AWS_CA_BUNDLE=/etc/s3gate/bundle.pem"
    return wrong(TRUSTED, told, then)


def _check_clock(leaf: Leaf, now: datetime) -> Finding:
    if not leaf.gates:
        return unknown(
            CLOCK, "the certificate is none that s3gate made just now", "set HTTPS_PROXY to s3gate"
        )
    return judge_clock(leaf.begins + CLOCK_SKEW - now, "the gate's")


def judge_clock(ahead: timedelta, whose: str) -> Finding:
    """Whether two clocks agree as far as SigV4 needs.

    Args:
        ahead: how far the other clock is ahead of ours.
        whose: the other clock.
    """
    seconds = round(abs(ahead).total_seconds())
    side = "behind" if ahead > timedelta() else "ahead of"
    told = f"{seconds} s {side} {whose}" if seconds else f"as {whose}"
    if abs(ahead) > SKEW_LIMIT:
        return wrong(
            CLOCK, f"{told}: beyond 15 minutes S3 refuses every signature", "set up NTP: chronyc tracking"
        )
    return fine(CLOCK, told)


def _refused(proxy: Proxy, exc: NoTunnel) -> Finding:
    then = {
        407: "put user and password into HTTPS_PROXY: http://USER:PASSWORD@HOST:PORT",
        0: "set HTTPS_PROXY to the address of s3gate's listening port",
    }.get(exc.status, "look up the reason in the README, and in `s3gate audit tail` on the gate")
    return wrong(REACHED, f"{proxy.shown}: {exc}", then)


def _untried(why: str) -> list[Finding]:
    return [unknown(name, why, "do the step above first") for name in (TRUSTED, CLOCK)]
