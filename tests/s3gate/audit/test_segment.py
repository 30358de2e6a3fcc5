"""A torn end is cut and kept; any other damage keeps the journal shut and is named."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from s3gate.audit.chain import GENESIS, seal
from s3gate.audit.segment import JournalDamaged, Segment, create_segment, list_segments, recover_tail

KEY = b"k" * 32


def lines(first: int, count: int, prev: str = GENESIS, writer: str = "w1") -> tuple[bytes, str]:
    text = b""
    for seq in range(first, first + count):
        line, prev = seal(b'{"n":%d}' % seq, writer, seq, prev, KEY)
        text += line + b"\n"
    return text, prev


def write(directory: Path, first: int, data: bytes) -> Path:
    path = Segment.named(directory, first).path
    path.write_bytes(data)
    return path


def test_an_empty_directory_begins_with_nothing(tmp_path: Path) -> None:
    tail = recover_tail(tmp_path, "w1", KEY)
    assert (tail.segment, tail.seq, tail.hash) == (None, 0, GENESIS)


def test_other_files_are_no_segments(tmp_path: Path) -> None:
    for name in ("lock", "cursor.json", "1.jsonl", f"{1:020d}.jsonl.torn-3", f"{1:020d}.jsonl\n"):
        (tmp_path / name).touch()
    segment, _ = create_segment(tmp_path, 1)
    assert list_segments(tmp_path) == [segment]


@pytest.mark.parametrize(
    "tail",
    [
        b"",
        b"{",
        b'{"half":',
        b"\0" * 4096,
        b"\xff\xfe\n\n garbage\n",
        b"\n",
        lines(4, 1)[0][:-1],
        lines(4, 1)[0][:-9],
    ],
    ids=["none", "a brace", "cut", "zeros", "garbage", "an empty line", "no line end", "cut in the hash"],
)
def test_a_torn_tail_is_cut_and_kept(tmp_path: Path, tail: bytes) -> None:
    good, head = lines(1, 3)
    path = write(tmp_path, 1, good + tail)
    found = recover_tail(tmp_path, "w1", KEY)
    assert (found.seq, found.hash, found.size) == (3, head, len(good))
    assert path.read_bytes() == good
    kept = [part.read_bytes() for part in tmp_path.iterdir() if "torn" in part.name]
    assert kept == ([tail] if tail else [])
    assert recover_tail(tmp_path, "w1", KEY).torn is None


def test_two_torn_tails_at_one_place_are_both_kept(tmp_path: Path) -> None:
    for tail in (b"one", b"two", b"three"):
        write(tmp_path, 1, lines(1, 1)[0] + tail)
        recover_tail(tmp_path, "w1", KEY)
    assert len([part for part in tmp_path.iterdir() if "torn" in part.name]) == 3


def test_a_whole_journal_torn_at_its_first_line(tmp_path: Path) -> None:
    write(tmp_path, 1, b"{")
    assert recover_tail(tmp_path, "w1", KEY).seq == 0


@pytest.mark.parametrize(
    ("damage", "offset", "detail"),
    [
        pytest.param(
            lambda a, b: a + b"garbage\n" + b, len(lines(1, 3)[0]), "whole lines follow", id="garbage inside"
        ),
        pytest.param(lambda a, b: a + b[50:], len(lines(1, 3)[0]), "whole lines follow", id="a cut inside"),
        pytest.param(lambda a, b: b"\0" * len(a) + b, 0, "whole lines follow", id="a zeroed block inside"),
        pytest.param(lambda a, b: a.replace(b'"n":2', b'"n":7') + b, None, "edited, or the key", id="edited"),
        pytest.param(lambda _, b: b, 0, "does not follow", id="a cut head"),
        pytest.param(lambda a, _: a + lines(1, 3)[0], len(lines(1, 3)[0]), "does not follow", id="twice"),
        pytest.param(lambda _a, _b: lines(1, 3, writer="w2")[0], 0, "does not follow", id="another writer's"),
        pytest.param(
            lambda _a, _b: lines(1, 3, prev="1" * 64)[0], 0, "does not follow", id="another chain's"
        ),
    ],
)
def test_other_damage_keeps_it_shut(
    tmp_path: Path, damage: Callable[[bytes, bytes], bytes], offset: int | None, detail: str
) -> None:
    first, head = lines(1, 3)
    broken = damage(first, lines(4, 3, head)[0])
    path = write(tmp_path, 1, broken)
    with pytest.raises(JournalDamaged, match=detail) as caught:
        recover_tail(tmp_path, "w1", KEY)
    assert caught.value.path == path
    assert offset is None or caught.value.offset == offset
    assert str(path) in str(caught.value)
    assert path.read_bytes() == broken


def test_another_key_cuts_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, 1, lines(1, 3)[0])
    with pytest.raises(JournalDamaged, match="the key is another"):
        recover_tail(tmp_path, "w1", b"x" * 32)
    assert path.read_bytes() == lines(1, 3)[0]


def test_an_empty_newest_segment_goes_on_from_the_one_before(tmp_path: Path) -> None:
    text, head = lines(1, 3)
    write(tmp_path, 1, text)
    write(tmp_path, 4, b"")
    tail = recover_tail(tmp_path, "w1", KEY)
    assert (tail.seq, tail.hash, tail.size) == (3, head, 0)


def test_a_pruned_head_is_fine(tmp_path: Path) -> None:
    text, head = lines(4, 3, lines(1, 3)[1])
    write(tmp_path, 4, text)
    tail = recover_tail(tmp_path, "w1", KEY)
    assert (tail.seq, tail.hash) == (6, head)


@pytest.mark.parametrize(
    ("older", "newest"),
    [
        pytest.param(lines(1, 2)[0], b"", id="the one before ends too early"),
        pytest.param(lines(1, 3)[0] + b"torn", b"", id="the one before is torn"),
        pytest.param(None, b"", id="only an empty one that does not begin with 1"),
        pytest.param(None, b"torn", id="only a torn one that does not begin with 1"),
    ],
)
def test_a_chain_that_does_not_join_keeps_it_shut(tmp_path: Path, older: bytes | None, newest: bytes) -> None:
    if older is not None:
        write(tmp_path, 1, older)
    write(tmp_path, 4, newest)
    with pytest.raises(JournalDamaged, match=re.escape(str(tmp_path))):
        recover_tail(tmp_path, "w1", KEY)
