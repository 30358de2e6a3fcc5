"""A regular file is read as far as it may go; what is none is told at once."""

import os
from pathlib import Path

import pytest

from s3gate.regular_file import read_regular


@pytest.mark.parametrize(("most", "found"), [(9, b"abc"), (3, b"abc"), (2, b"abc"), (1, b"ab")])
def test_a_longer_file_is_told_by_one_byte_more(tmp_path: Path, most: int, found: bytes) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("file")
    assert read_regular(tmp_path / "link", most) == found


def test_nobody_waits_for_a_fifo(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match="it is no regular file"):
        read_regular(tmp_path / "fifo", 9)


def test_a_device_has_no_end(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/zero")
    with pytest.raises(OSError, match="it is no regular file"):
        read_regular(tmp_path / "link", 9)


def test_a_directory_is_none(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="it is no regular file"):
        read_regular(tmp_path, 9)
