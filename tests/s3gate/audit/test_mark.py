"""The mark says what is on disk, never more, and a damaged one says nothing new."""

import os
from pathlib import Path

import pytest

from s3gate.audit.appender import Appender, JournalUnavailable, Room
from s3gate.audit.mark import NAME, Mark, Marked, MarkFollower, list_heads, read_mark
from s3gate.audit.room import Kind
from s3gate.audit.segment import recover_tail

KEY = b"k" * 32
HASH = "a" * 64


def test_what_is_stored_is_read(tmp_path: Path) -> None:
    mark = Mark.open(tmp_path)
    assert read_mark(tmp_path) is None
    assert mark.store(7, HASH)
    assert read_mark(tmp_path) == Marked(7, HASH)
    assert mark.store(123_456, "b" * 64)
    mark.close()
    assert read_mark(tmp_path) == Marked(123_456, "b" * 64)
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda raw: raw[:50], id="half"),
        pytest.param(lambda raw: raw.replace(b"7 a", b"8 a"), id="another number"),
        pytest.param(lambda raw: raw.replace(b"aaa ", b"aab "), id="another hash"),
        pytest.param(lambda raw: b"\n" + raw, id="shifted"),
        pytest.param(lambda raw: b"\0" * len(raw), id="zeros"),
    ],
)
def test_a_damaged_mark_leaves_the_last_good_one(tmp_path: Path, damage: object) -> None:
    mark = Mark.open(tmp_path)
    mark.store(7, HASH)
    follower = MarkFollower(tmp_path)
    assert follower() == 7
    assert callable(damage)
    (tmp_path / NAME).write_bytes(damage((tmp_path / NAME).read_bytes()))
    assert read_mark(tmp_path) is None
    assert follower() == 7
    assert MarkFollower(tmp_path)() == 0
    mark.store(9, HASH)
    mark.close()
    assert follower() == 9


def test_a_mark_that_cannot_be_stored_is_told(tmp_path: Path) -> None:
    (tmp_path / NAME).touch()
    mark = Mark(os.open(tmp_path / NAME, os.O_RDONLY))
    assert not mark.store(1, HASH)
    mark.close()


def test_the_mark_moves_only_behind_a_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    appender = Appender(tmp_path, "w", KEY, Room(1 << 20, 1 << 20), recover_tail(tmp_path, "w", KEY))
    follower = MarkFollower(tmp_path)
    assert follower() == 0
    appender.append([(b'{"a":1}', Kind.DENY), (b'{"a":2}', Kind.DENY)])
    assert follower() == 2

    def broken(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", broken)
        assert isinstance(appender.append([(b'{"a":3}', Kind.DENY)])[0], JournalUnavailable)
    assert follower() == 2, "the third line may be on disk, but nobody may rely on it"
    appender.close()
    reopened = Appender(tmp_path, "w", KEY, Room(1 << 20, 1 << 20), recover_tail(tmp_path, "w", KEY))
    assert follower() == 3, "at the next start it was read back and synced: it stands"
    reopened.close()


def test_heads_are_those_of_every_writer(tmp_path: Path) -> None:
    for name, seq in (("w2", 5), ("w1", 3), ("fresh", 0)):
        (tmp_path / name).mkdir()
        mark = Mark.open(tmp_path / name)
        mark.store(seq, HASH)
        mark.close()
    (tmp_path / "other").mkdir()
    (tmp_path / "file").touch()
    assert [(head.writer, head.seq, head.hash) for head in list_heads(tmp_path)] == [
        ("w1", 3, HASH),
        ("w2", 5, HASH),
    ]


def test_what_is_no_writers_costs_no_head(tmp_path: Path) -> None:
    """The directory may be a file system of its own; without heads nobody would see that a tail was cut."""
    for name, seq in (("w1", 5), ("w2", 7)):
        (tmp_path / name).mkdir()
        mark = Mark.open(tmp_path / name)
        mark.store(seq, "a" * 64)
        mark.close()
    (tmp_path / "lost+found" / "mark").mkdir(parents=True)  # unreadable, for root too
    (tmp_path / "unreadable" / "mark").mkdir(parents=True)
    assert [(head.writer, head.seq) for head in list_heads(tmp_path)] == [("w1", 5), ("w2", 7)]
