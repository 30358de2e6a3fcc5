"""Names that signing and the SDKs add to a request, beside the members of its operation.

One place for the lists that `operation.py` and `credential.py` share.
"""

from typing import Final

V4_QUERY: Final = {
    "x-amz-algorithm": "X-Amz-Algorithm",
    "x-amz-credential": "X-Amz-Credential",
    "x-amz-date": "X-Amz-Date",
    "x-amz-expires": "X-Amz-Expires",
    "x-amz-signedheaders": "X-Amz-SignedHeaders",
    "x-amz-signature": "X-Amz-Signature",
}
"""Folded name → its one spelling in a presigned request (S3 API reference, query string auth)."""

V2_QUERY: Final = {"awsaccesskeyid": "AWSAccessKeyId", "signature": "Signature", "expires": "Expires"}
"""The same for a presigned SigV2 request (S3 developer guide, RESTAuthentication)."""

SECURITY_TOKEN: Final = "x-amz-security-token"  # noqa: S105  # a header name
REGION_SET: Final = "x-amz-region-set"
SESSION_TOKEN: Final = "x-amz-s3session-token"  # noqa: S105  # a header name

SIGNING_HEADERS: Final = frozenset(
    {
        # signature version 4, 4A and S3 Express
        "x-amz-date", "x-amz-content-sha256", REGION_SET, SECURITY_TOKEN, SESSION_TOKEN,
        # aws-chunked bodies
        "x-amz-decoded-content-length", "x-amz-trailer",
        # browsers and the Java SDK say here what they are
        "x-amz-user-agent",
        # Go SDK v1: ask for a checksum after the body of GetObject
        "x-amz-te",
        # checksum choice of any SDK
        "x-amz-sdk-checksum-algorithm", "x-amz-checksum-mode", "x-amz-checksum-algorithm",
        "x-amz-checksum-type",
    }
)  # fmt: skip
"""x-amz- headers that any operation may carry; in the query of a presigned URL too."""
