"""Steps 9 and 10 by the name alone: is the endpoint open, and what stands in the bucket's place?

The normal case: a listed class, region and partition, and a bucket. `deny_at: connect`
asks the same before there is a request.
"""

from s3gate.policy.case import Case, Refusal
from s3gate.policy.decision import Reason
from s3gate.policy.walk import refuse_step
from s3gate.s3.address import S3Address
from s3gate.s3.endpoint import AwsName, Endpoint, EndpointClass


def foreign(name: str) -> Refusal:
    """The refusal of a name that is no AWS name, or one that our CA may not sign for."""
    detail = f'"{name}" is neither an S3 name nor a listed AWS service'
    return Refusal(Reason.HOST_NOT_LISTED, detail, final=True)


def unlisted_service(named: AwsName) -> Refusal:
    """The refusal of an AWS name that is neither S3's nor listed under `hosts`."""
    if named.s3_family:
        detail = f'"{named.host}" looks like an S3 name but is none that S3 is known to answer to'
        return Refusal(Reason.ENDPOINT_NOT_ALLOWED, detail, final=True)
    detail = f'AWS name "{named.host}" is not on the egress allowlist'
    return Refusal(Reason.HOST_NOT_LISTED, detail, final=named.customer_owned)


def step_endpoint(case: Case, endpoint: Endpoint) -> None:
    """Step 9, by the name alone."""
    policy = case.policy
    if endpoint.partition not in policy.partitions:
        detail = f'partition "{endpoint.partition}" is not open'
        refuse_step(case, Refusal(Reason.ENDPOINT_NOT_ALLOWED, detail))
    missing = endpoint.needs - policy.classes
    if missing:
        detail = f'endpoints of class "{min(missing)}" are not open'
        refuse_step(case, Refusal(Reason.ENDPOINT_NOT_ALLOWED, detail))
    if endpoint.vpce is not None and endpoint.vpce not in policy.vpce:
        detail = f'interface endpoint "{endpoint.vpce}" is not listed'
        refuse_step(case, Refusal(Reason.ENDPOINT_NOT_ALLOWED, detail))
    if endpoint.region is not None and endpoint.region not in policy.regions:
        detail = f'region "{endpoint.region}" is not open'
        refuse_step(case, Refusal(Reason.REGION_NOT_ALLOWED, detail))


def path_style_refused() -> Refusal:
    """The refusal of a bucket named in the path where the policy says no."""
    detail = "path-style requests are not allowed; name the bucket in the host"
    return Refusal(Reason.PATH_STYLE_NOT_ALLOWED, detail)


def step_place(case: Case, address: S3Address) -> None:
    """Step 9, by what stands in the bucket's place."""
    misplaced = _misplaced(case, address)
    if misplaced is not None:
        refuse_step(case, Refusal(Reason.ENDPOINT_NOT_ALLOWED, misplaced))
    if address.bucket is None and case.point is None:
        detail = "the request names no bucket; requests across buckets are not allowed"
        refuse_step(case, Refusal(Reason.NO_BUCKET, detail))


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


def unlisted(case: Case, address: S3Address) -> Refusal:
    """The refusal of a bucket or access point without a rule."""
    named = f'bucket "{address.bucket}"' if case.point is None else f'access point "{case.point.arn}"'
    return Refusal(Reason.BUCKET_NOT_LISTED, f"{named} is not on the egress allowlist")
