"""CloudTrail's events from files: log files, LookupEvents' answers, exports of Lake.

The normal case: a directory of `….json.gz` as a trail writes them to its bucket, read as a
stream. A file is one of

    {"Records": [event, …]}               a log file
    {"Events": [{"CloudTrailEvent": …}]}  `aws cloudtrail lookup-events`
    {"QueryResultRows": [[…], …]}         `aws cloudtrail get-query-results`
    column names, then rows               CSV: a query of CloudTrail Lake, saved
    one event a line, or a list of them   what jq made of these

plain or gzip, which its first bytes tell.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Final, cast

from s3gate.aws.trail.json_stream import ELEMENT_CHARS, PIECE_CHARS, NotJson, read_elements
from s3gate.aws.trail.lake import has_columns, join_row, parse_quoted, parse_row

SUFFIXES: Final = (".json", ".json.gz", ".jsonl", ".jsonl.gz", ".csv", ".csv.gz")
# Beside the logs in a trail's bucket, and beside saved queries: they hold no events.
NOT_EVENTS: Final = ("CloudTrail-Digest", "CloudTrail-Insight", "result_sign.json")
ARRAYS: Final = frozenset({"Records", "Events", "QueryResultRows"})
GZIP: Final = b"\x1f\x8b"  # RFC 1952 section 2.3.1


class TrailUnreadable(Exception):
    """A log cannot be read; the text says which, where and why."""


def find_files(paths: Sequence[Path]) -> list[Path]:
    """The files to read.

    Args:
        paths: files, and directories that hold some at any depth.

    Raises:
        TrailUnreadable: a path is not there, or a directory holds none.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(one for one in path.rglob("*") if _is_log(one))
            if not inside:
                raise TrailUnreadable(f"`{path}` holds no file that ends in {', '.join(SUFFIXES)}")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise TrailUnreadable(f"`{path}` is not there: name a log file or a directory of them")
    return found


def _is_log(path: Path) -> bool:
    wanted = path.name.endswith(SUFFIXES) and not any(one in path.name for one in NOT_EVENTS)
    return wanted and path.is_file()


def read_file(path: Path, told: Callable[[int], None] = lambda _: None) -> Iterator[object]:
    """Every event of a file, parsed; what is none comes too.

    Args:
        path: the file.
        told: given the bytes read so far, now and then.

    Raises:
        TrailUnreadable: it cannot be read, or not to its end.
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(len(GZIP)) == GZIP
            raw.seek(0)
            stream = cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if packed else raw
            with io.TextIOWrapper(stream, "utf-8-sig", "replace", newline="") as text:
                yield from _rows(path, text) if ".csv" in path.suffixes else _events(_pieces(text, raw, told))
    except (OSError, EOFError, zlib.error, NotJson, csv.Error) as exc:
        why = getattr(exc, "strerror", None) or str(exc) or type(exc).__name__
        raise TrailUnreadable(f"`{path}` cannot be read to its end: {why}") from exc


def _pieces(text: IO[str], raw: IO[bytes], told: Callable[[int], None]) -> Iterator[str]:
    while piece := text.read(PIECE_CHARS):
        told(raw.tell())
        yield piece


def _events(pieces: Iterator[str]) -> Iterator[object]:
    for element in read_elements(pieces, ARRAYS):
        if isinstance(element, list):
            yield parse_row(join_row(element))
        elif isinstance(element, dict) and "CloudTrailEvent" in element:
            yield parse_quoted(element["CloudTrailEvent"])
        elif isinstance(element, dict) and "eventSource" not in element:
            yield parse_row(element)
        else:
            yield element


def _rows(path: Path, text: IO[str]) -> Iterator[object]:
    csv.field_size_limit(ELEMENT_CHARS)  # of the whole process; nothing else in it reads CSV
    rows = csv.DictReader(text)
    if not has_columns(name.lower() for name in rows.fieldnames or ()):
        raise TrailUnreadable(f"`{path}` has no column eventJson: select it in the query of CloudTrail Lake")
    for row in rows:
        yield parse_row({name: value for name, value in row.items() if isinstance(value, str)})
