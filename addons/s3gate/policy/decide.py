"""Every verdict is made in this file, in numbered steps; the first that refuses gives the reason.

The normal case: a CONNECT to an S3 name, TLS with the same SNI, one request whose
Host is that name again; its bucket is listed, its operation, key, client and
signing account are what the rule allows: ALLOWED_BY_RULE.

 1. There is a policy.                                   POLICY_UNAVAILABLE
 2. The CONNECT names one AWS name on port 443.          MALFORMED_HOST IP_LITERAL AMBIGUOUS_TARGET
                                                         PORT_NOT_ALLOWED HOST_NOT_LISTED
                                                         and with `deny_at: connect` the list's own reasons
 3. TLS speaks to that name.                             NOT_TLS SNI_MISSING SNI_MISMATCH
 4. The head has one reading.                            MALFORMED_REQUEST PROTOCOL_UPGRADE AMBIGUOUS_TARGET
 5. Host and the target's authority are that name.       HOST_MISMATCH MALFORMED_HOST IP_LITERAL
                                                         PORT_NOT_ALLOWED
 6. Clear text is allowed, if it is that.                PLAIN_HTTP
 7. The name is S3's or a listed service's.              HOST_NOT_LISTED SERVICE_NOT_S3
 8. The target and the credential have one reading.      AMBIGUOUS_TARGET MALFORMED_REQUEST
 9. The endpoint and what it names are open.             ENDPOINT_NOT_ALLOWED REGION_NOT_ALLOWED
                                                         PATH_STYLE_NOT_ALLOWED NO_BUCKET
10. The bucket is listed.                                BUCKET_NOT_LISTED
11. The operation is known.                              UNKNOWN_OPERATION
12. A rule allows it.                                    REGION_ CLIENT_ OPERATION_ KEY_ ACCOUNT_
                                                         ENCRYPTION_NOT_ALLOWED
                                                         BUCKET_OWNER_NOT_PROVEN
13. What a copy reads is listed too.                     COPY_SOURCE_NOT_LISTED
                                                         BUCKET_OWNER_NOT_PROVEN
14. What is written stays its owner's.                   ENCRYPTION_NOT_ALLOWED
                                                         BUCKET_OWNER_NOT_PROVEN
15. The signature is one that binds.                     UNSIGNED_REQUEST SIGNATURE_VERSION
                                                         CREDENTIAL_EXPIRED CREDENTIAL_SCOPE_MISMATCH

An access point is listed by its ARN, which stands for a bucket in every step. Step 14 says again of
step 12 what monitor mode never lifts: who owns the data, and that its owner can read it.

Monitor mode is the same walk: a refusal that it lifts is kept as `would_deny` and
the walk goes on, so that whatever monitor mode does not lift still refuses.
"""

from collections.abc import Callable, Sequence
from typing import Final

from s3gate.policy.case import Case, Refusal
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.model import DenyAt, PlainHttp, Policy, Rule
from s3gate.policy.network import UpstreamNetworks, judge_address
from s3gate.policy.reading import NOTHING_READ, Request
from s3gate.policy.rules import (
    Asked,
    RuleRefusal,
    account_problem,
    check_bonds,
    encryption_problem,
    find_rule,
)
from s3gate.policy.signature import signature_problem
from s3gate.s3.address import S3Address, Style
from s3gate.s3.endpoint import AwsName, Endpoint, EndpointClass, Foreign, OtherService
from s3gate.s3.host import Host
from s3gate.s3.operation import Operation, OperationClass
from s3gate.s3.partitions import suffix_of
from s3gate.s3.refusal import (
    AmbiguousTarget,
    IpLiteral,
    MalformedHost,
    MalformedRequest,
    NoBucket,
    ProtocolUpgrade,
    ReadError,
    UnknownOperation,
)

HTTPS_PORT: Final = 443  # RFC 9110 §4.2.2
HTTP_PORT: Final = 80  # RFC 9110 §4.2.1

# The one table from what could not be read to why it is refused.
_READ_ERRORS: Final[dict[type[ReadError], Reason]] = {
    MalformedRequest: Reason.MALFORMED_REQUEST,
    MalformedHost: Reason.MALFORMED_HOST,
    IpLiteral: Reason.IP_LITERAL,
    AmbiguousTarget: Reason.AMBIGUOUS_TARGET,
    ProtocolUpgrade: Reason.PROTOCOL_UPGRADE,
    UnknownOperation: Reason.UNKNOWN_OPERATION,
    NoBucket: Reason.NO_BUCKET,
}

# What monitor mode may lift: verdicts of the list, never of the reading, TLS, addresses or the audit.
_LIFTABLE: Final = frozenset(
    {
        Reason.BUCKET_NOT_LISTED,
        Reason.HOST_NOT_LISTED,
        Reason.OPERATION_NOT_ALLOWED,
        Reason.KEY_NOT_ALLOWED,
        Reason.CLIENT_NOT_ALLOWED,
        Reason.ACCOUNT_NOT_ALLOWED,
        Reason.REGION_NOT_ALLOWED,
        Reason.ENDPOINT_NOT_ALLOWED,
        Reason.COPY_SOURCE_NOT_LISTED,
    }
)


# What a copy does to its source (S3 API reference, CopyObject: s3:GetObject on the source).
_READ_SOURCE: Final = Operation("GetObject", OperationClass.READ)
_ALLOWED: Final = "on the egress allowlist"


def decide_connect(policy: Policy | None, request: Request) -> Decision | None:
    """Judge a CONNECT before it is answered: a refusal, or None to go on to TLS.

    Args:
        policy: the policy in force, None when there is none.
        request: with `connect`; its headers are not judged here.
    """
    if policy is None:
        return _no_policy()
    case = Case(policy, request)
    return _walk(case, _steps_connect)


def decide_tls(policy: Policy | None, request: Request) -> Decision | None:
    """Judge a ClientHello against its CONNECT: a refusal, or None to go on with the handshake.

    Args:
        policy: the policy in force, None when there is none.
        request: with `connect`, `scheme` and `sni`; its headers are not judged here.
    """
    if policy is None:
        return _no_policy()
    case = Case(policy, request)
    return _walk(case, _steps_connect, _steps_tls)


def decide_request(policy: Policy | None, request: Request) -> Decision:
    """Judge one request head with its whole connection: every step of this file.

    Args:
        policy: the policy in force, None when there is none.
        request: what the client sent.

    Returns:
        The one decision; without a positive allow it is a denial.
    """
    if policy is None:
        return _no_policy()
    case = Case(policy, request)
    denial = _walk(case, _steps_connect, _steps_tls, _steps_head, _steps_named)
    if denial is not None:
        return denial
    lifted = case.lifted
    if lifted is not None:
        detail = f"monitor mode only: {lifted.detail}"
        return Decision(
            Reason.MONITOR_ONLY, detail, case.reading(), lifted.rule, lifted.reason, policy.digest
        )
    if case.allowed is None:
        return Decision(
            Reason.INTERNAL_ERROR, "no step allowed the request", case.reading(), policy=policy.digest
        )
    return Decision(case.allowed, _ALLOWED, case.reading(), case.rule, policy=policy.digest)


def decide_addresses(
    decision: Decision, addresses: Sequence[str], networks: UpstreamNetworks
) -> Decision | tuple[str, ...]:
    """Judge a resolver's answer: the addresses that may be dialled, or a refusal.

    One forbidden address refuses the whole answer: an honest S3 answer has none.

    Args:
        decision: the allow that the answer belongs to.
        addresses: textual addresses, in the order to try.
        networks: where the gate may connect to.
    """
    for address in addresses:
        problem = judge_address(address, networks)
        if problem is not None:
            detail = f'"{decision.reading.host}" resolved to {address}, which is {problem}'
            return refuse(decision, Reason.UPSTREAM_ADDRESS_NOT_ALLOWED, detail)
    if not addresses:
        return refuse(decision, Reason.DNS_FAILURE, f'"{decision.reading.host}" has no address')
    return tuple(addresses)


def refuse(decision: Decision, reason: Reason, detail: str) -> Decision:
    """The same case refused for another reason, with its reading, rule and policy kept."""
    return Decision(reason, detail, decision.reading, decision.rule, None, decision.policy)


def refuse_unread(policy: Policy | None, reason: Reason, detail: str) -> Decision:
    """A denial of something that was not read as a request: raw bytes, a limit, a time-out."""
    return Decision(reason, detail, NOTHING_READ, policy=policy.digest if policy else "")


def _no_policy() -> Decision:
    return refuse_unread(None, Reason.POLICY_UNAVAILABLE, "no policy is loaded; nothing may pass")


class _Denied(Exception):
    """A refusal that nothing lifts: the walk ends here."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


def _walk(case: Case, *steps: Callable[[Case], None]) -> Decision | None:
    """The first refusal that nothing lifts, as a Decision; None when the walk came to its end."""
    try:
        for step in steps:
            step(case)
    except _Denied as denied:
        case.read_on()
        reason, detail, rule = denied.refusal[:3]
        return Decision(reason, detail, case.reading(), rule, None, case.policy.digest)
    except ReadError as error:
        reason = _READ_ERRORS[type(error)]
        return Decision(reason, error.detail, case.reading(), None, None, case.policy.digest)
    return None


def _refuse(case: Case, refusal: Refusal) -> None:
    """End the walk with this refusal, unless monitor mode lifts it; then the first lifted one is kept."""
    if not _lifts(case, refusal):
        raise _Denied(refusal)
    case.lifted = case.lifted or refusal


def _lifts(case: Case, refusal: Refusal) -> bool:
    if refusal.final or refusal.reason not in _LIFTABLE:
        return False
    now = case.request.now
    modes = (case.policy.monitor, refusal.monitor)
    return any(mode is not None and mode.active(now) for mode in modes)


def _steps_named(case: Case) -> None:
    """Steps 7 to 15."""
    named = case.named
    if isinstance(named, Endpoint):
        _steps_s3(case, named)
    elif isinstance(named, AwsName):
        _steps_service(case, named)
    elif isinstance(named, OtherService):
        detail = f'"{named.host}" is {named.service}, another service than S3'
        _refuse(case, Refusal(Reason.SERVICE_NOT_S3, detail))
    else:
        _refuse(case, _foreign(case.host.name))


def _foreign(name: str) -> Refusal:
    detail = f'"{name}" is neither an S3 name nor a listed AWS service'
    return Refusal(Reason.HOST_NOT_LISTED, detail, final=True)


def _steps_connect(case: Case) -> None:
    """Step 2."""
    if case.request.connect is None:
        return
    host = case.read_connect(case.request.connect)
    _steps_authority(case, host, "the CONNECT", HTTPS_PORT)
    if host.port is None:
        _refuse(
            case, Refusal(Reason.MALFORMED_HOST, "the CONNECT names no port; RFC 9110 §9.3.6 requires one")
        )
    named = case.named_by_connect
    beyond_ca = isinstance(named, AwsName) and named.customer_owned and suffix_of(host.name) is None
    if isinstance(named, Foreign) or beyond_ca:  # our CA may not sign for it: it cannot be answered inside
        _refuse(case, _foreign(host.name))
    if case.policy.deny_at is DenyAt.CONNECT:
        _steps_early(case)


def _steps_authority(case: Case, host: Host, where: str, port: int) -> None:
    if host.trailing_dot:
        detail = f"{where} names `{host.name}.` with a trailing dot, which readers take differently"
        _refuse(case, Refusal(Reason.AMBIGUOUS_TARGET, detail))
    if host.port is not None and host.port != port:
        detail = f"{where} asks for port {host.port}; only {port} is served"
        _refuse(case, Refusal(Reason.PORT_NOT_ALLOWED, detail))


def _steps_early(case: Case) -> None:
    """What `deny_at: connect` refuses already by the name: no rule could allow any request to it."""
    named = case.named_by_connect
    if isinstance(named, AwsName) and named.host not in case.policy.hosts:
        _refuse(case, _unlisted_service(named))
    if not isinstance(named, Endpoint):
        return
    _steps_endpoint(case, named)
    if named.label is None:
        if not case.policy.path_style:
            _refuse(case, _path_style_refused())
        return
    address = case.read_place(named)
    _steps_place(case, address)
    if not case.rules_for(address):
        _refuse(case, _unlisted(case, address))


def _steps_tls(case: Case) -> None:
    """Step 3."""
    request = case.request
    if case.connect is None:
        if request.scheme != "http":
            _refuse(case, Refusal(Reason.NOT_TLS, f"{request.scheme} without a tunnel; use CONNECT"))
        return
    if request.scheme != "https":
        _refuse(case, Refusal(Reason.NOT_TLS, "the tunnel carries no TLS"))
    if request.sni is None:
        _refuse(case, Refusal(Reason.SNI_MISSING, "the ClientHello names no server (no SNI)"))
    sni = case.read_sni(request.sni or "")
    if sni.port is not None or sni.trailing_dot:
        _refuse(case, Refusal(Reason.AMBIGUOUS_TARGET, "the SNI is not a bare host name"))
    if sni.name != case.connect.name:
        detail = f'the SNI "{sni.name}" is not the CONNECT name "{case.connect.name}"'
        _refuse(case, Refusal(Reason.SNI_MISMATCH, detail))


def _steps_head(case: Case) -> None:
    """Steps 4 to 6."""
    request = case.request
    host = case.read_head()
    plain = case.connect is None
    port = HTTP_PORT if plain else HTTPS_PORT
    _steps_authority(case, host, "Host", port)
    if case.connect is not None and host.name != case.connect.name:
        detail = f'Host "{host.name}" is not the CONNECT name "{case.connect.name}"'
        _refuse(case, Refusal(Reason.HOST_MISMATCH, detail))
    if request.authority is not None:
        target = case.read_authority(request.authority)
        _steps_authority(case, target, "the target", port)
        if target.name != host.name:
            detail = f'the target names "{target.name}", but Host "{host.name}"'
            _refuse(case, Refusal(Reason.HOST_MISMATCH, detail))
    elif plain:
        _refuse(
            case,
            Refusal(Reason.MALFORMED_REQUEST, "a proxy request without a tunnel needs an absolute target"),
        )
    if plain and isinstance(case.named, Foreign):
        _refuse(case, _foreign(host.name))
    if plain and not _plain_allowed(case):
        _refuse(case, Refusal(Reason.PLAIN_HTTP, "clear-text HTTP is not served; use https"))


def _plain_allowed(case: Case) -> bool:
    mode = case.policy.plain_http
    if not isinstance(case.named, Endpoint):
        return False
    return mode is PlainHttp.ALLOW or (mode is PlainHttp.HEAD and case.probes_bucket)


def _steps_service(case: Case, named: AwsName) -> None:
    """Step 7 for a listed service beside S3, with its accounts."""
    listed = case.policy.hosts.get(named.host)
    case.read_credential()
    if listed is None:
        _refuse(case, _unlisted_service(named))
    _steps_signature(case)
    if listed is not None:
        account = _account(case)
        if account not in listed.accounts:
            _refuse(case, Refusal(Reason.ACCOUNT_NOT_ALLOWED, account_problem(account)))
        case.allowed = Reason.ALLOWED_HOST


def _unlisted_service(named: AwsName) -> Refusal:
    if named.s3_family:
        detail = f'"{named.host}" looks like an S3 name but is none that S3 is known to answer to'
        return Refusal(Reason.ENDPOINT_NOT_ALLOWED, detail, final=True)
    detail = f'AWS name "{named.host}" is not on the egress allowlist'
    return Refusal(Reason.HOST_NOT_LISTED, detail, final=named.customer_owned)


def _steps_signature(case: Case) -> None:
    """Step 15."""
    problem = signature_problem(case.policy, case.request.now, case.named, case.credential, case.probe_exempt)
    if problem is not None:
        _refuse(case, Refusal(*problem))


def _steps_s3(case: Case, endpoint: Endpoint) -> None:
    """Steps 8 to 15."""
    address = case.read_target(endpoint)
    _steps_endpoint(case, endpoint)
    if address.style is Style.PATH and not case.policy.path_style:
        _refuse(case, _path_style_refused())
    _steps_place(case, address)
    rules = case.rules_for(address)
    if not rules:
        _refuse(case, _unlisted(case, address))
    operation = case.read_operation()
    claim = case.claim(address, operation) if any(rule.owner for rule in rules) else None
    asked = Asked(endpoint.region, operation, address.keys, case.request.client, _account(case), claim)
    found = find_rule(case.policy, rules, asked)
    if isinstance(found, Rule):
        case.rule, case.allowed = found.id, Reason.ALLOWED_BY_RULE
    elif found:
        _refuse(case, _rule_refusal(case, found))
    _steps_copy(case, address, operation)
    if not isinstance(found, Rule):
        _steps_bonds(case, found, asked)
    _steps_signature(case)


def _account(case: Case) -> str | None:
    return case.credential.account if case.credential else None


def _rule_refusal(case: Case, refusals: Sequence[RuleRefusal]) -> Refusal:
    """The furthest rule's reason; monitor mode of any of these rules lifts its own refusal.

    Where the furthest one is never lifted, the furthest that is comes first: a rule more never denies.
    """
    watched = _watched(case, refusals)
    furthest = refusals[0]
    if watched and furthest.reason not in _LIFTABLE:
        furthest = watched[0]
    rule = watched[0].rule if watched else furthest.rule
    return Refusal(furthest.reason, furthest.detail, rule.id, monitor=rule.monitor)


def _watched(case: Case, refusals: Sequence[RuleRefusal]) -> list[RuleRefusal]:
    """The refusals that monitor mode, the policy's or the rule's own, would lift."""
    now = case.request.now
    whole = case.policy.monitor is not None and case.policy.monitor.active(now)
    return [
        one
        for one in refusals
        if one.reason in _LIFTABLE
        and (whole or (one.rule.monitor is not None and one.rule.monitor.active(now)))
    ]


def _steps_endpoint(case: Case, endpoint: Endpoint) -> None:
    """Step 9, by the name alone."""
    policy = case.policy
    if endpoint.partition not in policy.partitions:
        detail = f'partition "{endpoint.partition}" is not open'
        _refuse(case, Refusal(Reason.ENDPOINT_NOT_ALLOWED, detail))
    missing = endpoint.needs - policy.classes
    if missing:
        detail = f'endpoints of class "{min(missing)}" are not open'
        _refuse(case, Refusal(Reason.ENDPOINT_NOT_ALLOWED, detail))
    if endpoint.vpce is not None and endpoint.vpce not in policy.vpce:
        detail = f'interface endpoint "{endpoint.vpce}" is not listed'
        _refuse(case, Refusal(Reason.ENDPOINT_NOT_ALLOWED, detail))
    if endpoint.region is not None and endpoint.region not in policy.regions:
        detail = f'region "{endpoint.region}" is not open'
        _refuse(case, Refusal(Reason.REGION_NOT_ALLOWED, detail))


def _path_style_refused() -> Refusal:
    detail = "path-style requests are not allowed; name the bucket in the host"
    return Refusal(Reason.PATH_STYLE_NOT_ALLOWED, detail)


def _steps_place(case: Case, address: S3Address) -> None:
    """Step 9, by what stands in the bucket's place."""
    misplaced = _misplaced(case, address)
    if misplaced is not None:
        _refuse(case, Refusal(Reason.ENDPOINT_NOT_ALLOWED, misplaced))
    if address.bucket is None and case.point is None:
        detail = "the request names no bucket; requests across buckets are not allowed"
        _refuse(case, Refusal(Reason.NO_BUCKET, detail))


def _misplaced(case: Case, address: S3Address) -> str | None:
    """Why what is named is nothing that a rule can list, or not at this endpoint.

    An alias tells neither the owner nor the access point behind it.
    """
    named = address.bucket or address.endpoint.label
    if EndpointClass.EXPRESS in address.endpoint.needs:
        directory = address.special == "directory-bucket" or named is None
        return (
            None if directory else f'"{named}" is no directory bucket, but the endpoint is one of S3 Express'
        )
    if address.special is None or case.point is not None:
        return None
    return f'"{named}" is {address.special}, not a bucket; such names are not open'


def _unlisted(case: Case, address: S3Address) -> Refusal:
    named = f'bucket "{address.bucket}"' if case.point is None else f'access point "{case.point.arn}"'
    return Refusal(Reason.BUCKET_NOT_LISTED, f"{named} is not on the egress allowlist")


def _steps_bonds(case: Case, refusals: Sequence[RuleRefusal], asked: Asked) -> None:
    """Step 14: monitor mode lifted these; what it never lifts must hold for one of the lifted rules."""
    if not refusals:
        problem = encryption_problem(asked)
        if problem is not None:
            _refuse(case, Refusal(Reason.ENCRYPTION_NOT_ALLOWED, problem))
        return
    bonds = [check_bonds(one.rule, asked) for one in _watched(case, refusals)]
    broken = next((one for one in bonds if one is not None), None)
    if broken is not None and None not in bonds:
        _refuse(case, Refusal(broken.reason, broken.detail, broken.rule.id))


def _steps_copy(case: Case, address: S3Address, operation: Operation) -> None:
    """Step 13: the source of a copy is read by a rule of its own."""
    source = case.copy_source
    if source is None:
        return
    where = f'copy source "{source.bucket}"'
    rules = case.source_rules(source, address.endpoint.partition)
    if not rules:
        _refuse(case, Refusal(Reason.COPY_SOURCE_NOT_LISTED, f"{where} is not on the egress allowlist"))
        return
    claim = case.source_claim(source, address, operation) if any(rule.owner for rule in rules) else None
    asked = Asked(source.region, _READ_SOURCE, (source.key,), case.request.client, _account(case), claim)
    found = find_rule(case.policy, rules, asked)
    if isinstance(found, Rule):
        return
    refusal = _rule_refusal(case, found)
    reason = Reason.COPY_SOURCE_NOT_LISTED if refusal.reason in _LIFTABLE else refusal.reason
    detail = f"{where} may not be read: {refusal.detail}"
    _refuse(case, refusal._replace(reason=reason, detail=detail))
    _steps_bonds(case, found, asked)
