"""From a request on the wire to what AWS asks IAM: the one place where the tests say so.

Written from the permissions section of each page of the S3 API reference, by method, path depth and sub-resource, and
not from the table that is tested. Each question has the condition keys that S3 fills in for it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from drive.evaluator import Question
from generate.s3_requests import ACCOUNT, Sent

SUFFIX: Final = ".amazonaws.com"
BEHIND: Final = "arn:aws:s3:::behind-the-access-point"
VPCE: Final = "vpce-0a1b2c3d4e5f67890"

_BUCKET: Final = {
    ("GET", "abac"): "GetBucketAbac", ("PUT", "abac"): "PutBucketAbac",
    ("GET", "accelerate"): "GetAccelerateConfiguration", ("PUT", "accelerate"): "PutAccelerateConfiguration",
    ("GET", "acl"): "GetBucketAcl", ("PUT", "acl"): "PutBucketAcl",
    ("GET", "analytics"): "GetAnalyticsConfiguration", ("PUT", "analytics"): "PutAnalyticsConfiguration",
    ("DELETE", "analytics"): "PutAnalyticsConfiguration",
    ("GET", "cors"): "GetBucketCORS", ("PUT", "cors"): "PutBucketCORS", ("DELETE", "cors"): "PutBucketCORS",
    ("GET", "encryption"): "GetEncryptionConfiguration", ("PUT", "encryption"): "PutEncryptionConfiguration",
    ("DELETE", "encryption"): "PutEncryptionConfiguration",
    ("GET", "intelligent-tiering"): "GetIntelligentTieringConfiguration",
    ("PUT", "intelligent-tiering"): "PutIntelligentTieringConfiguration",
    ("DELETE", "intelligent-tiering"): "PutIntelligentTieringConfiguration",
    ("GET", "inventory"): "GetInventoryConfiguration", ("PUT", "inventory"): "PutInventoryConfiguration",
    ("DELETE", "inventory"): "PutInventoryConfiguration",
    ("GET", "lifecycle"): "GetLifecycleConfiguration", ("PUT", "lifecycle"): "PutLifecycleConfiguration",
    ("DELETE", "lifecycle"): "PutLifecycleConfiguration",
    ("GET", "location"): "GetBucketLocation",
    ("GET", "logging"): "GetBucketLogging", ("PUT", "logging"): "PutBucketLogging",
    ("GET", "metadataConfiguration"): "GetBucketMetadataTableConfiguration",
    ("POST", "metadataConfiguration"): "CreateBucketMetadataTableConfiguration",
    ("DELETE", "metadataConfiguration"): "DeleteBucketMetadataTableConfiguration",
    ("GET", "metadataTable"): "GetBucketMetadataTableConfiguration",
    ("POST", "metadataTable"): "CreateBucketMetadataTableConfiguration",
    ("DELETE", "metadataTable"): "DeleteBucketMetadataTableConfiguration",
    ("PUT", "metadataAnnotationTable"): "UpdateBucketMetadataAnnotationTableConfiguration",
    ("PUT", "metadataInventoryTable"): "UpdateBucketMetadataInventoryTableConfiguration",
    ("PUT", "metadataJournalTable"): "UpdateBucketMetadataJournalTableConfiguration",
    ("GET", "metrics"): "GetMetricsConfiguration", ("PUT", "metrics"): "PutMetricsConfiguration",
    ("DELETE", "metrics"): "PutMetricsConfiguration",
    ("GET", "notification"): "GetBucketNotification", ("PUT", "notification"): "PutBucketNotification",
    ("GET", "object-lock"): "GetBucketObjectLockConfiguration",
    ("PUT", "object-lock"): "PutBucketObjectLockConfiguration",
    ("GET", "ownershipControls"): "GetBucketOwnershipControls",
    ("PUT", "ownershipControls"): "PutBucketOwnershipControls",
    ("DELETE", "ownershipControls"): "PutBucketOwnershipControls",
    ("GET", "policy"): "GetBucketPolicy", ("PUT", "policy"): "PutBucketPolicy",
    ("DELETE", "policy"): "DeleteBucketPolicy",
    ("GET", "policyStatus"): "GetBucketPolicyStatus",
    ("GET", "publicAccessBlock"): "GetBucketPublicAccessBlock",
    ("PUT", "publicAccessBlock"): "PutBucketPublicAccessBlock",
    ("DELETE", "publicAccessBlock"): "PutBucketPublicAccessBlock",
    ("GET", "replication"): "GetReplicationConfiguration", ("PUT", "replication"): "PutReplicationConfiguration",
    ("DELETE", "replication"): "PutReplicationConfiguration",
    ("GET", "requestPayment"): "GetBucketRequestPayment", ("PUT", "requestPayment"): "PutBucketRequestPayment",
    ("GET", "tagging"): "GetBucketTagging", ("PUT", "tagging"): "PutBucketTagging",
    ("DELETE", "tagging"): "PutBucketTagging",
    ("GET", "uploads"): "ListBucketMultipartUploads",
    ("GET", "versioning"): "GetBucketVersioning", ("PUT", "versioning"): "PutBucketVersioning",
    ("GET", "versions"): "ListBucketVersions",
    ("GET", "website"): "GetBucketWebsite", ("PUT", "website"): "PutBucketWebsite",
    ("DELETE", "website"): "DeleteBucketWebsite",
    ("GET", ""): "ListBucket", ("HEAD", ""): "ListBucket", ("PUT", ""): "CreateBucket", ("DELETE", ""): "DeleteBucket",
}  # fmt: skip

# `V` stands where a version id puts `Version`.
_OBJECT: Final = {
    ("GET", "acl"): "GetObjectVAcl", ("PUT", "acl"): "PutObjectVAcl",
    ("GET", "annotation"): "GetObjectVAnnotation", ("PUT", "annotation"): "PutObjectVAnnotation",
    ("DELETE", "annotation"): "DeleteObjectVAnnotation", ("GET", "annotation list"): "ListObjectVAnnotations",
    ("GET", "attributes"): "GetObjectVAttributes",
    ("GET", "legal-hold"): "GetObjectLegalHold", ("PUT", "legal-hold"): "PutObjectLegalHold",
    ("GET", "retention"): "GetObjectRetention", ("PUT", "retention"): "PutObjectRetention",
    ("GET", "tagging"): "GetObjectVTagging", ("PUT", "tagging"): "PutObjectVTagging",
    ("DELETE", "tagging"): "DeleteObjectVTagging",
    ("GET", "torrent"): "GetObjectVTorrent", ("GET", "uploadId"): "ListMultipartUploadParts",
    ("PUT", "encryption"): "UpdateObjectEncryption", ("POST", "restore"): "RestoreObject",
    ("POST", "select"): "GetObject", ("POST", "uploads"): "PutObject", ("POST", "uploadId"): "PutObject",
    ("PUT", "uploadId"): "PutObject", ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("GET", ""): "GetObjectV", ("HEAD", ""): "GetObjectV", ("PUT", ""): "PutObject", ("DELETE", ""): "DeleteObjectV",
}  # fmt: skip

_HEADERS: Final = {
    "x-amz-tagging": "PutObjectTagging",
    "x-amz-object-lock-legal-hold": "PutObjectLegalHold",
    "x-amz-object-lock-mode": "PutObjectRetention",
    "x-amz-bypass-governance-retention": "BypassGovernanceRetention",
}
_ACL_ACTIONS: Final = {"s3:PutObject", "s3:PutObjectAcl", "s3:CreateBucket", "s3:PutBucketAcl"}
_PREFIX_ACTIONS: Final = {"s3:ListBucket", "s3:ListBucketVersions"}


def questions(sent: Sent, owners: Mapping[str, str]) -> Iterator[Question]:
    """What S3 asks IAM about a request; all must be allowed.

    Args:
        sent: a virtual-hosted request to a general purpose bucket or an access point.
        owners: account of each bucket.
    """
    cut = urlsplit(sent.target)
    query = dict(parse_qsl(cut.query, keep_blank_values=True))
    headers = {name.lower(): value for name, value in sent.headers}
    label, _, service = sent.host.partition(".")
    point = None
    if service.startswith("s3-accesspoint."):
        name, _, account = label.rpartition("-")
        own = point = f"arn:aws:s3:{service.split('.')[1]}:{account}:accesspoint/{name}"
        inner = f"{own}/object"
    path = cut.path[1:]
    if label == "s3":  # path-style, as botocore asks for GetBucketLocation
        label, _, path = path.partition("/")
    key = unquote(path)
    if point is None:
        own, account = f"arn:aws:s3:::{label}", owners[label]
        inner = own
    depth = _OBJECT if key else _BUCKET
    sub = next((name for method, name in depth if name in query and method == sent.method), "")
    versioned = "versionId" in query
    if sent.method == "POST" and "delete" in query:
        key, depth, sent, query = "a key of the body", _OBJECT, replace(sent, method="DELETE"), {}
    if sub == "annotation" and sent.method == "GET" and "annotationName" not in query:
        sub = "annotation list"
    actions = [_versioned(depth[sent.method, sub], versioned=versioned)]
    actions += _further(sent.method, sub, headers, of_object=bool(key), versioned=versioned)
    if point is not None and actions[0] == "ListBucketMultipartUploads":
        own = BEHIND  # has no access point for a resource
    for action in dict.fromkeys(actions):
        resource = f"{inner}/{key}" if key else own
        yield _question(f"s3:{action}", resource, account, query, headers, point)
    source = headers.get("x-amz-copy-source")
    if source is not None:
        path, _, version = source.partition("?")
        bucket, _, old = unquote(path).removeprefix("/").partition("/")
        action = "s3:GetObjectVersion" if version else "s3:GetObject"
        yield _question(action, f"arn:aws:s3:::{bucket}/{old}", owners[bucket], {}, {}, None)


def _further(
    method: str, sub: str, headers: Mapping[str, str], *, of_object: bool, versioned: bool
) -> Iterator[str]:
    """What sub-resources and headers ask besides."""
    if sub == "attributes":
        yield _versioned("GetObjectV", versioned=versioned)
    if of_object and method in {"PUT", "POST", "DELETE"}:
        yield from (action for header, action in _HEADERS.items() if header in headers)
    if sub != "acl" and any(name == "x-amz-acl" or name.startswith("x-amz-grant-") for name in headers):
        yield "PutObjectAcl" if of_object else "PutBucketAcl"


def _versioned(action: str, *, versioned: bool) -> str:
    return action.replace("ObjectV", "ObjectVersion" if versioned else "Object")


def _question(
    action: str,
    resource: str,
    account: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    point: str | None,
) -> Question:
    context = {"aws:ResourceAccount": account, "aws:PrincipalAccount": ACCOUNT, "aws:SourceVpce": VPCE}
    if action in _PREFIX_ACTIONS and "prefix" in query:
        context["s3:prefix"] = query["prefix"]
    if action in _ACL_ACTIONS and "x-amz-acl" in headers:
        context["s3:x-amz-acl"] = headers["x-amz-acl"]
    if point is not None:
        context["s3:DataAccessPointArn"] = point
    return Question(action, resource, account, context=context)
