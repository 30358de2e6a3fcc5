"""A group is durable or refused; a disk without room refuses and recovers, a broken one refuses for good."""

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from s3gate.audit.appender import Appender, JournalUnavailable, Outcome, Position, Room, prune_segments
from s3gate.audit.chain import Extent
from s3gate.audit.room import Kind
from s3gate.audit.segment import list_segments, recover_tail
from s3gate.audit.verification import verify

KEY = b"k" * 32
BODY = b'{"pad":"' + b"x" * 200 + b'"}'
WIDE = Room(1 << 30, 1 << 20)


def make(directory: Path, room: Room = WIDE) -> Appender:
    return Appender(directory, "w1", KEY, room, recover_tail(directory, "w1", KEY))


def lines_of(directory: Path) -> list[bytes]:
    return [line for part in list_segments(directory) for line in part.path.read_bytes().splitlines()]


def granted(outcomes: list[Outcome]) -> list[int]:
    return [outcome.seq for outcome in outcomes if isinstance(outcome, Position)]


def fill(appender: Appender, kind: Kind, tries: int = 100) -> int:
    """How many records of one kind are taken before the first is refused."""
    for number in range(tries):
        if not granted(appender.append([(BODY, kind)])):
            return number
    return tries


def test_room_is_kept_for_denials_and_completions(tmp_path: Path) -> None:
    appender = make(tmp_path, Room(40_000, 1 << 20))
    used = []
    for kind in (Kind.ALLOW, Kind.DENY, Kind.COMPLETION):
        fill(appender, kind, 1000)
        used.append(sum(part.size() for part in list_segments(tmp_path)))
    appender.close()
    assert used[0] == pytest.approx(32_000, abs=500)
    assert used[1] == pytest.approx(39_600, abs=500)
    assert used[0] < used[1] <= 39_600
    assert used[2] <= 40_000
    assert verify(lines_of(tmp_path), KEY) == []


def test_in_one_group_only_those_without_room_are_refused(tmp_path: Path) -> None:
    appender = make(tmp_path, Room(10_000, 1 << 20))
    group = [(BODY, kind) for kind in [Kind.ALLOW, Kind.DENY] * 12]
    outcomes = appender.append(group)
    appender.close()
    refused = [
        kind for (_, kind), outcome in zip(group, outcomes, strict=True) if not isinstance(outcome, Position)
    ]
    assert refused[0] is Kind.ALLOW
    assert granted(outcomes) == list(range(1, len(granted(outcomes)) + 1))
    assert verify(lines_of(tmp_path), KEY) == []


def test_pruning_gives_room_back(tmp_path: Path) -> None:
    appender = make(tmp_path, Room(8_000, 1_000))
    count = fill(appender, Kind.ALLOW)
    assert len(prune_segments(tmp_path, below=count - 1)) > 1
    assert fill(appender, Kind.ALLOW, 3) == 3
    appender.close()
    assert verify(lines_of(tmp_path), KEY, Extent(first=count)) == []


def test_a_journal_without_room_for_what_is_allowed_says_so_until_it_has_some(tmp_path: Path) -> None:
    """Heartbeats, which still have room, come to see that there is some again."""
    appender = make(tmp_path, Room(8_000, 1_000))
    assert appender.trouble is None
    count = fill(appender, Kind.ALLOW)
    assert "full for what is allowed" in str(appender.trouble)
    assert granted(appender.append([(BODY, Kind.NOTICE)])) == [count + 1]
    assert "full for what is allowed" in str(appender.trouble)
    assert len(prune_segments(tmp_path, below=count - 1)) > 1
    assert granted(appender.append([(BODY, Kind.NOTICE)])) == [count + 2]
    assert appender.trouble is None
    assert appender.used_bytes == sum(part.size() for part in list_segments(tmp_path))
    appender.close()


def test_what_was_pruned_is_not_told_as_used_for_ever(tmp_path: Path) -> None:
    """The alarm on the journal's room goes off with the next heartbeat, not with the next start."""
    appender = make(tmp_path, Room(100_000, 1_000))
    count = fill(appender, Kind.ALLOW, 60)
    prune_segments(tmp_path, below=count)
    appender.append([(BODY, Kind.NOTICE)])
    assert appender.used_bytes == sum(part.size() for part in list_segments(tmp_path)) < 2_000
    appender.close()


def test_pruning_keeps_what_was_not_shipped_and_what_is_wanted(tmp_path: Path) -> None:
    appender = make(tmp_path, Room(100_000, 1_000))
    appender.append([(BODY, Kind.DENY)])
    for _ in range(20):
        appender.append([(BODY, Kind.DENY)])
    before = list_segments(tmp_path)
    assert prune_segments(tmp_path, below=0) == []
    assert prune_segments(tmp_path, below=21, keep_bytes=1 << 20) == []
    removed = prune_segments(tmp_path, below=before[3].first)
    assert removed == before[:3]
    assert prune_segments(tmp_path, below=10_000) == before[3:-1]
    appender.close()
    assert recover_tail(tmp_path, "w1", KEY).seq == 21


def test_a_full_disk_refuses_and_recovers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    appender = make(tmp_path)
    appender.append([(BODY, Kind.DENY)])
    whole = lines_of(tmp_path)
    write = os.write

    def half(fd: int, data: memoryview) -> int:
        if len(data) < 300:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, data[: len(data) // 2])

    with monkeypatch.context() as patch:
        patch.setattr("os.write", half)
        outcomes = appender.append([(BODY, Kind.DENY)] * 4)
        assert all(isinstance(outcome, JournalUnavailable) for outcome in outcomes)
        assert "no room on its disk" in str(outcomes[0])
        assert appender.trouble == str(outcomes[0])
    assert lines_of(tmp_path) == whole
    assert granted(appender.append([(BODY, Kind.DENY)])) == [2]
    assert not appender.trouble
    assert appender.failure is None
    appender.close()
    assert verify(lines_of(tmp_path), KEY) == []


@contextmanager
def descriptors(free: int) -> Iterator[None]:
    """This process has so many file descriptors left meanwhile: whoever connects takes one each."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest)
    held: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + 20, hard))
    try:
        with suppress(OSError):
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        for _ in range(free):
            os.close(held.pop())
        yield
    finally:
        for one in held:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


GETS_NONE = "gets no file descriptor: raise the limit"


@pytest.mark.parametrize(
    ("room", "free", "said"),
    [
        (Room(1 << 20, 300), 0, GETS_NONE),
        (Room(1 << 20, 300), 1, GETS_NONE),
        (Room(2_000, 1 << 20), 0, GETS_NONE),
        (Room(2_000, 1 << 20), 1, "ship or archive it"),
    ],
    ids=["next segment", "next segment, one left", "nearly full", "nearly full, one left"],
)
def test_without_a_descriptor_it_refuses_and_recovers(
    tmp_path: Path, room: Room, free: int, said: str
) -> None:
    """With one left a new segment can be made, and its name not be made durable."""
    appender = make(tmp_path, room)
    kept = fill(appender, Kind.ALLOW, 2 if room.segment_bytes == 300 else 100)
    with descriptors(free):
        outcomes = appender.append([(BODY, Kind.ALLOW)])
    assert (granted(outcomes), appender.failure) == ([], None)
    assert str(outcomes[0]).endswith(said)
    assert granted(appender.append([(BODY, Kind.COMPLETION)])) == [kept + 1]
    appender.close()
    assert verify(lines_of(tmp_path), KEY) == []


@pytest.mark.parametrize(
    ("call", "code"),
    [("write", errno.EIO), ("write", errno.EROFS), ("fdatasync", errno.EIO), ("fdatasync", errno.ENOSPC)],
)
def test_a_broken_disk_refuses_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    appender = make(tmp_path)
    appender.append([(BODY, Kind.DENY)])

    def fail(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(f"os.{call}", fail)
        assert granted(appender.append([(BODY, Kind.DENY)] * 2)) == []
    assert granted(appender.append([(BODY, Kind.DENY)])) == []
    assert appender.failure is not None
    assert os.strerror(code) in appender.failure
    assert appender.trouble == appender.failure
    assert appender.seq == 1
    appender.close()


def test_a_directory_that_vanishes_refuses(tmp_path: Path) -> None:
    own = tmp_path / "w1"
    own.mkdir()
    appender = make(own, Room(1 << 20, 100))
    appender.append([(BODY, Kind.DENY)])
    for path in own.iterdir():
        path.unlink()
    own.rmdir()
    assert granted(appender.append([(BODY, Kind.DENY)])) == []
    assert appender.failure is not None
    appender.close()
