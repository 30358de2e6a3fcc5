"""The measured values as a table of 80 columns, as Markdown and as JSON. Pure."""

import json
import statistics
import textwrap
from collections.abc import Mapping, Sequence

from bench.cost.machine import render_machine
from bench.cost.rows import NAMES, ROWS, Against, Row, Verdict, judge, spread

LABEL = 20  # columns of a row's name
CELLS = (10, 11, 11, 11)  # of each proxy's value; the rest of 80 is the verdict's
WIDTH = 80


def render_table(values: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Medians and, behind ±, half of what lies between the least and the most; ours against its goal."""
    lines = [f"{'':{LABEL}}{_columns(NAMES)}  goal"]
    section = ""
    for row in ROWS:
        if not values.get(row.key):
            continue
        if row.section != section:
            section = row.section
            lines += ["", section]
        cells = _columns([render_cell(values[row.key].get(name, ())) for name in NAMES])
        first, *others = [render_verdict(verdict) for verdict in judge(row, values)] or [""]
        lines.append(f"{row.label:<{LABEL}}{cells} {first}".rstrip())
        lines += [" " * (LABEL + sum(CELLS)) + f" {other}" for other in others]
    return "\n".join(lines) + "\n"


def _columns(words: Sequence[str]) -> str:
    return "".join(f"{word:>{width}}" for word, width in zip(words, CELLS, strict=True))


def render_cell(found: Sequence[float]) -> str:
    """`4.44 ±0.43`, with fewer digits where the cell would not hold them; `-` when there is nothing."""
    if not found:
        return "-"
    middle = statistics.median(found)
    digits = 0 if middle >= 100 else 1 if middle >= 10 else 2
    if len(found) == 1:
        return f"{middle:.{digits}f}"
    widest = f"{middle:.{digits}f} ±{spread(found):.{digits}f}"
    return widest if len(widest) < CELLS[-1] else f"{middle:.{digits}f} ±{spread(found):.0f}"


def render_verdict(verdict: Verdict) -> str:
    """`0.53 ≤0.7 met`, with what it is against where the section does not say."""
    number = f"{verdict.ratio:.0f}" if verdict.goal.against is Against.NOTHING else f"{verdict.ratio:.2f}"
    return f"{number} ≤{verdict.goal.limit:g} {'met' if verdict.met else 'MISSED'}"


def render_markdown(
    values: Mapping[str, Mapping[str, Sequence[float]]], machine: Mapping[str, str], notes: Sequence[str]
) -> str:
    """The table with everything that is needed to read it."""
    text = [
        "# What s3gate costs, side by side",
        "",
        *textwrap.wrap(f"Measured {render_machine(machine)}, by `make bench`.", WIDTH),
        "",
        "![chart](cost.svg)",
        "",
        "```",
        render_table(values).rstrip(),
        "```",
        "",
        *textwrap.wrap(HOW, WIDTH),
        "",
        *[line for note in notes for line in textwrap.wrap(f"- {note}", WIDTH, subsequent_indent="  ")],
    ]
    return "\n".join(text).rstrip() + "\n"


HOW = (
    "A value is the median of the repeats, ± half of what lies between the least and the most. The goal is "
    "s3gate's ratio to Squid in the same run, with these exceptions: latency is what each adds to direct; the "
    "first goal of a sync is against direct, the second against Squid; memory is absolute, or against the row "
    "of smaller objects; two workers are against one. Clients, proxies and origin share the processors: the "
    "clock's figures are slower than between machines, the CPU figures are the proxy's alone. The origin lies "
    "in memory, the journal of s3gate on a disk. s3gate has 10,000 rules and a request is signed; Squid has "
    "`ssl-bump` and `dstdomain`, no cache, and `client_request_buffer_max_size 8 MB`, without which version "
    "5.7 breaks uploads off; mitmdump has one addon that lets everything pass, streamed."
)


def render_json(
    values: Mapping[str, Mapping[str, Sequence[float]]],
    machine: Mapping[str, str],
    scale: Mapping[str, object],
    notes: Sequence[str],
) -> str:
    """Everything that was measured, with the verdicts."""
    rows = [_as_json(row, values) for row in ROWS if values.get(row.key)]
    document = {"machine": machine, "scale": scale, "rows": rows, "notes": notes}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _as_json(row: Row, values: Mapping[str, Mapping[str, Sequence[float]]]) -> dict[str, object]:
    found = values[row.key]
    return {
        "row": row.key,
        "what": f"{row.section}: {row.label}",
        "median": {name: round(statistics.median(found[name]), 4) for name in NAMES if found.get(name)},
        "values": {name: [round(value, 4) for value in found[name]] for name in NAMES if found.get(name)},
        "goals": [
            {
                "at_most": verdict.goal.limit,
                "against": verdict.goal.row or verdict.goal.against.value,
                "ratio": round(verdict.ratio, 4),
                "met": verdict.met,
            }
            for verdict in judge(row, values)
        ],
    }
