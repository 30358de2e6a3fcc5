"""Sealed segments into a bucket that lets nobody change them: PUT once, with a checksum, never over another.

The normal case: every segment but the newest of each writer is put under its own name,
`PREFIX/WRITER/SEGMENT`, with `If-None-Match: *`, a SHA-256 that S3 checks, and a
retention of its own where one is asked for. A name that is taken is compared by its
checksum: the same is done already, another is told and left alone.
"""

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from s3gate.audit.segment import Segment, list_segments

TAKEN: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
TYPE: Final = "application/x-ndjson"


@unique
class Fate(StrEnum):
    """What became of one segment."""

    PUT = "put"
    THERE = "there already"
    DIFFERS = "another object has its name"


@dataclass(frozen=True, slots=True)
class Archived:
    """One segment in the archive.

    Args:
        segment: on disk.
        key: its object.
        fate: what became of it.
    """

    segment: Segment
    key: str
    fate: Fate


# S3 API reference, GetObjectLockConfiguration: the answer for a bucket that never had one
NO_LOCK: Final = "ObjectLockConfigurationNotFoundError"
ASK: Final = "look at its name, the credentials and the way to S3"


class ArchiveFailed(Exception):
    """The bucket did not take it; the text says why."""


@dataclass(frozen=True, slots=True)
class Archive:
    """A bucket with Object Lock.

    Args:
        client: a boto3 S3 client.
        bucket: its name.
        prefix: before every key, with its own slash at the end, or empty.
        until: retain each object in compliance mode until then; None leaves it to the bucket.
    """

    client: Any
    bucket: str
    prefix: str = ""
    until: datetime | None = None

    def check(self) -> None:
        """Make sure that nobody can change what is put.

        Raises:
            ArchiveFailed: the bucket cannot be reached, has no Object Lock, or no retention for what is put.
        """
        try:
            found = self.client.get_object_lock_configuration(Bucket=self.bucket)
        except (ClientError, BotoCoreError) as exc:
            if (code := _code(exc)) == NO_LOCK:
                told = f"bucket `{self.bucket}` has no Object Lock: make one with Object Lock"
            else:
                told = f"bucket `{self.bucket}` cannot be asked for its Object Lock ({code}): " + ASK
            raise ArchiveFailed(told) from exc
        lock = found.get("ObjectLockConfiguration", {})
        if lock.get("ObjectLockEnabled") != "Enabled":
            raise ArchiveFailed(f"bucket `{self.bucket}` has no Object Lock: make one with Object Lock")
        # Enabled alone locks nothing: what is put without a retention anybody may delete (S3 user guide,
        # "Locking objects with Object Lock").
        if self.until is None and not lock.get("Rule", {}).get("DefaultRetention"):
            raise ArchiveFailed(
                f"bucket `{self.bucket}` has no default retention, so nothing put there is locked: give one, "
                "or --retain-days"
            )

    def put(self, writer: str, segment: Segment) -> Archived:
        """Put one sealed segment.

        Args:
            writer: whose it is.
            segment: not the one that is appended to.

        Raises:
            ArchiveFailed: the bucket did not take it.
            OSError: the segment cannot be read.
        """
        data = segment.path.read_bytes()
        key = f"{self.prefix}{writer}/{segment.path.name}"
        digest = b64encode(sha256(data).digest()).decode()
        query: dict[str, object] = {
            "Bucket": self.bucket, "Key": key, "Body": data, "IfNoneMatch": "*",
            "ChecksumSHA256": digest, "ContentType": TYPE,
        }  # fmt: skip
        if self.until is not None:
            query |= {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": self.until}
        try:
            self.client.put_object(**query)
        except (ClientError, BotoCoreError) as exc:
            if _code(exc) not in TAKEN:
                raise ArchiveFailed(f"`s3://{self.bucket}/{key}` was not taken: {_code(exc)}") from exc
            return Archived(segment, key, Fate.THERE if self._holds(key, data) else Fate.DIFFERS)
        return Archived(segment, key, Fate.PUT)

    def _holds(self, key: str, data: bytes) -> bool:
        """Whether the object is these very bytes."""
        try:
            body = self.client.get_object(Bucket=self.bucket, Key=key)["Body"]
            return bool(body.read() == data)
        except (ClientError, BotoCoreError) as exc:
            raise ArchiveFailed(f"`s3://{self.bucket}/{key}` cannot be compared: {_code(exc)}") from exc


def sealed_segments(directory: Path) -> list[Segment]:
    """The segments of a writer that are not appended to any more: all but the newest."""
    return list_segments(directory)[:-1]


def _code(exc: Exception) -> str:
    if isinstance(exc, ClientError):
        return str(exc.response.get("Error", {}).get("Code", "Unknown"))
    return type(exc).__name__
