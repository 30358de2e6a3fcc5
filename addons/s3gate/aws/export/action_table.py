"""The IAM actions that AWS asks for each S3 operation: one reviewed row each.

The normal case: GetObject is authorised by `s3:GetObject`, with a version id by
`s3:GetObjectVersion`; a row names both, for a policy does not see the request. An
operation of botocore without a row here fails the build, as in s3/operation_table.py.

Source: Service Authorization Reference, "API operations defined by Amazon S3", and the
permissions section of each operation in the S3 API reference. What headers ask in addition
(tags, locks, ACLs) is asked by the gate as an operation of its own, so it has its own row;
for the canned ACLs that give nothing away see `grant.py`.
"""

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final


@unique
class Level(StrEnum):
    """What an action's resource is."""

    OBJECT = "object"
    BUCKET = "bucket"
    NONE = "none"  # no bucket is named: the gate allows no such request


@dataclass(frozen=True, slots=True)
class Row:
    """The actions of one operation.

    Args:
        level: what they are authorised on.
        actions: with their service prefix; every one is needed for some request of the operation.
    """

    level: Level
    actions: tuple[str, ...]


def _object(words: str) -> Row:
    return Row(Level.OBJECT, _actions(words))


def _bucket(words: str) -> Row:
    return Row(Level.BUCKET, _actions(words))


def _actions(words: str) -> tuple[str, ...]:
    return tuple(word if ":" in word else f"s3:{word}" for word in words.split())


CREATE_SESSION: Final = "s3express:CreateSession"
"""All that S3 asks of a request to an object in a directory bucket (S3 user guide, S3 Express)."""

_READ_OBJECT: Final = _object("GetObject GetObjectVersion")
_PUT_OBJECT: Final = _object("PutObject")
_DELETE_OBJECT: Final = _object("DeleteObject DeleteObjectVersion")
_LIST_BUCKET: Final = _bucket("ListBucket")

ACTIONS: Final[dict[str, Row]] = {
    "AbortMultipartUpload": _object("AbortMultipartUpload"),
    "CompleteMultipartUpload": _PUT_OBJECT,
    "CopyObject": _PUT_OBJECT,  # reading the source is granted by the source's rule
    "CreateBucket": _bucket("CreateBucket"),
    "CreateBucketMetadataConfiguration": _bucket("CreateBucketMetadataTableConfiguration"),
    "CreateBucketMetadataTableConfiguration": _bucket("CreateBucketMetadataTableConfiguration"),
    "CreateMultipartUpload": _PUT_OBJECT,
    "CreateSession": _bucket(CREATE_SESSION),
    "DeleteBucket": _bucket("DeleteBucket"),
    "DeleteBucketAnalyticsConfiguration": _bucket("PutAnalyticsConfiguration"),
    "DeleteBucketCors": _bucket("PutBucketCORS"),
    "DeleteBucketEncryption": _bucket("PutEncryptionConfiguration"),
    "DeleteBucketIntelligentTieringConfiguration": _bucket("PutIntelligentTieringConfiguration"),
    "DeleteBucketInventoryConfiguration": _bucket("PutInventoryConfiguration"),
    "DeleteBucketLifecycle": _bucket("PutLifecycleConfiguration"),
    "DeleteBucketMetadataConfiguration": _bucket("DeleteBucketMetadataTableConfiguration"),
    "DeleteBucketMetadataTableConfiguration": _bucket("DeleteBucketMetadataTableConfiguration"),
    "DeleteBucketMetricsConfiguration": _bucket("PutMetricsConfiguration"),
    "DeleteBucketOwnershipControls": _bucket("PutBucketOwnershipControls"),
    "DeleteBucketPolicy": _bucket("DeleteBucketPolicy"),
    "DeleteBucketReplication": _bucket("PutReplicationConfiguration"),
    "DeleteBucketTagging": _bucket("PutBucketTagging"),
    "DeleteBucketWebsite": _bucket("DeleteBucketWebsite"),
    "DeleteObject": _DELETE_OBJECT,
    "DeleteObjectAnnotation": _object("DeleteObjectAnnotation DeleteObjectVersionAnnotation"),
    "DeleteObjectTagging": _object("DeleteObjectTagging DeleteObjectVersionTagging"),
    "DeleteObjects": _DELETE_OBJECT,
    "DeletePublicAccessBlock": _bucket("PutBucketPublicAccessBlock"),
    "GetBucketAbac": _bucket("GetBucketAbac"),
    "GetBucketAccelerateConfiguration": _bucket("GetAccelerateConfiguration"),
    "GetBucketAcl": _bucket("GetBucketAcl"),
    "GetBucketAnalyticsConfiguration": _bucket("GetAnalyticsConfiguration"),
    "GetBucketCors": _bucket("GetBucketCORS"),
    "GetBucketEncryption": _bucket("GetEncryptionConfiguration"),
    "GetBucketIntelligentTieringConfiguration": _bucket("GetIntelligentTieringConfiguration"),
    "GetBucketInventoryConfiguration": _bucket("GetInventoryConfiguration"),
    "GetBucketLifecycle": _bucket("GetLifecycleConfiguration"),
    "GetBucketLifecycleConfiguration": _bucket("GetLifecycleConfiguration"),
    "GetBucketLocation": _bucket("GetBucketLocation"),
    "GetBucketLogging": _bucket("GetBucketLogging"),
    "GetBucketMetadataConfiguration": _bucket("GetBucketMetadataTableConfiguration"),
    "GetBucketMetadataTableConfiguration": _bucket("GetBucketMetadataTableConfiguration"),
    "GetBucketMetricsConfiguration": _bucket("GetMetricsConfiguration"),
    "GetBucketNotification": _bucket("GetBucketNotification"),
    "GetBucketNotificationConfiguration": _bucket("GetBucketNotification"),
    "GetBucketOwnershipControls": _bucket("GetBucketOwnershipControls"),
    "GetBucketPolicy": _bucket("GetBucketPolicy"),
    "GetBucketPolicyStatus": _bucket("GetBucketPolicyStatus"),
    "GetBucketReplication": _bucket("GetReplicationConfiguration"),
    "GetBucketRequestPayment": _bucket("GetBucketRequestPayment"),
    "GetBucketTagging": _bucket("GetBucketTagging"),
    "GetBucketVersioning": _bucket("GetBucketVersioning"),
    "GetBucketWebsite": _bucket("GetBucketWebsite"),
    "GetObject": _READ_OBJECT,
    "GetObjectAcl": _object("GetObjectAcl GetObjectVersionAcl"),
    "GetObjectAnnotation": _object("GetObjectAnnotation GetObjectVersionAnnotation"),
    "GetObjectAttributes": _object(
        "GetObject GetObjectVersion GetObjectAttributes GetObjectVersionAttributes"
    ),
    "GetObjectLegalHold": _object("GetObjectLegalHold"),
    "GetObjectLockConfiguration": _bucket("GetBucketObjectLockConfiguration"),
    "GetObjectRetention": _object("GetObjectRetention"),
    "GetObjectTagging": _object("GetObjectTagging GetObjectVersionTagging"),
    "GetObjectTorrent": _object("GetObject GetObjectTorrent GetObjectVersionTorrent"),
    "GetPublicAccessBlock": _bucket("GetBucketPublicAccessBlock"),
    "HeadBucket": _LIST_BUCKET,
    "HeadObject": _READ_OBJECT,
    "ListBucketAnalyticsConfigurations": _bucket("GetAnalyticsConfiguration"),
    "ListBucketIntelligentTieringConfigurations": _bucket("GetIntelligentTieringConfiguration"),
    "ListBucketInventoryConfigurations": _bucket("GetInventoryConfiguration"),
    "ListBucketMetricsConfigurations": _bucket("GetMetricsConfiguration"),
    "ListBuckets": Row(Level.NONE, _actions("ListAllMyBuckets")),
    "ListDirectoryBuckets": Row(Level.NONE, _actions("s3express:ListAllMyDirectoryBuckets")),
    "ListMultipartUploads": _bucket("ListBucketMultipartUploads"),
    "ListObjectAnnotations": _object("ListObjectAnnotations ListObjectVersionAnnotations"),
    "ListObjectVersions": _bucket("ListBucketVersions"),
    "ListObjects": _LIST_BUCKET,
    "ListObjectsV2": _LIST_BUCKET,
    "ListParts": _object("ListMultipartUploadParts"),
    "PutBucketAbac": _bucket("PutBucketAbac"),
    "PutBucketAccelerateConfiguration": _bucket("PutAccelerateConfiguration"),
    "PutBucketAcl": _bucket("PutBucketAcl"),
    "PutBucketAnalyticsConfiguration": _bucket("PutAnalyticsConfiguration"),
    "PutBucketCors": _bucket("PutBucketCORS"),
    "PutBucketEncryption": _bucket("PutEncryptionConfiguration"),
    "PutBucketIntelligentTieringConfiguration": _bucket("PutIntelligentTieringConfiguration"),
    "PutBucketInventoryConfiguration": _bucket("PutInventoryConfiguration"),
    "PutBucketLifecycle": _bucket("PutLifecycleConfiguration"),
    "PutBucketLifecycleConfiguration": _bucket("PutLifecycleConfiguration"),
    "PutBucketLogging": _bucket("PutBucketLogging"),
    "PutBucketMetricsConfiguration": _bucket("PutMetricsConfiguration"),
    "PutBucketNotification": _bucket("PutBucketNotification"),
    "PutBucketNotificationConfiguration": _bucket("PutBucketNotification"),
    "PutBucketOwnershipControls": _bucket("PutBucketOwnershipControls"),
    "PutBucketPolicy": _bucket("PutBucketPolicy"),
    "PutBucketReplication": _bucket("PutReplicationConfiguration"),
    "PutBucketRequestPayment": _bucket("PutBucketRequestPayment"),
    "PutBucketTagging": _bucket("PutBucketTagging"),
    "PutBucketVersioning": _bucket("PutBucketVersioning"),
    "PutBucketWebsite": _bucket("PutBucketWebsite"),
    "PutObject": _PUT_OBJECT,
    "PutObjectAcl": _object("PutObjectAcl PutObjectVersionAcl"),
    "PutObjectAnnotation": _object("PutObjectAnnotation PutObjectVersionAnnotation"),
    "PutObjectLegalHold": _object("PutObjectLegalHold"),
    "PutObjectLockConfiguration": _bucket("PutBucketObjectLockConfiguration"),
    "PutObjectRetention": _object("PutObjectRetention BypassGovernanceRetention"),
    "PutObjectTagging": _object("PutObjectTagging PutObjectVersionTagging"),
    "PutPublicAccessBlock": _bucket("PutBucketPublicAccessBlock"),
    "RenameObject": _bucket(CREATE_SESSION),  # of directory buckets only
    "RestoreObject": _object("RestoreObject"),
    "SelectObjectContent": _object("GetObject"),
    "UpdateBucketMetadataAnnotationTableConfiguration": _bucket(
        "UpdateBucketMetadataAnnotationTableConfiguration"
    ),
    "UpdateBucketMetadataInventoryTableConfiguration": _bucket(
        "UpdateBucketMetadataInventoryTableConfiguration"
    ),
    "UpdateBucketMetadataJournalTableConfiguration": _bucket("UpdateBucketMetadataJournalTableConfiguration"),
    "UpdateObjectEncryption": _object("UpdateObjectEncryption"),
    "UploadPart": _PUT_OBJECT,
    "UploadPartCopy": _PUT_OBJECT,
    "WriteGetObjectResponse": Row(Level.NONE, _actions("s3-object-lambda:WriteGetObjectResponse")),
}
"""Every operation of botocore's S3 model."""

DIRECTORY_BUCKET: Final[dict[str, str]] = {
    name: f"s3express:{action}"
    for name, action in (
        ("CreateBucket", "CreateBucket"),
        ("DeleteBucket", "DeleteBucket"),
        ("DeleteBucketEncryption", "PutEncryptionConfiguration"),
        ("DeleteBucketInventoryConfiguration", "PutInventoryConfiguration"),
        ("DeleteBucketLifecycle", "PutLifecycleConfiguration"),
        ("DeleteBucketMetricsConfiguration", "PutMetricsConfiguration"),
        ("DeleteBucketPolicy", "DeleteBucketPolicy"),
        ("GetBucketEncryption", "GetEncryptionConfiguration"),
        ("GetBucketInventoryConfiguration", "GetInventoryConfiguration"),
        ("GetBucketLifecycleConfiguration", "GetLifecycleConfiguration"),
        ("GetBucketMetricsConfiguration", "GetMetricsConfiguration"),
        ("GetBucketPolicy", "GetBucketPolicy"),
        ("ListBucketInventoryConfigurations", "GetInventoryConfiguration"),
        ("ListBucketMetricsConfigurations", "GetMetricsConfiguration"),
        ("PutBucketEncryption", "PutEncryptionConfiguration"),
        ("PutBucketInventoryConfiguration", "PutInventoryConfiguration"),
        ("PutBucketLifecycleConfiguration", "PutLifecycleConfiguration"),
        ("PutBucketMetricsConfiguration", "PutMetricsConfiguration"),
        ("PutBucketPolicy", "PutBucketPolicy"),
    )
}
"""What S3 Express asks beside `CREATE_SESSION`: the operations on a directory bucket itself."""

THROUGH_ACCESS_POINT: Final = frozenset(
    _actions(
        "GetBucketAcl GetBucketCORS GetBucketLocation GetBucketNotification GetBucketPolicy "
        "ListBucket ListBucketMultipartUploads ListBucketVersions"
    )
)
"""Bucket actions that an access point knows (S3 user guide, access point compatibility)."""

BESIDE_ACCESS_POINT: Final = frozenset(_actions("ListBucketMultipartUploads"))
"""Those of them that have no access point for a resource (Service Authorization Reference, S3)."""

NOT_THROUGH_ACCESS_POINT: Final = frozenset({"GetObjectTorrent"})
"""Operations on objects that an access point does not know (the same)."""

WITH_PREFIX: Final = frozenset(_actions("ListBucket ListBucketVersions"))
"""Actions for which `s3:prefix` exists (Service Authorization Reference, S3)."""
