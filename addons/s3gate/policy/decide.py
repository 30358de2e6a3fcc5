"""Every verdict is made by these numbered steps; the first that refuses gives the reason.

The normal case: a CONNECT to an S3 name, TLS with the same SNI, one request whose
Host is that name again; its bucket is listed, its operation, key, client and
signing account are what the rule allows: ALLOWED_BY_RULE. Buckets of AWS's own services
may be listed by a preset instead: ALLOWED_PRESET.

 1. There is a policy, and who must says who it is.      POLICY_UNAVAILABLE PROXY_AUTH_REQUIRED
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

The row of a preset is the last rule of its bucket: what a rule of the file allows, that rule allows, and what
none allows the row may. For the operations of a row that says so step 15 takes anonymous requests.

An access point is listed by its ARN, which stands for a bucket in every step. Step 14 says again of
step 12 what monitor mode never lifts: who owns the data, and that its owner can read it.

Monitor mode is the same walk: a refusal that it lifts is kept as `would_deny` and
the walk goes on, so that whatever monitor mode does not lift still refuses. Steps 1 to 6
are written in `connection_steps.py`, 9 and 10 in `place_steps.py`, the rest in
`target_steps.py`; what ends a walk, in `walk.py`.
"""

from collections.abc import Callable, Sequence
from typing import Final

from s3gate.policy.case import Case
from s3gate.policy.connection_steps import step_client, step_connect, step_head, step_tls
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.model import Policy
from s3gate.policy.network import UpstreamNetworks, judge_address
from s3gate.policy.reading import NOTHING_READ, Request
from s3gate.policy.target_steps import step_target
from s3gate.policy.walk import Denied
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
    return _walk(case, step_client, step_connect)


def decide_tls(policy: Policy | None, request: Request) -> Decision | None:
    """Judge a ClientHello against its CONNECT: a refusal, or None to go on with the handshake.

    Args:
        policy: the policy in force, None when there is none.
        request: with `connect`, `scheme` and `sni`; its headers are not judged here.
    """
    if policy is None:
        return _no_policy()
    case = Case(policy, request)
    return _walk(case, step_client, step_connect, step_tls)


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
    return decide_case(Case(policy, request))


def decide_case(case: Case) -> Decision:
    """Walk all steps with one case, whose readings may also come from a record.

    Args:
        case: nothing of it read yet.
    """
    denial = _walk(case, step_client, step_connect, step_tls, step_head, step_target)
    if denial is not None:
        return denial
    policy, lifted = case.policy, case.lifted
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


def _walk(case: Case, *steps: Callable[[Case], None]) -> Decision | None:
    """The first refusal that nothing lifts, as a Decision; None when the walk came to its end."""
    try:
        for step in steps:
            step(case)
    except Denied as denied:
        case.read_on()
        reason, detail, rule = denied.refusal[:3]
        return Decision(reason, detail, case.reading(), rule, None, case.policy.digest)
    except ReadError as error:
        reason = _READ_ERRORS[type(error)]
        return Decision(reason, error.detail, case.reading(), None, None, case.policy.digest)
    return None
