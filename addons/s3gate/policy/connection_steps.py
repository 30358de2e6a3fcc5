"""Steps 1 to 6: the client is one that may ask; the connection and the head speak of one name.

The normal case: nobody need say who it is, or it did; CONNECT, SNI, Host and target all
name one AWS host on port 443.
"""

from contextlib import suppress
from typing import Final

from s3gate.policy.case import Case, Refusal
from s3gate.policy.decision import Reason
from s3gate.policy.model import DenyAt, PlainHttp
from s3gate.policy.place_steps import (
    foreign,
    path_style_refused,
    step_endpoint,
    step_place,
    unlisted,
    unlisted_service,
)
from s3gate.policy.walk import refuse_step
from s3gate.s3.endpoint import AwsName, Endpoint, Foreign
from s3gate.s3.host import Host
from s3gate.s3.partitions import suffix_of
from s3gate.s3.refusal import ReadError

HTTPS_PORT: Final = 443  # RFC 9110 §4.2.2
HTTP_PORT: Final = 80  # RFC 9110 §4.2.1


# The same sentence for a wrong user as for a wrong password: nobody learns which users there are.
_WRONG: Final = (
    "the proxy's user name or password is wrong, or not one of Basic authentication; "
    "in a proxy URL, special characters of both are percent-encoded"
)
_MISSING: Final = (
    "the proxy asks for a user name and a password; set the proxy to http://USER:PASSWORD@HOST:PORT, "
    "special characters of both percent-encoded"
)


def step_client(case: Case) -> None:
    """Step 1: credentials that came are right, and who is in no group without users brought some."""
    client, membership = case.request.client, case.policy.membership
    wrong = client.unproven is not None
    if not wrong and (
        client.user is not None or not membership.asks_users or membership.find(client) is not None
    ):
        return
    with suppress(ReadError):  # for the record
        if case.request.connect is not None:
            case.read_connect(case.request.connect)
        else:
            case.read_head()
    refuse_step(case, Refusal(Reason.PROXY_AUTH_REQUIRED, _WRONG if wrong else _MISSING, final=True))


def step_connect(case: Case) -> None:
    """Step 2."""
    if case.request.connect is None:
        return
    host = case.read_connect(case.request.connect)
    _step_authority(case, host, "the CONNECT", HTTPS_PORT)
    if host.port is None:
        refuse_step(
            case, Refusal(Reason.MALFORMED_HOST, "the CONNECT names no port; RFC 9110 §9.3.6 requires one")
        )
    named = case.named_by_connect
    beyond_ca = isinstance(named, AwsName) and named.customer_owned and suffix_of(host.name) is None
    if isinstance(named, Foreign) or beyond_ca:  # our CA may not sign for it: it cannot be answered inside
        refuse_step(case, foreign(host.name))
    if case.policy.deny_at is DenyAt.CONNECT:
        _step_early(case)


def _step_authority(case: Case, host: Host, where: str, port: int) -> None:
    if host.trailing_dot:
        detail = f"{where} names `{host.name}.` with a trailing dot, which readers take differently"
        refuse_step(case, Refusal(Reason.AMBIGUOUS_TARGET, detail))
    if host.port is not None and host.port != port:
        detail = f"{where} asks for port {host.port}; only {port} is served"
        refuse_step(case, Refusal(Reason.PORT_NOT_ALLOWED, detail))


def _step_early(case: Case) -> None:
    """What `deny_at: connect` refuses already by the name: no rule could allow any request to it."""
    named = case.named_by_connect
    if isinstance(named, AwsName) and named.host not in case.policy.hosts:
        refuse_step(case, unlisted_service(named))
    if not isinstance(named, Endpoint):
        return
    step_endpoint(case, named)
    if named.label is None:
        if not case.policy.path_style:
            refuse_step(case, path_style_refused())
        return
    address = case.read_place(named)
    step_place(case, address)
    if not case.rules_for(address):
        refuse_step(case, unlisted(case, address))


def step_tls(case: Case) -> None:
    """Step 3."""
    request = case.request
    if case.connect is None:
        if request.scheme != "http":
            refuse_step(case, Refusal(Reason.NOT_TLS, f"{request.scheme} without a tunnel; use CONNECT"))
        return
    if request.scheme != "https":
        refuse_step(case, Refusal(Reason.NOT_TLS, "the tunnel carries no TLS"))
    if request.sni is None:
        refuse_step(case, Refusal(Reason.SNI_MISSING, "the ClientHello names no server (no SNI)"))
    sni = case.read_sni(request.sni or "")
    if sni.port is not None or sni.trailing_dot:
        refuse_step(case, Refusal(Reason.AMBIGUOUS_TARGET, "the SNI is not a bare host name"))
    if sni.name != case.connect.name:
        detail = f'the SNI "{sni.name}" is not the CONNECT name "{case.connect.name}"'
        refuse_step(case, Refusal(Reason.SNI_MISMATCH, detail))


def step_head(case: Case) -> None:
    """Steps 4 to 6."""
    request = case.request
    host = case.read_head()
    plain = case.connect is None
    port = HTTP_PORT if plain else HTTPS_PORT
    _step_authority(case, host, "Host", port)
    if case.connect is not None and host.name != case.connect.name:
        detail = f'Host "{host.name}" is not the CONNECT name "{case.connect.name}"'
        refuse_step(case, Refusal(Reason.HOST_MISMATCH, detail))
    if request.authority is not None:
        target = case.read_authority(request.authority)
        _step_authority(case, target, "the target", port)
        if target.name != host.name:
            detail = f'the target names "{target.name}", but Host "{host.name}"'
            refuse_step(case, Refusal(Reason.HOST_MISMATCH, detail))
    elif plain:
        refuse_step(
            case,
            Refusal(Reason.MALFORMED_REQUEST, "a proxy request without a tunnel needs an absolute target"),
        )
    if plain and isinstance(case.named, Foreign):
        refuse_step(case, foreign(host.name))
    if plain and not _plain_allowed(case):
        refuse_step(case, Refusal(Reason.PLAIN_HTTP, "clear-text HTTP is not served; use https"))


def _plain_allowed(case: Case) -> bool:
    mode = case.policy.plain_http
    if not isinstance(case.named, Endpoint):
        return False
    return mode is PlainHttp.ALLOW or (mode is PlainHttp.HEAD and case.probes_bucket)
