r"""A squid.conf → its statements, each with its place; files that it includes stand in line.

The normal case: a word, then its values, one statement a line. As Squid 5 reads it:

- `#` begins a comment at a line's start and behind a blank; a `\` at the end joins the next line;
- `include` takes files and globs, sixteen deep at most;
- a value in double quotes, or in `parameters("…")`, names a file with one value a line, in which a
  comment may follow a value; of two values on one line Squid 5.7 was seen to match neither.

Conditions (`if`, `else`, `endif`) are not evaluated: an acl or http_access between them is refused, since
a `deny` that is left out would open what Squid closed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

INCLUDES_MAX: Final = 16
"""Squid's own limit on nested includes (cache_cf.cc)."""

FILE_BYTES: Final = 16 << 20
"""Bytes of one file: a list of half a million names; what is larger is no list of ours."""

# A comment at the start or behind a blank; `#` inside a word, such as a regular expression, is none.
_COMMENT: Final = re.compile(r"(?:^|(?<=\s))#.*")
_QUOTED: Final = re.compile(r'(?:parameters\()?"([^"]*)"\)?')
_CONDITIONS: Final = frozenset({"if", "else", "endif"})
_DECIDING: Final = frozenset({"acl", "http_access", "include"})


class Unreadable(Exception):
    """A file cannot be read, or Squid would not take it; the text says which and why."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        """As `file:line`."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Value:
    """One value with the line on which it stands: of the statement, or of the file that this names."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: its first word, the others, and where it begins."""

    word: str
    values: tuple[Value, ...]
    place: Place


def read_statements(path: Path) -> list[Statement]:
    """Every statement of a squid.conf and of what it includes.

    Args:
        path: the file; relative names in it are looked up from here, then from its directory.

    Raises:
        Unreadable: a file of it cannot be read.
    """
    return list(_statements(path, 0))


def read_list(path: Path) -> list[Value]:
    """The values of a plain list, one a line, as Squid reads a quoted file.

    Raises:
        Unreadable: it cannot be read.
    """
    return [
        Value(text, Place(str(path), number))
        for number, line in enumerate(_lines(path), 1)
        if (text := _COMMENT.sub("", line).strip())
    ]


def is_configuration(path: Path) -> bool:
    """Whether a file is a squid.conf, or a piece of one, and no plain list.

    Raises:
        Unreadable: it cannot be read.
    """
    words = {line.split(None, 1)[0] for line in _lines(path) if line.strip()}
    return not words.isdisjoint({"acl", "http_access", "include", "http_port"})


def _statements(path: Path, depth: int) -> Iterator[Statement]:
    if depth > INCLUDES_MAX:
        raise Unreadable(f"`{path}` is included more than {INCLUDES_MAX} deep; Squid refuses that too")
    conditional = 0
    for number, line in _joined(_lines(path)):
        place, words = Place(str(path), number), line.split()
        if not words:
            continue
        if words[0] in _CONDITIONS:
            conditional += {"if": 1, "else": 0, "endif": -1}[words[0]]
        elif conditional:
            if words[0] in _DECIDING:
                raise Unreadable(
                    f"{place}: `{words[0]}` hangs on a condition; give a file without conditions"
                )
        elif words[0] == "include":
            for name in words[1:]:
                for found in _find(name.strip('"'), path):
                    yield from _statements(found, depth + 1)
        else:
            yield Statement(words[0], tuple(_values(line.split(None, 1)[1:], place, path)), place)


def _values(rest: Sequence[str], place: Place, path: Path) -> Iterator[Value]:
    text = rest[0] if rest else ""
    position = 0
    for quoted in _QUOTED.finditer(text):
        yield from (Value(word, place) for word in text[position : quoted.start()].split())
        position = quoted.end()
        for found in _find(quoted[1], path):
            yield from read_list(found)
    yield from (Value(word, place) for word in text[position:].split())


def _find(name: str, beside: Path) -> list[Path]:
    """The files that a name or glob means, from the working directory as Squid does, else from the file's."""
    if Path(name).is_absolute():
        root, pattern = Path("/"), name.lstrip("/")
        found = sorted(root.glob(pattern))
    else:
        found = sorted(Path().glob(name)) or sorted(beside.parent.glob(name))
    if not found and not set(name) & set("*?["):
        raise Unreadable(f"`{name}`, which `{beside}` names, is not there; copy it beside the file")
    return [one for one in found if one.is_file()]


def _joined(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Lines without comments, each with what it is continued by."""
    start, pending = 0, ""
    for number, line in enumerate(lines, 1):
        text = line if pending == "" or not line.lstrip().startswith("#") else ""
        start = start or number
        if text.endswith("\\"):
            pending += text[:-1] + " "
            continue
        yield start, _COMMENT.sub("", pending + text).strip()
        start, pending = 0, ""
    if pending:
        yield start, _COMMENT.sub("", pending).strip()


def _lines(path: Path) -> list[str]:
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise Unreadable(f"`{path}` cannot be read: {exc.strerror}") from exc
    if len(data) > FILE_BYTES:
        raise Unreadable(f"`{path}` has more than {FILE_BYTES >> 20} MiB; name the list itself")
    return data.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
