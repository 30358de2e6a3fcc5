"""A cursor comes back as it was stored; anything else means the beginning."""

from pathlib import Path

import pytest

from s3gate.audit.appender import Position
from s3gate.audit.cursor import START, CursorFile


def test_a_cursor_comes_back(tmp_path: Path) -> None:
    cursor = CursorFile(tmp_path)
    assert cursor.load() == START
    for number in (7, 8):
        cursor.store(Position(number, 1, 300))
        assert CursorFile(tmp_path).load() == Position(number, 1, 300)
    assert [path.name for path in tmp_path.iterdir()] == ["cursor.json"]
    assert (tmp_path / "cursor.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text",
    ["", "\0\0\0", "{", "[]", "3", '{"seq":1}', '{"seq":"1","segment":1,"end":1}', '{"seq":-1,"segment":1,"end":1}',
     '{"seq":true,"segment":1,"end":1}', "\xff"],
)  # fmt: skip
def test_a_broken_cursor_means_the_beginning(tmp_path: Path, text: str) -> None:
    (tmp_path / "cursor.json").write_bytes(text.encode("latin-1"))
    assert CursorFile(tmp_path).load() == START
