"""The rows with a goal against Squid as a chart: SVG written by hand, PNG from `rsvg-convert`.

No plotting library for five groups of bars: the SVG is text like the report's, and librsvg (Debian:
librsvg2-bin, which `make bench` installs where it may) draws it without a browser.
"""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Final

from bench.cost.machine import render_machine
from bench.cost.rows import MITMDUMP, OURS, ROWS, SQUID, Against, Row, median

WIDTH: Final = 760
LEFT: Final = 190
BAR: Final = 15
GAP: Final = 20
TOP: Final = 62
FULL: Final = 400  # length of the longest bar
WORDS: Final = 165  # room for the figures behind it
HALO: Final = (
    'paint-order="stroke" stroke="white" stroke-width="3"'  # so that the line of the goal crosses no figure
)
# Told apart by people who see no red or no green (Okabe and Ito, 2008).
COLOURS: Final = {SQUID: "#6b6b6b", MITMDUMP: "#e69f00", OURS: "#0072b2"}


def charted(row: Row) -> bool:
    """Whether the chart has it: CPU with a goal against Squid."""
    return "cpu" in row.key and any(goal.against is Against.SQUID for goal in row.goals)


def render_chart(values: Mapping[str, Mapping[str, Sequence[float]]], machine: Mapping[str, str]) -> str:
    """CPU of each proxy relative to Squid, a group of bars a row, each with a scale of its own, and where the goal is."""
    rows = [row for row in ROWS if charted(row) and median(values, row.key, SQUID)]
    ratios = {(row.key, name): _ratio(values, row, name) for row in rows for name in COLOURS}
    marks: list[str] = []
    y = TOP
    for row in rows:
        limit = next(goal.limit for goal in row.goals if goal.against is Against.SQUID)
        shown = [name for name in COLOURS if ratios[row.key, name] is not None]
        scale = FULL / max(limit, *(ratios[row.key, name] or 0.0 for name in shown))
        height = BAR * len(shown)
        unit = "s/GiB" if "gib" in row.key else "ms"
        marks.append(_text(LEFT - 10, y + height / 2 + 4, f"{row.label}, {unit}", "end"))
        words: list[str] = []
        for place, name in enumerate(shown):
            ratio = ratios[row.key, name] or 0.0
            at = y + place * BAR
            marks.append(
                f'<rect x="{LEFT}" y="{at}" width="{ratio * scale:.1f}" height="{BAR - 2}" fill="{COLOURS[name]}"/>'
            )
            told = f"{name} {median(values, row.key, name):.2f} ({ratio:.2f}x)"
            words.append(_text(LEFT + ratio * scale + 6, at + BAR - 4, told, "start"))
        goal = LEFT + limit * scale
        marks.append(
            f'<line x1="{goal:.1f}" x2="{goal:.1f}" y1="{y - 4}" y2="{y + height + 2}" stroke="#d55e00" '
            f'stroke-width="2" stroke-dasharray="4 3"><title>goal: {limit:g}x</title></line>'
        )
        marks += words
        y += height + GAP
    label = "CPU time of the proxy, relative to Squid in the same run (dashed: the goal for s3gate)"
    head = f'viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" role="img" aria-label="{escape(label)}"'
    title = f'<text x="12" y="22" font-size="15">{escape(label)}</text>' + _text(
        12, 42, render_machine(machine), "start"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {head} font-family="DejaVu Sans, sans-serif" font-size="11">'
        f'<rect width="100%" height="100%" fill="white"/>{title}{"".join(marks)}</svg>\n'
    )


def _ratio(values: Mapping[str, Mapping[str, Sequence[float]]], row: Row, name: str) -> float | None:
    theirs, squid = median(values, row.key, name), median(values, row.key, SQUID)
    return theirs / squid if theirs is not None and squid else None


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {HALO}>{escape(text)}</text>'


def write_png(svg: Path, png: Path) -> bool:
    """Draw the chart as PNG, twice as large; False when `rsvg-convert` is not there."""
    if shutil.which("rsvg-convert") is None:
        return False
    subprocess.run(["rsvg-convert", "--zoom", "2", "--output", png, svg], check=True, timeout=60)
    return True
