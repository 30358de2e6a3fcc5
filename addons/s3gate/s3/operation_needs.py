"""What a request asks beside its operation: ACLs, tags, locks, keys of its own, redirects.

S3 takes each of these from an `x-amz-…` header or from the query parameter of that
name; both are merged before this file judges them. A need is the name of the
operation that would do the same on its own.
"""

import re
from collections.abc import Mapping
from typing import Final

HARMLESS_ACLS: Final = frozenset({"private", "bucket-owner-read", "bucket-owner-full-control"})
"""Canned ACLs that give nothing to anybody but the two owners (S3 user guide, canned ACL)."""

CUSTOMER_KEY: Final = "customer-key"
"""`Operation.encryption` for SSE-C: a key that only the client has."""

# A location that starts with `/` stays on the same website; any other sends visitors elsewhere. So do, to
# browsers, `//`, `/\\`, and either of them with tabs or line breaks between (WHATWG URL, basic URL parser).
_SAME_SITE: Final = re.compile(r"/(?:[!-.0-\[\]-~][!-\[\]-~]*)?", re.ASCII)

_CUSTOMER: Final = "x-amz-server-side-encryption-customer-"
_KMS_KEY: Final = "x-amz-server-side-encryption-aws-kms-key-id"

_NEEDS: Final = {
    "x-amz-tagging": "PutObjectTagging",
    "x-amz-object-lock-legal-hold": "PutObjectLegalHold",
    "x-amz-object-lock-mode": "PutObjectRetention",
    "x-amz-object-lock-retain-until-date": "PutObjectRetention",
    "x-amz-object-lock-event-hold": "PutObjectRetention",
    "x-amz-object-lock-event-hold-duration-days": "PutObjectRetention",
    "x-amz-object-lock-event-hold-duration-years": "PutObjectRetention",
    # IAM asks s3:BypassGovernanceRetention, which only the retention operations otherwise need
    "x-amz-bypass-governance-retention": "PutObjectRetention",
}


def find_needs(values: Mapping[str, str], depth: str) -> set[str]:
    """Names of further operations that these values amount to.

    Args:
        values: lower-case `x-amz-…` name → value, of headers and query together.
        depth: `bucket` or `object`: which ACL a grant would change.
    """
    needs: set[str] = set()
    acl = "PutBucketAcl" if depth == "bucket" else "PutObjectAcl"
    for name, value in values.items():
        if name in _NEEDS:
            needs.add(_NEEDS[name])
        elif name.startswith("x-amz-grant-") or (name == "x-amz-acl" and value not in HARMLESS_ACLS):
            needs.add(acl)
    location = values.get("x-amz-website-redirect-location")
    if location is not None and _SAME_SITE.fullmatch(location) is None:
        needs.add("PutBucketWebsite")
    return needs


def find_encryption(values: Mapping[str, str]) -> str | None:
    """The key that a write brings along.

    Args:
        values: lower-case `x-amz-…` name → value, of headers and query together.

    Returns:
        `CUSTOMER_KEY` for SSE-C, the KMS key id or ARN as written when one is named, else None.
    """
    for name in values:
        if name.startswith(_CUSTOMER):
            return CUSTOMER_KEY
    return values.get(_KMS_KEY) or None
