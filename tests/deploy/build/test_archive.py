"""Tarballs and wheels: readable by everybody's tools, and no byte of them from the machine."""

import gzip
import io
import os
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from release.archive import BLOCK_BYTES, Entry, render_gzip, render_tar, render_wheel

ENTRIES = {"r/b": Entry(b"b"), "r/a": Entry(b"#!/bin/sh\n", program=True)}


def test_a_tarball_has_sorted_names_fixed_owners_modes_and_times() -> None:
    with tarfile.open(fileobj=io.BytesIO(render_tar(ENTRIES, 86400))) as tar:
        members = tar.getmembers()
    assert [one.name for one in members] == ["r/a", "r/b"]
    assert [one.mode for one in members] == [0o755, 0o644]
    assert {(one.uid, one.gid, one.uname, one.gname, one.mtime) for one in members} == {(0, 0, "", "", 86400)}


def test_the_order_in_which_files_came_does_not_matter() -> None:
    assert render_tar(ENTRIES, 1) == render_tar(dict(reversed(ENTRIES.items())), 1)


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES])
def test_gzip_of_others_reads_it(size: int, tmp_path: Path) -> None:
    data = os.urandom(size)
    packed = render_gzip(data)
    assert gzip.decompress(packed) == data
    (tmp_path / "x.gz").write_bytes(packed)
    assert subprocess.run(["gzip", "-dc", tmp_path / "x.gz"], capture_output=True, check=True).stdout == data


def test_two_wheels_of_the_same_files_become_one() -> None:
    made = []
    for order, stamp, kind in (
        (1, (2020, 1, 1, 0, 0, 0), zipfile.ZIP_DEFLATED),
        (-1, (2026, 5, 5, 5, 5, 4), zipfile.ZIP_STORED),
    ):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", kind) as archive:
            for name in ["a.py", "x.dist-info/METADATA"][::order]:
                archive.writestr(zipfile.ZipInfo(name, stamp), f"text of {name}\n" * 100, kind)
        made.append(render_wheel(buffer.getvalue(), 1_700_000_000))
    assert made[0] == made[1]
    with zipfile.ZipFile(io.BytesIO(made[0])) as archive:
        assert archive.namelist() == ["a.py", "x.dist-info/METADATA"]
        assert archive.testzip() is None
        assert archive.infolist()[0].date_time == (2023, 11, 14, 22, 13, 20)


def test_a_time_before_1980_is_no_error() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.py", "")
    assert render_wheel(buffer.getvalue(), 0)
