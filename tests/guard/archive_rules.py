"""The archive: locked, versioned, private, and apart from the log of who reads it."""

from collections.abc import Iterator
from typing import Final

from guard.deployment import Deployment
from guard.finding import Finding, finding

PRIVATE: Final = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
YEAR_DAYS: Final = 365


def buckets_are_private_and_kept(deployment: Deployment) -> Iterator[Finding]:
    """Every bucket is versioned, encrypted, closed to the public, without access lists, and outlives its stack."""
    with_policy = {made.properties["Bucket"] for made in deployment.of("AWS::S3::BucketPolicy")}
    for made in deployment.of("AWS::S3::Bucket"):
        if made.properties.get("VersioningConfiguration", {}).get("Status") != "Enabled":
            yield finding(made, "not versioned")
        block = made.properties.get("PublicAccessBlockConfiguration", {})
        for key in PRIVATE:
            if block.get(key) is not True:
                yield finding(made, f"{key} is not on")
        rules = made.properties.get("OwnershipControls", {}).get("Rules", [])
        if rules != [{"ObjectOwnership": "BucketOwnerEnforced"}]:
            yield finding(made, "has access lists")
        if {made.whole.get("DeletionPolicy"), made.whole.get("UpdateReplacePolicy")} != {"Retain"}:
            yield finding(made, "goes with its stack")
        if not made.properties.get("BucketEncryption"):
            yield finding(made, "its encryption is not written out")
        if made.properties["BucketName"] not in with_policy:
            yield finding(made, "has no policy")


def archive_is_locked(deployment: Deployment) -> Iterator[Finding]:
    """Object Lock in compliance mode for a year; the log of its readers goes where S3 can deliver it.

    S3 delivers access logs to no bucket with Object Lock, nor to one whose default encryption is SSE-KMS.
    """
    buckets = {made.properties["BucketName"]: made for made in deployment.of("AWS::S3::Bucket")}
    locked = {name for name, made in buckets.items() if made.properties.get("ObjectLockEnabled") is True}
    if str(deployment.given["ArchiveBucketName"]) not in locked:
        yield Finding("archive.yaml", "ArchiveBucket", "has no Object Lock")
    for name in sorted(locked):
        made = buckets[name]
        retention = (
            made.properties.get("ObjectLockConfiguration", {}).get("Rule", {}).get("DefaultRetention", {})
        )
        if retention.get("Mode") != "COMPLIANCE" or int(retention.get("Days", 0)) < YEAR_DAYS:
            yield finding(made, f"locked by {retention}: not a year, or not against everybody")
        target = made.properties.get("LoggingConfiguration", {}).get("DestinationBucketName")
        if target not in buckets or target in locked:
            yield finding(made, f"its access log goes to {target}, where S3 cannot deliver it")
        elif "aws:kms" in str(buckets[target].properties["BucketEncryption"]):
            yield finding(buckets[target], "S3 delivers no access log to a bucket under SSE-KMS")
        for rule in made.properties.get("LifecycleConfiguration", {}).get("Rules", []):
            if any(key.startswith(("Expiration", "NoncurrentVersionExpiration")) for key in rule):
                yield finding(made, f"the rule {rule['Id']} deletes what is archived")
