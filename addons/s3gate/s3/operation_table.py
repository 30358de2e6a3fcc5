"""The reviewed class of every S3 operation: one row each, with its reason.

An operation of botocore's model without a row here is refused at run time and fails
the build (tests/s3gate/s3/test_operation_table.py): a new botocore opens no way.
`admin` holds what opens a way out or in for others, now or later; reading a bucket's
configuration changes nothing and is `read`.
"""

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final


@unique
class OperationClass(StrEnum):
    """What an operation does, as the policy's `allow:` writes it."""

    READ = "read"
    WRITE = "write"
    LIST = "list"
    DELETE = "delete"
    ADMIN = "admin"


READ, WRITE, LIST, DELETE, ADMIN = OperationClass


@dataclass(frozen=True, slots=True)
class Row:
    """One reviewed row.

    Args:
        operation_class: None for an operation that is refused always.
        reason: why this class.
        now: today's name when the model keeps an older one for the same request.
    """

    operation_class: OperationClass | None
    reason: str
    now: str | None = None


_CONFIG = "shows configuration of the bucket, changes nothing"
_SHOWS = "shows metadata of one object, changes nothing"
_SECOND = "names a second bucket or a service in its body"
_GUARD = "weakens or moves a guard of the bucket"
_METADATA = "writes the bucket's metadata into tables that others may read"
_LOCK = "locks data against its owner for years, or unlocks it"

ROWS: Final[dict[str, Row]] = {
    "AbortMultipartUpload": Row(WRITE, "gives up one's own unfinished upload; no object is removed"),
    "CompleteMultipartUpload": Row(WRITE, "makes the object of an upload"),
    "CopyObject": Row(WRITE, "writes the target; reading the source is judged by the source's rule"),
    "CreateBucket": Row(ADMIN, "a new bucket is a new place to send data to"),
    "CreateBucketMetadataConfiguration": Row(ADMIN, _METADATA),
    "CreateBucketMetadataTableConfiguration": Row(ADMIN, _METADATA),
    "CreateMultipartUpload": Row(WRITE, "begins an upload and fixes its headers"),
    "CreateSession": Row(READ, "gives keys for one directory bucket; each use is judged again"),
    "DeleteBucket": Row(ADMIN, "frees the name for anybody to register"),
    "DeleteBucketAnalyticsConfiguration": Row(ADMIN, _GUARD),
    "DeleteBucketCors": Row(ADMIN, _GUARD),
    "DeleteBucketEncryption": Row(ADMIN, _GUARD),
    "DeleteBucketIntelligentTieringConfiguration": Row(ADMIN, _GUARD),
    "DeleteBucketInventoryConfiguration": Row(ADMIN, _GUARD),
    "DeleteBucketLifecycle": Row(ADMIN, _GUARD),
    "DeleteBucketMetadataConfiguration": Row(ADMIN, _METADATA),
    "DeleteBucketMetadataTableConfiguration": Row(ADMIN, _METADATA),
    "DeleteBucketMetricsConfiguration": Row(ADMIN, _GUARD),
    "DeleteBucketOwnershipControls": Row(ADMIN, _GUARD),
    "DeleteBucketPolicy": Row(ADMIN, _GUARD),
    "DeleteBucketReplication": Row(ADMIN, _GUARD),
    "DeleteBucketTagging": Row(ADMIN, "bucket tags steer access (ABAC)"),
    "DeleteBucketWebsite": Row(ADMIN, _GUARD),
    "DeleteObject": Row(DELETE, "removes an object or a version"),
    "DeleteObjectAnnotation": Row(DELETE, "removes data attached to an object"),
    "DeleteObjectTagging": Row(WRITE, "changes metadata of one object, as PutObjectTagging does"),
    "DeleteObjects": Row(DELETE, "removes objects; the keys are in the body"),
    "DeletePublicAccessBlock": Row(ADMIN, _GUARD),
    "GetBucketAbac": Row(READ, _CONFIG),
    "GetBucketAccelerateConfiguration": Row(READ, _CONFIG),
    "GetBucketAcl": Row(READ, _CONFIG),
    "GetBucketAnalyticsConfiguration": Row(READ, _CONFIG),
    "GetBucketCors": Row(READ, _CONFIG),
    "GetBucketEncryption": Row(READ, _CONFIG),
    "GetBucketIntelligentTieringConfiguration": Row(READ, _CONFIG),
    "GetBucketInventoryConfiguration": Row(READ, _CONFIG),
    "GetBucketLifecycle": Row(READ, _CONFIG, now="GetBucketLifecycleConfiguration"),
    "GetBucketLifecycleConfiguration": Row(READ, _CONFIG),
    "GetBucketLocation": Row(READ, _CONFIG),
    "GetBucketLogging": Row(READ, _CONFIG),
    "GetBucketMetadataConfiguration": Row(READ, _CONFIG),
    "GetBucketMetadataTableConfiguration": Row(READ, _CONFIG),
    "GetBucketMetricsConfiguration": Row(READ, _CONFIG),
    "GetBucketNotification": Row(READ, _CONFIG, now="GetBucketNotificationConfiguration"),
    "GetBucketNotificationConfiguration": Row(READ, _CONFIG),
    "GetBucketOwnershipControls": Row(READ, _CONFIG),
    "GetBucketPolicy": Row(READ, _CONFIG),
    "GetBucketPolicyStatus": Row(READ, _CONFIG),
    "GetBucketReplication": Row(READ, _CONFIG),
    "GetBucketRequestPayment": Row(READ, _CONFIG),
    "GetBucketTagging": Row(READ, _CONFIG),
    "GetBucketVersioning": Row(READ, _CONFIG),
    "GetBucketWebsite": Row(READ, _CONFIG),
    "GetObject": Row(READ, "reads an object"),
    "GetObjectAcl": Row(READ, _SHOWS),
    "GetObjectAnnotation": Row(READ, "reads data attached to an object"),
    "GetObjectAttributes": Row(READ, _SHOWS),
    "GetObjectLegalHold": Row(READ, _SHOWS),
    "GetObjectLockConfiguration": Row(READ, _CONFIG),
    "GetObjectRetention": Row(READ, _SHOWS),
    "GetObjectTagging": Row(READ, _SHOWS),
    "GetObjectTorrent": Row(READ, "reads a torrent file of an object"),
    "GetPublicAccessBlock": Row(READ, _CONFIG),
    "HeadBucket": Row(READ, "tells that the bucket exists and its region; lists nothing"),
    "HeadObject": Row(READ, _SHOWS),
    "ListBucketAnalyticsConfigurations": Row(READ, _CONFIG),
    "ListBucketIntelligentTieringConfigurations": Row(READ, _CONFIG),
    "ListBucketInventoryConfigurations": Row(READ, _CONFIG),
    "ListBucketMetricsConfigurations": Row(READ, _CONFIG),
    "ListBuckets": Row(LIST, "names the account's buckets; no bucket is asked"),
    "ListDirectoryBuckets": Row(LIST, "names the account's directory buckets; no bucket is asked"),
    "ListMultipartUploads": Row(LIST, "names keys of unfinished uploads"),
    "ListObjectAnnotations": Row(READ, "names the annotations of one object; no key but that of the path"),
    "ListObjectVersions": Row(LIST, "names keys and versions"),
    "ListObjects": Row(LIST, "names keys"),
    "ListObjectsV2": Row(LIST, "names keys"),
    "ListParts": Row(READ, "shows the parts of one unfinished upload; no key but that of the path"),
    "PutBucketAbac": Row(ADMIN, _GUARD),
    "PutBucketAccelerateConfiguration": Row(ADMIN, "opens names without a region"),
    "PutBucketAcl": Row(ADMIN, "gives the bucket to others"),
    "PutBucketAnalyticsConfiguration": Row(ADMIN, _SECOND),
    "PutBucketCors": Row(ADMIN, "lets foreign web pages read"),
    "PutBucketEncryption": Row(ADMIN, "may name a key of another account"),
    "PutBucketIntelligentTieringConfiguration": Row(ADMIN, "moves data out of reach"),
    "PutBucketInventoryConfiguration": Row(ADMIN, _SECOND),
    "PutBucketLifecycle": Row(ADMIN, "deletes data later", now="PutBucketLifecycleConfiguration"),
    "PutBucketLifecycleConfiguration": Row(ADMIN, "deletes data later"),
    "PutBucketLogging": Row(ADMIN, _SECOND),
    "PutBucketMetricsConfiguration": Row(ADMIN, "changes what is watched"),
    "PutBucketNotification": Row(ADMIN, _SECOND, now="PutBucketNotificationConfiguration"),
    "PutBucketNotificationConfiguration": Row(ADMIN, _SECOND),
    "PutBucketOwnershipControls": Row(ADMIN, "turns ACLs on, or gives objects to another owner"),
    "PutBucketPolicy": Row(ADMIN, "gives the bucket to others"),
    "PutBucketReplication": Row(ADMIN, _SECOND),
    "PutBucketRequestPayment": Row(ADMIN, "changes who pays"),
    "PutBucketTagging": Row(ADMIN, "bucket tags steer access (ABAC)"),
    "PutBucketVersioning": Row(ADMIN, "decides whether what is overwritten can come back"),
    "PutBucketWebsite": Row(ADMIN, "serves or redirects to anybody"),
    "PutObject": Row(WRITE, "writes an object"),
    "PutObjectAcl": Row(ADMIN, "gives an object to others"),
    "PutObjectAnnotation": Row(WRITE, "attaches data to an object"),
    "PutObjectLegalHold": Row(ADMIN, _LOCK),
    "PutObjectLockConfiguration": Row(ADMIN, _LOCK),
    "PutObjectRetention": Row(ADMIN, _LOCK),
    "PutObjectTagging": Row(WRITE, "changes metadata of one object"),
    "PutPublicAccessBlock": Row(ADMIN, _GUARD),
    "RenameObject": Row(WRITE, "moves an object inside its bucket; the source key is judged too"),
    "RestoreObject": Row(ADMIN, "its body may name an output bucket"),
    "SelectObjectContent": Row(READ, "reads from an object"),
    "UpdateBucketMetadataAnnotationTableConfiguration": Row(ADMIN, _METADATA),
    "UpdateBucketMetadataInventoryTableConfiguration": Row(ADMIN, _METADATA),
    "UpdateBucketMetadataJournalTableConfiguration": Row(ADMIN, _METADATA),
    "UpdateObjectEncryption": Row(ADMIN, "its body may name a key of another account"),
    "UploadPart": Row(WRITE, "writes a part of an object"),
    "UploadPartCopy": Row(WRITE, "writes a part; reading the source is judged by the source's rule"),
    "WriteGetObjectResponse": Row(None, "uploads to whoever called: no bucket, no account anywhere"),
}
