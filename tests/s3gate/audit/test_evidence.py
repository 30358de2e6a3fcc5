"""The same lines come out of a journal, files, a log group and a bucket."""

import asyncio
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from s3gate.audit.chain import Extent, Fault
from s3gate.audit.dead_letter import NAME as DEAD_LETTER
from s3gate.audit.dead_letter import DeadLetters, render_stub
from s3gate.audit.evidence import Aws, NoEvidence, open_evidence
from s3gate.audit.journal import Journal, Kind
from s3gate.audit.verification import Verification
from s3gate.demo.alarm_chain import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from s3gate.demo.emulator import Emulator

KEY = b"k" * 32
NOWHERE = Aws()
CUT_GZIP = gzip.compress(b"abc" * 99, mtime=0)[:-9]


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    for writer in ("w1", "w2"):
        journal = Journal.open(tmp_path / "audit", writer, KEY, 1 << 20, segment_bytes=1000)

        async def fill(journal: Journal) -> None:
            for number in range(12):
                await journal.append({"event": "egress", "decision": "deny", "n": number}, Kind.DENY)

        asyncio.run(fill(journal))
        journal.close()
    return tmp_path / "audit"


def whole(lines: Iterator[bytes]) -> dict[str, int]:
    verification = Verification(KEY)
    for line in lines:
        verification.add(line)
    found = verification.finish({})
    assert all(not findings for _, findings in found.values()), found
    return {writer: records for writer, (records, _) in found.items()}


def lines_of(trail: Path) -> list[bytes]:
    return list(open_evidence(str(trail), NOWHERE).lines)


def test_a_journal(trail: Path) -> None:
    evidence = open_evidence(str(trail), NOWHERE)
    assert evidence.only is None
    assert evidence.extents["w1"] == Extent(1, 12)
    assert evidence.bytes == sum(len(line) + 1 for line in lines_of(trail))
    assert whole(evidence.lines) == {"w1": 12, "w2": 12}
    one = open_evidence(str(trail / "w2"), NOWHERE)
    assert (one.only, whole(one.lines)) == ("w2", {"w2": 12})


def test_files(trail: Path, tmp_path: Path) -> None:
    lines = lines_of(trail)
    files = tmp_path / "files"
    files.mkdir()
    (files / "a.jsonl").write_bytes(b"\r\n".join(lines[:5]) + b"\n\n")
    (files / "b.jsonl.gz").write_bytes(gzip.compress(b"\n".join(lines[5:10])))
    answer = {
        "events": [{"timestamp": 1, "message": line.decode()} for line in lines[10:15]],
        "nextToken": "x",
    }
    (files / "c.json").write_text(json.dumps(answer, indent=4))
    answer["events"] = [{"timestamp": 1, "message": line.decode()} for line in lines[15:]]
    (files / "d.json").write_text(json.dumps(answer))
    assert whole(open_evidence(str(files), NOWHERE).lines) == {"w1": 12, "w2": 12}
    assert list(open_evidence(str(files / "a.jsonl"), NOWHERE).lines) == lines[:5]


def test_dead_letters_fill_the_holes_of_a_stream(trail: Path, tmp_path: Path) -> None:
    lines = lines_of(trail / "w1")
    kept, stream = tmp_path / "kept", tmp_path / "both"
    for directory in (kept, stream):
        directory.mkdir()
    DeadLetters(kept).keep(lines[4].decode(), "InvalidParameterException")
    stub = render_stub(lines[4].decode(), "InvalidParameterException").encode()
    (stream / "stream.jsonl").write_bytes(b"\n".join([*lines[:4], stub, *lines[5:]]))
    verification = Verification(KEY)
    for line in open_evidence(str(stream), NOWHERE).lines:
        verification.add(line)
    assert [(one.fault, one.seq) for one in verification.finish({})["w1"][1]] == [(Fault.GAP, 6)]
    (stream / DEAD_LETTER).write_bytes((kept / DEAD_LETTER).read_bytes())
    assert whole(open_evidence(str(stream), NOWHERE).lines) == {"w1": 12}


@pytest.mark.parametrize(
    ("name", "content"),
    [("x.json", b'{"events": 3'), ("x.json", b'{"events": [{}]}'), ("x.gz", b"no gzip"), ("x.gz", CUT_GZIP)],
    ids=["cut", "another shape", "no gzip", "cut gzip"],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NoEvidence, match="cannot be read"):
        list(open_evidence(str(tmp_path), NOWHERE).lines)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(NoEvidence, match="cannot be read"):
        open_evidence(str(tmp_path / "none"), NOWHERE)
    with pytest.raises(NoEvidence, match="holds no journal"):
        open_evidence(str(tmp_path), NOWHERE)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture
def aws(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Aws:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
    return Aws("eu-west-1", emulator.url)


def test_a_log_group_and_a_stream(trail: Path, aws: Aws) -> None:
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="/g")
    for writer in ("w1", "w2"):
        logs.create_log_stream(logGroupName="/g", logStreamName=writer)
        events = [
            {"timestamp": 1_795_000_000_000 + number, "message": line.decode()}
            for number, line in enumerate(open_evidence(str(trail / writer), NOWHERE).lines)
        ]
        logs.put_log_events(logGroupName="/g", logStreamName=writer, logEvents=events)
    assert whole(open_evidence("cloudwatch:/g", aws).lines) == {"w1": 12, "w2": 12}
    one = open_evidence("cloudwatch:/g:w1", aws)
    assert (one.only, whole(one.lines)) == ("w1", {"w1": 12})
    assert len(list(open_evidence("cloudwatch:/g", aws, since_ms=1_795_000_000_010).lines)) == 4
    with pytest.raises(NoEvidence, match="ResourceNotFoundException"):
        list(open_evidence("cloudwatch:/none", aws).lines)


def test_a_bucket(trail: Path, aws: Aws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="archive", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for path in trail.rglob("*.jsonl"):
        s3.put_object(Bucket="archive", Key=f"a/{path.parent.name}/{path.name}", Body=path.read_bytes())
    assert whole(open_evidence("s3://archive/a/", aws).lines) == {"w1": 12, "w2": 12}
    assert whole(open_evidence("s3://archive/a/w2/", aws).lines) == {"w2": 12}
    with pytest.raises(NoEvidence, match="NoSuchBucket"):
        list(open_evidence("s3://no-such-bucket", aws).lines)


def test_no_region_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(NoEvidence, match="--region"):
        list(open_evidence("cloudwatch:/g", Aws()).lines)
