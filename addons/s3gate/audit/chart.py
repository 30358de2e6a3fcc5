"""Charts as inline SVG: stacked bars over time, and bars beside names. Pure; nothing is fetched or run.

Every text is escaped: names come from clients. Each mark carries its number as a title,
so that a pointer or a screen reader tells it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from typing import Final

WIDTH: Final = 520  # units of the view box; the page scales it to its own width
HEIGHT: Final = 220
LEFT: Final = 46
BOTTOM: Final = 26
BARS_MAX: Final = 60  # of a time axis; narrower ones could not be told apart on a phone
STEPS_S: Final = (60, 300, 900, 3600, 10_800, 21_600, 86_400, 604_800, 2_592_000)  # a minute to 30 days
ROW: Final = 26
# Told apart by people who see no red or no green (Okabe and Ito, 2008), then greys.
COLOURS: Final = ("#d55e00", "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#6b6b6b")


def over_time(by_minute: Mapping[str, Counter[str]]) -> str:
    """Refusals over time, stacked by reason.

    Args:
        by_minute: counts of each reason by `2026-11-22T08:30`.

    Returns:
        SVG, or an empty text when there is nothing.
    """
    if not by_minute:
        return ""
    step, bins = _bins(by_minute)
    total: Counter[str] = Counter()
    for counts in bins.values():
        total.update(counts)
    reasons = [reason for reason, _ in total.most_common()]
    top = max(counts.total() for counts in bins.values())
    bar = (WIDTH - LEFT) / len(bins)
    scale = (HEIGHT - BOTTOM - 10) / top
    marks: list[str] = [_text(LEFT - 6, 18, f"{top:,}", "end"), _text(LEFT - 6, HEIGHT - BOTTOM, "0", "end")]
    for number, (moment, counts) in enumerate(bins.items()):
        base = float(HEIGHT - BOTTOM)
        for reason in reasons:
            if not counts[reason]:
                continue
            height = max(1.0, counts[reason] * scale)
            base -= height
            told = f"{moment:%Y-%m-%d %H:%M} UTC: {counts[reason]:,} {reason}"
            marks.append(_bar(LEFT + number * bar, base, bar * 0.86, height, _colour(reasons, reason), told))
    first, *_, last = (*bins, *bins)
    marks.append(_text(LEFT, HEIGHT - 8, f"{first:%m-%d %H:%M}", "start"))
    marks.append(_text(WIDTH, HEIGHT - 8, f"{last:%m-%d %H:%M}, a bar is {timedelta(seconds=step)} h", "end"))
    names = "".join(
        f'<li><i style="background:{_colour(reasons, reason)}"></i>{escape(reason)} {total[reason]:,}</li>'
        for reason in reasons
    )
    return _svg(HEIGHT, marks, "refusals over time by reason") + f'<ul class="legend">{names}</ul>'


def beside_names(rows: Sequence[tuple[str, Sequence[int]]], units: Sequence[str], label: str) -> str:
    """Bars beside names, one bar a number.

    Args:
        rows: names with their numbers, in order.
        units: what the numbers are, for the titles; one colour each.
        label: what the chart shows.
    """
    if not rows:
        return ""
    top = max((max(numbers) for _, numbers in rows), default=0) or 1
    marks: list[str] = []
    each = ROW * len(units) + 18
    for index, (name, numbers) in enumerate(rows):
        y = index * each
        marks.append(_text(0, y + 12, name if len(name) <= 60 else name[:59] + "…", "start"))
        for place, (number, unit) in enumerate(zip(numbers, units, strict=True)):
            width = max(1.0, number / top * (WIDTH - 170)) if number else 0.0
            told = f"{name}: {number:,} {unit}"
            marks.append(_bar(0, y + 17 + place * ROW, width, ROW - 8, COLOURS[place], told))
            marks.append(_text(width + 6, y + 31 + place * ROW, f"{number:,} {unit}", "start"))
    return _svg(each * len(rows), marks, label)


def _bins(by_minute: Mapping[str, Counter[str]]) -> tuple[int, dict[datetime, Counter[str]]]:
    """The smallest step that gives few enough bars, and the counts of each bar, empty ones included."""
    minutes = {
        datetime.fromisoformat(text + ":00+00:00"): counts for text, counts in by_minute.items() if text
    }
    first, last = min(minutes), max(minutes)
    span = (last - first).total_seconds()
    step = next((step for step in STEPS_S if span / step < BARS_MAX - 1), int(span / (BARS_MAX - 2)) + 1)
    start = int(first.timestamp()) // step * step
    count = (int(last.timestamp()) - start) // step + 1
    bins = {
        datetime.fromtimestamp(start + number * step, first.tzinfo): Counter[str]() for number in range(count)
    }
    for moment, counts in minutes.items():
        at = int(moment.timestamp()) // step * step
        bins[datetime.fromtimestamp(at, first.tzinfo)].update(counts)
    return step, bins


def _colour(reasons: Sequence[str], reason: str) -> str:
    return COLOURS[min(reasons.index(reason), len(COLOURS) - 1)]


def _svg(height: float, marks: Sequence[str], label: str) -> str:
    head = f'viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(label)}"'
    return f"<svg {head}>{''.join(marks)}</svg>"


def _bar(x: float, y: float, width: float, height: float, colour: str, told: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} fill="{colour}"><title>{escape(told)}</title></rect>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
