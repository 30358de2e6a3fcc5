"""Where a trail can be read from: a journal, files, a log group, a bucket; lines, one by one.

The normal case is the journal's directory. A place is written

    DIRECTORY                 of all writers or of one; or any directory of `.jsonl`, `.json`, `.gz` files
    FILE                      lines, dead letters, or what `aws logs filter-log-events` printed
    cloudwatch:GROUP[:STREAM] a log group, or one stream of it
    s3://BUCKET[/PREFIX]      archived segments

Lines come as they were sealed, in no particular order, without their line ends.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain as concatenated
from pathlib import Path
from typing import Any, Final, cast

from botocore.exceptions import BotoCoreError, ClientError

from s3gate.audit.chain import Extent
from s3gate.audit.reader import known_extent, list_marked, list_writers, read_lines
from s3gate.audit.segment import list_segments

SUFFIXES: Final = (".jsonl", ".json", ".gz")
CLOUDWATCH: Final = "cloudwatch:"
S3: Final = "s3://"
PAGE_EVENTS: Final = 10_000  # FilterLogEvents, API reference: limit, maximum
ANSWER_STARTS: Final = (
    b'{"events"',
    b'{"searchedLogStreams"',
    b'{"nextForwardToken"',
)  # compact, as SDKs dump it
DEAD_LETTER_START: Final = b'{"error": "'  # as `DeadLetters.keep` writes it


class NoEvidence(Exception):
    """Nothing can be read there; the text says what and what to do."""


@dataclass(frozen=True, slots=True)
class Aws:
    """Which AWS is asked.

    Args:
        region: or None for that of the environment.
        endpoint_url: another endpoint than the region's, or None.
    """

    region: str | None = None
    endpoint_url: str | None = None

    def client(self, service: str) -> Any:
        """A boto3 client.

        Raises:
            NoEvidence: no region is known.
        """
        import boto3  # noqa: PLC0415 - loads slowly, and a journal on disk needs none

        try:
            return boto3.session.Session().client(
                service, region_name=self.region, endpoint_url=self.endpoint_url
            )
        except (BotoCoreError, ValueError) as exc:
            raise NoEvidence(f"no client for {service} can be made: {exc}; give --region") from exc


@dataclass(frozen=True, slots=True)
class Evidence:
    """Lines, and what is known of them from elsewhere.

    Args:
        lines: each once, to be read once.
        extents: how far chains must reach, by writer.
        only: the one writer whose lines these are, or None for all writers.
        bytes: how much there is to read, or None when that is not known.
    """

    lines: Iterator[bytes]
    extents: Mapping[str, Extent] = field(default_factory=dict)
    only: str | None = None
    bytes: int | None = None


def open_evidence(place: str, aws: Aws, since_ms: int | None = None) -> Evidence:
    """The lines of one place.

    Args:
        place: as above.
        aws: which AWS is asked.
        since_ms: events of a log group before this are left out, milliseconds since 1970.

    Raises:
        NoEvidence: there is nothing, or it cannot be read. Reading the lines may raise it too.
    """
    if place.startswith(CLOUDWATCH):
        group, _, stream = place.removeprefix(CLOUDWATCH).partition(":")
        return Evidence(_told(place, _stream_lines(aws, group, stream, since_ms)), only=stream or None)
    if place.startswith(S3):
        bucket, _, prefix = place.removeprefix(S3).partition("/")
        return Evidence(_told(place, _object_lines(aws, bucket, prefix)))
    try:
        found = _on_disk(Path(place))
    except OSError as exc:
        raise NoEvidence(f"`{place}` cannot be read: {exc.strerror}") from exc
    if found is None:
        raise NoEvidence(f"`{place}` holds no journal: name that of `audit.directory`")
    return Evidence(_told(place, found.lines), found.extents, found.only, found.bytes)


def _on_disk(path: Path) -> Evidence | None:
    if path.is_file():
        return Evidence(_file_lines(path), bytes=path.stat().st_size)
    writers, marked = list_writers(path), list_marked(path)
    if writers or marked:
        size = sum(segment.size() for writer in writers for segment in list_segments(writer))
        lines = concatenated.from_iterable(read_lines(writer) for writer in writers)
        only = path.name if {*writers, *marked} == {path} else None
        return Evidence(lines, {one.name: known_extent(one) for one in (*writers, *marked)}, only, size)
    files = sorted(one for one in path.rglob("*") if one.name.endswith(SUFFIXES) and one.is_file())
    files = [one for one in files if one.name != "cursor.json"]
    if not files:
        return None
    lines = concatenated.from_iterable(_file_lines(one) for one in files)
    return Evidence(lines, bytes=sum(one.stat().st_size for one in files))


def _told(place: str, lines: Iterator[bytes]) -> Iterator[bytes]:
    """The lines, with what can go wrong on the way in our words."""
    try:
        yield from lines
    except ClientError as exc:
        code = exc.response.get("Error", {}).get("Code", "Unknown")
        raise NoEvidence(f"`{place}` cannot be read: AWS answered {code}") from exc
    except (OSError, EOFError, BotoCoreError, ValueError, KeyError, TypeError) as exc:
        raise NoEvidence(f"`{place}` cannot be read: {exc}") from exc


def _file_lines(path: Path) -> Iterator[bytes]:
    """Lines, or the messages of a downloaded answer of CloudWatch Logs."""
    opened = gzip.open if path.name.endswith(".gz") else open
    with opened(path, "rb") as file:
        first = file.readline()
        if first.strip() == b"{" or first.startswith(
            (b'{"events"', b'{"searchedLogStreams"', b'{"nextForward')
        ):
            answer = json.loads(first + file.read())
            yield from (event["message"].encode() for event in answer.get("events", ()))
            return
        for line in concatenated((first,), file):
            if stripped := line.rstrip(b"\r\n"):
                yield _without_envelope(stripped)


def _without_envelope(line: bytes) -> bytes:
    """A dead letter's message: beside a downloaded stream it fills the hole that its stub names."""
    return json.loads(line)["message"].encode() if line.startswith(DEAD_LETTER_START) else line


def _stream_lines(aws: Aws, group: str, stream: str, since_ms: int | None) -> Iterator[bytes]:
    query: dict[str, object] = {"logGroupName": group, "limit": PAGE_EVENTS}
    if stream:
        query["logStreamNames"] = [stream]
    if since_ms is not None:
        query["startTime"] = since_ms
    client = aws.client("logs")
    while True:
        page = client.filter_log_events(**query)
        yield from (event["message"].encode() for event in page["events"])
        if not page.get("nextToken"):
            return
        query["nextToken"] = page["nextToken"]


def _object_lines(aws: Aws, bucket: str, prefix: str) -> Iterator[bytes]:
    client = aws.client("s3")
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", ()):
            body = client.get_object(Bucket=bucket, Key=item["Key"], ChecksumMode="ENABLED")["Body"]
            yield from (cast(bytes, line) for line in body.iter_lines(chunk_size=1 << 20) if line)
