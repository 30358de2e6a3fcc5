"""Every form of file gives the same events; broken ones are named."""

import csv
import gzip
import io
import json
from pathlib import Path

import pytest

from s3gate.aws.trail.files import TrailUnreadable, find_files, read_file
from trail_events import event, numbered, write_log, write_lookup

EVENTS = numbered(3)


def as_csv() -> str:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["eventJson", "x"])
    rows.writerows([json.dumps(one), ""] for one in EVENTS)
    return text.getvalue()


FORMS = {
    "records.json": json.dumps({"Records": EVENTS}),
    "list.json": json.dumps(EVENTS),
    "lines.jsonl": "\n".join(json.dumps(one) for one in EVENTS),
    "marked.json": "\ufeff" + json.dumps({"Records": EVENTS}),
    "rows.json": json.dumps({"QueryResultRows": [[{"eventjson": json.dumps(one)}] for one in EVENTS]}),
    "rows.csv": as_csv(),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("packed", [False, True])
def test_every_form_gives_the_same_events(tmp_path: Path, name: str, packed: bool) -> None:
    data = FORMS[name].encode()
    path = tmp_path / (name + ".gz" * packed)
    path.write_bytes(gzip.compress(data) if packed else data)
    assert list(read_file(path)) == EVENTS


def test_what_lookup_events_printed(tmp_path: Path) -> None:
    assert list(read_file(write_lookup(tmp_path / "x.json", EVENTS))) == EVENTS


def test_progress_is_told_in_bytes_of_the_file(tmp_path: Path) -> None:
    path, told = write_log(tmp_path / "a.json.gz", EVENTS), list[int]()
    list(read_file(path, told.append))
    assert told[-1] == path.stat().st_size


def test_files_of_a_directory_without_what_holds_no_events(tmp_path: Path) -> None:
    names = (
        "a/1_CloudTrail_eu-west-1_x.json.gz",
        "b.csv",
        "c.txt",
        "1_CloudTrail-Digest_x.json.gz",
        "result_sign.json",
    )
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert find_files([tmp_path]) == [tmp_path / names[0], tmp_path / names[1]]
    assert find_files([tmp_path / "c.txt"]) == [tmp_path / "c.txt"], "a file that is named is read"


@pytest.mark.parametrize("name", ["empty", "none"])
def test_nothing_to_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrailUnreadable, match=r"holds no file|is not there"):
        find_files([tmp_path / name])


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        pytest.param("a.json", b'{"Records":[{"a":1},', "character 20", id="cut off"),
        pytest.param("a.json.gz", gzip.compress(b'{"Records":[]}')[:-9], "end-of-stream", id="gzip cut off"),
        pytest.param("a.json.gz", b"\x1f\x8b\x08\x00garbage!garbage!garbage", "invalid", id="broken gzip"),
        pytest.param("a.csv", b"a,b\n1,2\n", "no column eventJson", id="other columns"),
        pytest.param("a.csv", b"", "no column eventJson", id="empty CSV"),
        pytest.param("a.csv", b'eventJson\n"' + b"x" * (1 << 21) + b'"\n', "field larger", id="a huge field"),
        pytest.param("a.json", b"\x00\xff\xfe", "neither a mapping", id="binary"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, name: str, data: bytes, why: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(TrailUnreadable, match=why) as caught:
        list(read_file(path))
    assert str(path) in str(caught.value)


def test_what_came_before_the_damage_is_given(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"Records":[' + json.dumps(event()) + ',{"b"')
    found: list[object] = []
    with pytest.raises(TrailUnreadable):
        found.extend(read_file(path))
    assert found == [event()]


def test_a_document_that_is_no_log_comes_as_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"some": "settings"}')
    assert list(read_file(path)) == [None]
