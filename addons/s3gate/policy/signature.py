"""Does the signature bind this request to a known signer, here and now?

The normal case: Signature Version 4 by a current key, with a credential scope of
this endpoint's region and service. Whether the signature is *right* only AWS can
tell; it refuses what is not, so that the key id names the account truly.

- The service is the one that clients sign for this class of endpoint: `s3`, or `s3express`,
  `s3-object-lambda`, `s3-outposts`.
- Names without a region take any region that is open. Signature Version 4A names a set: it must hold
  the endpoint's region and nothing that is closed. `*` is taken where every client writes it because
  the name leaves no choice: multi-region access points, and access points on an Outpost.
- A session of S3 Express has keys of its own, made by CreateSession for one bucket, which is judged as
  a request of the caller's keys. Where a rule lists accounts, each use must tell its account as well:
  a session key that does not is refused there, because the session may have been opened elsewhere.
- A website verifies no signature: whatever one says there proves nothing, so none is taken.
"""

from datetime import datetime
from typing import Final

from s3gate.policy.decision import Reason
from s3gate.policy.model import Policy
from s3gate.s3.credential import Credential, SignatureVersion
from s3gate.s3.endpoint import AwsName, Endpoint, EndpointClass, Foreign, OtherService

Named = Endpoint | OtherService | AwsName | Foreign

S3_SERVICE: Final = "s3"
# The signing names in the rules of botocore's endpoint-rule-set-1.json for S3, where they are not `s3`.
_SERVICES: Final = {
    EndpointClass.EXPRESS: "s3express",
    EndpointClass.OBJECT_LAMBDA: "s3-object-lambda",
    EndpointClass.OUTPOSTS: "s3-outposts",
}
ANY_REGION: Final = "*"  # SigV4A: the region set of the same rules for what follows
_ANY_REGION_SET: Final = frozenset({EndpointClass.MRAP, EndpointClass.OUTPOSTS})
# Newer than Signature Version 2: no client signs for them with it.
_NOT_V2: Final = frozenset(
    {EndpointClass.ACCESS_POINT, EndpointClass.MRAP, EndpointClass.WEBSITE} | _SERVICES.keys()
)


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
    endpoint = named if isinstance(named, Endpoint) else None
    if credential is None:
        if policy.unsigned or unsigned_exempt:
            return None
        return Reason.UNSIGNED_REQUEST, "the request is not signed"
    if endpoint is not None and endpoint.endpoint_class is EndpointClass.WEBSITE:
        return Reason.UNSIGNED_REQUEST, "a website verifies no signature; it takes anonymous requests alone"
    if credential.version is SignatureVersion.V2:
        return _v2_problem(policy, now, endpoint, credential)
    if credential.expires_at is not None and credential.expires_at <= now:
        return Reason.CREDENTIAL_EXPIRED, "the presigned URL has expired"
    if endpoint is not None:
        problem = _scope_problem(policy, endpoint, credential)
        if problem is not None:
            return Reason.CREDENTIAL_SCOPE_MISMATCH, problem
        if credential.uncovered is not None:
            detail = f"header `{credential.uncovered[:64]}` is not covered by the signature; S3 refuses it"
            return Reason.UNSIGNED_REQUEST, detail
    return None


def signing_service(endpoint: Endpoint) -> str:
    """The service that clients write into the credential scope for an endpoint."""
    return _SERVICES.get(endpoint.endpoint_class, S3_SERVICE)


def _v2_problem(
    policy: Policy, now: datetime, endpoint: Endpoint | None, credential: Credential
) -> tuple[Reason, str] | None:
    if not policy.sigv2 or (endpoint is not None and not endpoint.needs.isdisjoint(_NOT_V2)):
        detail = "Signature Version 2 does not sign the host; use Signature Version 4"
        return Reason.SIGNATURE_VERSION, detail
    if credential.expires_at is not None and credential.expires_at <= now:
        return Reason.CREDENTIAL_EXPIRED, "the presigned URL has expired"
    return None


def _scope_problem(policy: Policy, endpoint: Endpoint, credential: Credential) -> str | None:
    wanted = signing_service(endpoint)
    if credential.service != wanted:
        return f'the credential scope names service "{credential.service}", the endpoint "{wanted}"'
    if credential.version is SignatureVersion.V4A:
        return _region_set_problem(policy, endpoint, credential)
    if credential.version is SignatureVersion.EXPRESS and endpoint.label is None:
        return "a session of S3 Express is for its own bucket's host"
    if credential.region == endpoint.region:
        return None
    if endpoint.any_region_scope and credential.region in policy.regions:
        return None
    return f'the credential scope names region "{credential.region}", the endpoint "{endpoint.region}"'


def _region_set_problem(policy: Policy, endpoint: Endpoint, credential: Credential) -> str | None:
    regions = frozenset(credential.region_set)
    if regions == {ANY_REGION} and endpoint.endpoint_class in _ANY_REGION_SET:
        return None
    if not regions or not regions <= policy.regions:
        return "the region set of the signature reaches beyond the regions that are open"
    if not endpoint.any_region_scope and endpoint.region not in regions:
        return f'the region set of the signature leaves out "{endpoint.region}", the endpoint\'s region'
    return None
