"""A squid.conf read as Squid reads it."""

import subprocess
from pathlib import Path

import pytest

from s3gate.squid import statement as module
from s3gate.squid.statement import (
    INCLUDES_MAX,
    Place,
    Statement,
    Unreadable,
    is_configuration,
    read_list,
    read_statements,
)


def words(found: list[Statement]) -> list[list[str]]:
    return [[one.word, *(value.text for value in one.values)] for one in found]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b c\n", [["a", "b", "c"]]),
        ("a b\r\n\r\n  # no\r\nc d # tail\r\n", [["a", "b"], ["c", "d"]]),
        ("a b \\\n  c \\\n  d\ne\n", [["a", "b", "c", "d"], ["e"]]),
        ("a b#c\n", [["a", "b#c"]]),
        ("a b \\", [["a", "b"]]),
        ("a b", [["a", "b"]]),
    ],
)
def test_lines_comments_and_continuations(tmp_path: Path, text: str, expected: list[list[str]]) -> None:
    assert words(read_statements(write(tmp_path / "squid.conf", text))) == expected


def test_a_place_is_where_a_value_stands(tmp_path: Path) -> None:
    listed = write(tmp_path / "names", "one # x\n\ntwo\n")
    file = write(tmp_path / "squid.conf", f'\nacl a dstdomain zero "{listed}"\n')
    (found,) = read_statements(file)
    assert found.place == Place(str(file), 2)
    assert [str(value.place) for value in found.values[2:]] == [f"{file}:2", f"{listed}:1", f"{listed}:3"]
    assert [value.text for value in found.values[2:]] == ["zero", "one", "two"]


def test_includes_and_globs_stand_in_line(tmp_path: Path) -> None:
    write(tmp_path / "conf.d" / "b.conf", "b\n")
    write(tmp_path / "conf.d" / "a.conf", f"a\ninclude {tmp_path}/last.conf\n")
    write(tmp_path / "last.conf", 'acl x dstdomain parameters("names")\n')
    write(tmp_path / "names", "one\n")
    file = write(tmp_path / "squid.conf", "first\ninclude conf.d/*.conf nothing/*.conf\nlast\n")
    assert words(read_statements(file)) == [
        ["first"],
        ["a"],
        ["acl", "x", "dstdomain", "one"],
        ["b"],
        ["last"],
    ]


def test_what_hangs_on_a_condition_is_refused_where_it_decides(tmp_path: Path) -> None:
    harmless = write(
        tmp_path / "a", "if ${process_number} = 1\ncache_dir x\nelse\ncache_dir y\nendif\nlast\n"
    )
    assert words(read_statements(harmless)) == [["last"]]
    for decides in ("http_access deny all", "acl a src 1.2.3.4", "include x"):
        file = write(tmp_path / "b", f"if true\n{decides}\nendif\n")
        with pytest.raises(Unreadable, match=r"b:2: .* hangs on a condition"):
            read_statements(file)


def test_what_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unreadable, match="cannot be read"):
        read_statements(tmp_path / "nothing")
    with pytest.raises(Unreadable, match="is not there"):
        read_statements(write(tmp_path / "a", "include nothing.conf\n"))
    loop = write(tmp_path / "loop", f"include {tmp_path}/loop\n")
    with pytest.raises(Unreadable, match=f"more than {INCLUDES_MAX} deep"):
        read_statements(loop)
    monkeypatch.setattr(module, "FILE_BYTES", 3)
    with pytest.raises(Unreadable, match="name the list itself"):
        read_statements(write(tmp_path / "b", "four"))


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("acl a src all\n", True), ("one.example\n# acl\n", False), ("", False), ("  include x\n", True)],
)
def test_a_configuration_is_told_from_a_list(tmp_path: Path, text: str, is_one: bool) -> None:
    assert is_configuration(write(tmp_path / "file", text)) is is_one


def test_a_list_has_one_value_a_line(tmp_path: Path) -> None:
    found = read_list(write(tmp_path / "list", " one # x\n#\n\ntwo three\r\n"))
    assert [(value.text, value.place.line) for value in found] == [("one", 1), ("two three", 4)]


@pytest.mark.needs_program("squid")
def test_squid_refuses_an_acl_of_two_kinds_as_we_do(tmp_path: Path) -> None:
    file = write(tmp_path / "squid.conf", "http_port 3128\nacl a src all\nacl a dstdomain x\n")
    ran = subprocess.run(["squid", "-k", "parse", "-f", file], capture_output=True, timeout=60, check=False)
    assert ran.returncode != 0
