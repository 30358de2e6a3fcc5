"""Sealed segments are put once, checked, and never over another object; against the emulator's S3."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import boto3
import pytest

from audit_records import KEY, traffic, write_journal
from s3gate.audit.archive import Archive, ArchiveFailed, Fate, sealed_segments
from s3gate.audit.evidence import Aws, open_evidence
from s3gate.audit.segment import list_segments
from s3gate.audit.verification import Verification
from s3gate.demo.alarm_chain import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from s3gate.demo.emulator import Emulator


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture
def s3(emulator: Emulator) -> Any:
    session = boto3.session.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name="eu-west-1")
    return session.client("s3", endpoint_url=emulator.url)


def locked(s3: Any, name: str) -> Archive:
    where = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket=name, CreateBucketConfiguration=where, ObjectLockEnabledForBucket=True)
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}
    s3.put_object_lock_configuration(
        Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    return Archive(s3, name, "audit/")


def journal(tmp_path: Path) -> Path:
    """A writer with three sealed segments and one that is appended to."""
    writer = write_journal(tmp_path / "journal", traffic(40)) / "w1"
    (only,) = list_segments(writer)
    lines = only.path.read_bytes().splitlines(keepends=True)
    only.path.unlink()
    for start, end in pairwise([0, 20, 40, 60, len(lines)]):
        (writer / f"{start + 1:020d}.jsonl").write_bytes(b"".join(lines[start:end]))
    return writer


def test_what_is_put_is_read_back_whole(
    s3: Any, tmp_path: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, writer = locked(s3, "whole"), journal(tmp_path)
    archive.check()
    assert len(sealed_segments(writer)) == 3
    done = [archive.put("w1", segment) for segment in sealed_segments(writer)]
    assert [one.fate for one in done] == [Fate.PUT] * 3
    assert done[1].key == "audit/w1/00000000000000000021.jsonl"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
    verification = Verification(KEY)
    for line in open_evidence("s3://whole/audit/", Aws("eu-west-1", emulator.url)).lines:
        verification.add(line)
    assert verification.finish({}) == {"w1": (60, [])}
    head = s3.head_object(Bucket="whole", Key=done[0].key, ChecksumMode="ENABLED")
    assert head["ContentLength"] == done[0].segment.size()


def test_again_is_there_already_and_another_is_left_alone(s3: Any, tmp_path: Path) -> None:
    archive, writer = locked(s3, "again"), journal(tmp_path)
    first, second, _ = sealed_segments(writer)
    archive.put("w1", first)
    assert archive.put("w1", first).fate is Fate.THERE
    s3.put_object(Bucket="again", Key=f"audit/w1/{second.path.name}", Body=b"other")
    assert archive.put("w1", second).fate is Fate.DIFFERS
    assert s3.get_object(Bucket="again", Key=f"audit/w1/{second.path.name}")["Body"].read() == b"other"


def test_a_retention_of_its_own(s3: Any, tmp_path: Path) -> None:
    until = datetime.now(UTC) + timedelta(days=30)
    plain = locked(s3, "retained")
    done = Archive(s3, plain.bucket, "", until).put("w1", sealed_segments(journal(tmp_path))[0])
    kept = s3.get_object_retention(Bucket="retained", Key=done.key)["Retention"]
    assert kept["Mode"] == "COMPLIANCE"
    assert abs(kept["RetainUntilDate"] - until) < timedelta(minutes=1)


def test_a_bucket_without_object_lock_is_refused(s3: Any, tmp_path: Path) -> None:
    s3.create_bucket(Bucket="open", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for name, told in (("open", "make one with Object Lock"), ("no-such-bucket", "look at its name")):
        with pytest.raises(ArchiveFailed, match=told):
            Archive(s3, name).check()
    with pytest.raises(ArchiveFailed, match="NoSuchBucket"):
        Archive(s3, "no-such-bucket").put("w1", sealed_segments(journal(tmp_path))[0])


def test_a_lock_without_a_retention_locks_nothing(s3: Any) -> None:
    where = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="lax", CreateBucketConfiguration=where, ObjectLockEnabledForBucket=True)
    with pytest.raises(ArchiveFailed, match="no default retention"):
        Archive(s3, "lax").check()
    Archive(s3, "lax", "", datetime.now(UTC) + timedelta(days=1)).check()
    locked(s3, "strict").check()
