"""Reading goes on exactly where the cursor stands, never beyond what was acknowledged."""

from pathlib import Path

import pytest

from s3gate.audit.appender import Appender, Position, Room, prune_segments
from s3gate.audit.chain import Extent
from s3gate.audit.cursor import START, CursorFile
from s3gate.audit.reader import JournalReader, known_extent, list_writers, read_lines, read_records
from s3gate.audit.room import Kind
from s3gate.audit.segment import JournalDamaged, list_segments, recover_tail

KEY = b"k" * 32


def fill(directory: Path, count: int, segment_bytes: int = 1000) -> None:
    directory.mkdir(exist_ok=True)
    tail = recover_tail(directory, directory.name, KEY)
    appender = Appender(directory, directory.name, KEY, Room(1 << 30, segment_bytes), tail)
    for number in range(count):
        appender.append(
            [(b'{"time":"1970-01-01T00:00:00.%06dZ","n":%d}' % (number * 1000, number), Kind.DENY)]
        )
    appender.close()


@pytest.mark.parametrize("step", [1, 3, 7, 100])
def test_every_record_once_in_order(tmp_path: Path, step: int) -> None:
    fill(tmp_path / "w1", 40)
    reader, place, seen = JournalReader(tmp_path / "w1", lambda: 40), START, []
    while events := reader.read(place, max_events=step):
        seen += events
        place = events[-1].position
    assert [event.position.seq for event in seen] == list(range(1, 41))
    assert [event.time_ms for event in seen] == list(range(40))
    assert len(list_segments(tmp_path / "w1")) > 5


def test_nothing_beyond_the_acknowledged(tmp_path: Path) -> None:
    fill(tmp_path / "w1", 10)
    limit = 4
    reader = JournalReader(tmp_path / "w1", lambda: limit)
    events = reader.read(START)
    assert [event.position.seq for event in events] == [1, 2, 3, 4]
    assert reader.read(events[-1].position) == []
    limit = 6
    assert [event.position.seq for event in reader.read(events[-1].position)] == [5, 6]


def test_a_call_has_a_size(tmp_path: Path) -> None:
    fill(tmp_path / "w1", 40)
    assert len(JournalReader(tmp_path / "w1", lambda: 40).read(START, max_bytes=1000)) == 5


def test_half_a_line_is_not_read(tmp_path: Path) -> None:
    fill(tmp_path / "w1", 2, 1 << 20)
    path = list_segments(tmp_path / "w1")[0].path
    path.write_bytes(path.read_bytes()[:-1])
    assert len(JournalReader(tmp_path / "w1", lambda: 2).read(START)) == 1


def test_a_pruned_segment_is_passed(tmp_path: Path) -> None:
    fill(tmp_path / "w1", 40)
    reader = JournalReader(tmp_path / "w1", lambda: 40)
    last = reader.read(START, max_events=list_segments(tmp_path / "w1")[2].first - 1)[-1].position
    prune_segments(tmp_path / "w1", last.seq)
    assert reader.read(last)[0].position.seq == last.seq + 1


@pytest.mark.parametrize(
    "cursor",
    [
        pytest.param(Position(500, 1, 30), id="beyond what there is"),
        pytest.param(Position(3, 1, 17), id="inside a line"),
        pytest.param(Position(3, 77, 100), id="in a segment that is not there"),
        pytest.param(Position(9, 1, 1 << 40), id="behind the end"),
    ],
)
def test_a_cursor_that_fits_nothing_means_the_beginning(tmp_path: Path, cursor: Position) -> None:
    fill(tmp_path / "w1", 10)
    assert JournalReader(tmp_path / "w1", lambda: 10).read(cursor)[0].position.seq == 1


def test_a_cursor_of_another_journal_means_the_beginning(tmp_path: Path) -> None:
    fill(tmp_path / "w1", 10, 1 << 20)
    second = JournalReader(tmp_path / "w1", lambda: 10).read(START)[1].position
    assert JournalReader(tmp_path / "w1", lambda: 10).read(Position(7, 1, second.end))[0].position.seq == 1


def test_nothing_yet(tmp_path: Path) -> None:
    assert JournalReader(tmp_path, lambda: 0).read(START) == []
    assert JournalReader(tmp_path, lambda: 5).read(START) == []
    assert list(read_records(tmp_path)) == []


def test_damage_is_said(tmp_path: Path) -> None:
    fill(tmp_path / "w1", 2, 1 << 20)
    path = list_segments(tmp_path / "w1")[0].path
    path.write_bytes(b"garbage\n" + path.read_bytes())
    with pytest.raises(JournalDamaged, match="not a record"):
        JournalReader(tmp_path / "w1", lambda: 2).read(START)


def test_what_lies_before_damage_is_read(tmp_path: Path) -> None:
    fill(tmp_path / "w1", 20, segment_bytes=1 << 20)
    path = list_segments(tmp_path / "w1")[0].path
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:7], b"garbage\n", *lines[8:]]))
    reader = JournalReader(tmp_path / "w1", lambda: 20)
    events = reader.read(START)
    assert [event.position.seq for event in events] == list(range(1, 8))
    with pytest.raises(JournalDamaged, match="not a record"):
        reader.read(events[-1].position)


def test_an_extent_follows_names_and_cursor(tmp_path: Path) -> None:
    fill(tmp_path / "w1", 40)
    segments = list_segments(tmp_path / "w1")
    assert known_extent(tmp_path / "w1") == Extent(1, 40), "by the mark"
    (tmp_path / "w1" / "mark").unlink()
    assert known_extent(tmp_path / "w1") == Extent(1, segments[-1].first - 1)
    last = JournalReader(tmp_path / "w1", lambda: 40).read(START)[-1].position
    CursorFile(tmp_path / "w1").store(last)
    segments[0].path.unlink()
    assert known_extent(tmp_path / "w1") == Extent(segments[1].first, 40)
    assert known_extent(tmp_path) == Extent(1, 0)
    assert len(list(read_lines(tmp_path / "w1"))) == 40 - segments[1].first + 1


def test_all_writers_are_read(tmp_path: Path) -> None:
    fill(tmp_path / "w2", 3)
    fill(tmp_path / "w1", 2)
    (tmp_path / "empty").mkdir()
    (tmp_path / "lost+found" / "00000000000000000001.jsonl").mkdir(parents=True)
    assert [path.name for path in list_writers(tmp_path)] == ["w1", "w2"]
    assert [record["writer"] for record in read_records(tmp_path)] == ["w1"] * 2 + ["w2"] * 3
    assert [record["seq"] for record in read_records(tmp_path / "w2")] == [1, 2, 3]
