"""A request as if a key had signed it: for questions about the policy, not for AWS.

The normal case: SigV4 in the header, the scope of the host's region and of the clock's
day, every header covered that AWS wants covered. The signature itself says nothing.
"""

from dataclasses import replace
from datetime import UTC
from typing import Final

from s3gate.policy.reading import Request
from s3gate.policy.signature import signing_service
from s3gate.s3.endpoint import AwsName, Endpoint, classify_host
from s3gate.s3.host import parse_authority
from s3gate.s3.refusal import ReadError

NO_SIGNATURE: Final = "0" * 64
"""In the place of the signature: hex SHA-256 digits, as SigV4 has them."""

# Headers that SigV4 clients cover: AWS General Reference, "Create a signed request", step 1.
_COVERED: Final = ("content-md5", "content-type", "host")


def sign_as(request: Request, key_id: str) -> Request:
    """The request with the headers of a signature by a key.

    Args:
        request: its authority gives region and service of the scope, its `now` the date.
        key_id: access key id; the account is read from it.
    """
    region, service = _scope(request.authority or "")
    stamp = request.now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = (*request.headers, ("x-amz-date", stamp), ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"))
    names = {name.lower() for name, _ in headers}
    covered = sorted(name for name in names if name in _COVERED or name.startswith("x-amz-"))
    value = (
        f"AWS4-HMAC-SHA256 Credential={key_id}/{stamp[:8]}/{region}/{service}/aws4_request, "
        f"SignedHeaders={';'.join(covered)}, Signature={NO_SIGNATURE}"
    )
    return replace(request, headers=(*headers, ("Authorization", value)))


def _scope(authority: str) -> tuple[str, str]:
    """Region and service of a credential scope, as a client takes them from the host."""
    try:
        place = classify_host(parse_authority(authority).name)
    except ReadError:
        return "us-east-1", "s3"
    if isinstance(place, Endpoint):
        return place.region or "us-east-1", signing_service(place)
    if isinstance(place, AwsName):
        service, _, rest = place.host.partition(".")
        return rest.partition(".")[0], service
    return "us-east-1", "s3"
