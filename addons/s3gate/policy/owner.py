"""Is it proven which account owns what a request names?

The normal case: a signed `x-amz-expected-bucket-owner`, which S3 itself compares with
the owner before it does anything. Two more proofs need no header: the name of a bucket
in an account's own namespace, and the account of an access point. Whoever registers a
freed bucket name has none of them.

1. An access point tells its account; a multi-region one does not: S3 finds it by its alias alone.
2. `prefix-ACCOUNT-REGION-an` can be created by that account only, but the name proves it only at an
   endpoint of that region, or where the credential's scope names the region instead. A copy source
   has no region, so there it proves nothing.
3. The header, or the query parameter of a presigned request, counts when the signature covers it, and
   the operation is one of those for which S3 compares it. Object Lambda and Outposts are not known to.
"""

from typing import NamedTuple

from s3gate.s3.bucket import namespace_of
from s3gate.s3.credential import Credential, SignatureVersion
from s3gate.s3.head import Head
from s3gate.s3.operation_index import OWNER_CHECKS
from s3gate.s3.query import Query


class Claim(NamedTuple):
    """What a request shows about the owner of one resource.

    Args:
        credential: who signed what; None proves nothing by a header.
        header: the lower-case name of the header that counts; None where S3 compares none.
        operation: what the request is, by its name.
        bucket: the bucket's name, None for an access point.
        region: where S3 looks for the bucket; None when the request does not fix it.
        account: of the access point, None when there is none or its name does not tell.
    """

    head: Head
    query: Query
    credential: Credential | None
    header: str | None
    operation: str
    bucket: str | None
    region: str | None
    account: str | None


def proves_owner(claim: Claim, owner: str) -> bool:
    """Whether S3 will take nothing to anybody but `owner`.

    Args:
        claim: what the request shows.
        owner: account id, twelve digits.
    """
    named = namespace_of(claim.bucket) if claim.bucket is not None and claim.region is not None else None
    return claim.account == owner or named == (owner, claim.region) or _is_expected(claim, owner)


def _is_expected(claim: Claim, owner: str) -> bool:
    """Proof 3. A presigned Signature Version 2 covers headers, but not parameters of their names."""
    header, credential = claim.header, claim.credential
    if header is None or credential is None or claim.operation not in OWNER_CHECKS[header]:
        return False
    if header in claim.head.headers:
        return header in credential.signed_headers and claim.head.headers[header] == owner
    if not credential.presigned or credential.version is SignatureVersion.V2:
        return False
    return any(name.lower() == header and value == owner for name, value in claim.query.values.items())
