"""What rides on a request is named as the operation that it amounts to."""

import pytest

from s3gate.s3.operation_needs import CUSTOMER_KEY, find_encryption, find_needs

NEEDS: dict[str, tuple[dict[str, str], set[str]]] = {
    "nothing": ({"x-amz-date": "x"}, set()),
    "private": ({"x-amz-acl": "private"}, set()),
    "owner reads": ({"x-amz-acl": "bucket-owner-read"}, set()),
    "owner controls": ({"x-amz-acl": "bucket-owner-full-control"}, set()),
    "public": ({"x-amz-acl": "public-read"}, {"PutObjectAcl"}),
    "unknown acl": ({"x-amz-acl": "Private"}, {"PutObjectAcl"}),
    "empty acl": ({"x-amz-acl": ""}, {"PutObjectAcl"}),
    "grant": ({"x-amz-grant-read": "id=1"}, {"PutObjectAcl"}),
    "future grant": ({"x-amz-grant-anything": "id=1"}, {"PutObjectAcl"}),
    "tags": ({"x-amz-tagging": "a=b"}, {"PutObjectTagging"}),
    "hold": ({"x-amz-object-lock-legal-hold": "ON"}, {"PutObjectLegalHold"}),
    "mode": ({"x-amz-object-lock-mode": "COMPLIANCE"}, {"PutObjectRetention"}),
    "until": ({"x-amz-object-lock-retain-until-date": "2099-01-01"}, {"PutObjectRetention"}),
    "event hold": ({"x-amz-object-lock-event-hold": "ON"}, {"PutObjectRetention"}),
    "bypass": ({"x-amz-bypass-governance-retention": "true"}, {"PutObjectRetention"}),
    "redirect inside": ({"x-amz-website-redirect-location": "/other"}, set()),
    "redirect to the root": ({"x-amz-website-redirect-location": "/"}, set()),
    "redirect inside, deep": ({"x-amz-website-redirect-location": "/a/b.html?x=y#z"}, set()),
    "redirect with backslash": (
        {"x-amz-website-redirect-location": "/\\evil.example/"},
        {"PutBucketWebsite"},
    ),
    "redirect with a tab between": (
        {"x-amz-website-redirect-location": "/\t/evil.example/"},
        {"PutBucketWebsite"},
    ),
    "redirect with a line break": (
        {"x-amz-website-redirect-location": "/a\r\nLocation: https://evil.example/"},
        {"PutBucketWebsite"},
    ),
    "redirect with a blank": ({"x-amz-website-redirect-location": "/ /evil.example/"}, {"PutBucketWebsite"}),
    "redirect with a byte outside ASCII": (
        {"x-amz-website-redirect-location": "/\xa0//evil.example/"},
        {"PutBucketWebsite"},
    ),
    "redirect with a line break at its end": (
        {"x-amz-website-redirect-location": "/a\n"},
        {"PutBucketWebsite"},
    ),
    "redirect with nothing": ({"x-amz-website-redirect-location": ""}, {"PutBucketWebsite"}),
    "redirect out": ({"x-amz-website-redirect-location": "https://evil.example/"}, {"PutBucketWebsite"}),
    "redirect out, no scheme": ({"x-amz-website-redirect-location": "//evil.example/"}, {"PutBucketWebsite"}),
}


@pytest.mark.parametrize(("values", "needs"), NEEDS.values(), ids=NEEDS.keys())
def test_needs(values: dict[str, str], needs: set[str]) -> None:
    assert find_needs(values, "object") == needs


def test_a_grant_on_a_bucket_is_the_buckets() -> None:
    assert find_needs({"x-amz-acl": "public-read"}, "bucket") == {"PutBucketAcl"}
    assert find_needs({"x-amz-grant-write": "id=1"}, "bucket") == {"PutBucketAcl"}


def test_keys_that_a_write_brings() -> None:
    sse = "x-amz-server-side-encryption"
    assert find_encryption({sse: "AES256"}) is None
    assert find_encryption({sse: "aws:kms"}) is None
    assert find_encryption({f"{sse}-aws-kms-key-id": "arn:aws:kms:x:1:key/k"}) == "arn:aws:kms:x:1:key/k"
    assert find_encryption({f"{sse}-aws-kms-key-id": ""}) is None
    assert find_encryption({f"{sse}-customer-algorithm": "AES256"}) == CUSTOMER_KEY
    assert find_encryption({"x-amz-copy-source-server-side-encryption-customer-key": "x"}) is None
