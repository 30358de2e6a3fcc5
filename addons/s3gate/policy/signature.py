"""Does the signature bind this request to a known signer, here and now?

The normal case: Signature Version 4 by a current key, with a credential scope of
this endpoint's region and service. Whether the signature is *right* only AWS can
tell; it refuses what is not, so that the key id names the account truly.
"""

from datetime import datetime
from typing import Final

from s3gate.policy.decision import Reason
from s3gate.policy.model import Policy
from s3gate.s3.credential import Credential, SignatureVersion
from s3gate.s3.endpoint import AwsName, Endpoint, Foreign, OtherService

Named = Endpoint | OtherService | AwsName | Foreign

S3_SERVICE: Final = "s3"  # the service of the scope on every endpoint that is open now
ANY_REGION: Final = "*"  # SigV4A: a region set may be a wildcard


def signature_problem(
    policy: Policy, now: datetime, named: Named, credential: Credential | None, unsigned_exempt: bool
) -> tuple[Reason, str] | None:
    """Why the signature does not do, or None.

    Args:
        policy: says whether anonymous requests and Signature Version 2 may pass.
        now: the clock, time zone aware.
        named: what the host names; only S3 names have a scope to compare with.
        credential: as read, None for an anonymous request.
        unsigned_exempt: whether this request may be anonymous although the policy says no.
    """
    if credential is None:
        if policy.unsigned or unsigned_exempt:
            return None
        return Reason.UNSIGNED_REQUEST, "the request is not signed"
    if credential.version is SignatureVersion.V2 and not policy.sigv2:
        detail = "Signature Version 2 does not sign the host; use Signature Version 4"
        return Reason.SIGNATURE_VERSION, detail
    if credential.expires_at is not None and credential.expires_at <= now:
        return Reason.CREDENTIAL_EXPIRED, "the presigned URL has expired"
    if isinstance(named, Endpoint) and credential.version is not SignatureVersion.V2:
        problem = _scope_problem(policy, named, credential)
        if problem is not None:
            return Reason.CREDENTIAL_SCOPE_MISMATCH, problem
        if credential.uncovered is not None:
            detail = f"header `{credential.uncovered[:64]}` is not covered by the signature; S3 refuses it"
            return Reason.UNSIGNED_REQUEST, detail
    return None


def _scope_problem(policy: Policy, endpoint: Endpoint, credential: Credential) -> str | None:
    if credential.service != S3_SERVICE:
        return f'the credential scope names service "{credential.service}" at an S3 endpoint'
    open_regions = policy.regions
    if credential.version is SignatureVersion.V4A:
        regions = frozenset(credential.region_set)
        if not regions or not regions <= open_regions:
            return "the region set of the signature reaches beyond the regions that are open"
        return None
    if endpoint.region is None or endpoint.any_region_scope:
        if credential.region in open_regions or credential.region == endpoint.region:
            return None
    elif credential.region == endpoint.region:
        return None
    return f'the credential scope names region "{credential.region}", the endpoint "{endpoint.region}"'
