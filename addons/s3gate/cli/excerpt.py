"""A mistake as a person reads it: place and sentence, the source line, a caret, the next step."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from s3gate.policy.mistake import Mistake

WIDTH: Final = 100
"""Characters of a source line that are shown; the caret stays inside."""


def printable(value: object) -> str:
    """Text that a request may have brought, on one line, with nothing that a terminal would obey."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(value))


def source_lines(data: bytes) -> list[str]:
    """The lines of a document as an editor counts them, undecodable bytes replaced."""
    return data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def render_mistake(name: str, lines: Sequence[str], mistake: Mistake, severity: str = "") -> str:
    """One mistake as text of several lines.

    Args:
        name: the file as the person named it.
        lines: its lines.
        mistake: what is wrong; with line 0 it stands in no line.
        severity: `warning`, or empty for an error.
    """
    label = f"{severity}: " if severity else ""
    if mistake.line < 1:
        out = [f"{name}: {label}{mistake.message}"]
    else:
        out = [f"{name}:{mistake.line}:{mistake.column}: {label}{mistake.message}"]
        out += _excerpt(lines, mistake)
    if mistake.suggestion:
        out.append(f"    next: {mistake.suggestion}")
    return "\n".join(out)


def render_in_line(name: str, mistakes: Sequence[Mistake]) -> str:
    """All mistakes of a settings file on one line, for a command that only needs something of it.

    Args:
        name: the file as the person named it.
        mistakes: one or more.
    """
    told = [f"{name}:{one.line}:{one.column}: {one.message}" for one in mistakes if one.line > 0]
    whole = [f"{name}: {one.message}" for one in mistakes if one.line < 1]
    then = f"see `s3gate check --config {name}`" if told else mistakes[0].suggestion
    return "; ".join((*told, *whole, *((then,) if then else ())))


def render_json(name: str, mistake: Mistake, severity: str) -> str:
    """One mistake as a JSON line."""
    return json.dumps({"file": name, "severity": severity, **asdict(mistake)})


def _excerpt(lines: Sequence[str], mistake: Mistake) -> list[str]:
    if mistake.line > len(lines):
        return []
    line = lines[mistake.line - 1]
    start = max(0, mistake.column - 1 - WIDTH // 2) if len(line) > WIDTH else 0
    shown = "".join(c if c.isprintable() else " " for c in line[start : start + WIDTH])
    return [f"    {shown}", "    " + " " * (mistake.column - 1 - start) + "^"]
