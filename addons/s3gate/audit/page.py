"""The report as one HTML page: no script, nothing fetched, good on a phone and on paper. Pure.

What clients chose is escaped wherever it stands. The policy in the page's head forbids
scripts and requests, should an escape be missing all the same.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from s3gate.audit.chart import beside_names, over_time
from s3gate.audit.summary import Passed, Refused, Summary

TOP: Final = 12  # bars of a chart: what fits a phone's screen
ROWS_MAX: Final = 500  # of a table: some 20 printed pages

_STYLE: Final = """\
:root{color-scheme:light dark;--line:#8884;--soft:#8882}
body{font:16px/1.45 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem;margin:.2rem 0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
.facts{display:flex;flex-wrap:wrap;gap:.6rem;padding:0;list-style:none}
.facts li{flex:1 1 8rem;border:1px solid var(--line);border-radius:.5rem;padding:.6rem}
.facts b{display:block;font-size:1.5rem}
svg{width:100%;height:auto}svg text{font:13px system-ui,sans-serif;fill:currentColor}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1rem;padding:0;list-style:none;font-size:.85rem}
.legend i{display:inline-block;width:.8em;height:.8em;margin-right:.4em}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.85rem}
th,td{text-align:left;padding:.3rem .5rem;border-bottom:1px solid var(--line);vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
td{white-space:nowrap}#refusals td:nth-child(4){white-space:normal;min-width:9rem;overflow-wrap:anywhere}
tr:nth-child(even) td{background:var(--soft)}
@media print{body{max-width:none;font-size:11px}h2{break-after:avoid}tr,svg{break-inside:avoid}
.wide{overflow:visible}}
"""
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def render_page(summary: Summary, title: str) -> str:
    """The whole page.

    Args:
        summary: what it shows.
        title: which trail, for the heading.
    """
    facts = (
        ("refused", summary.denied),
        ("allowed", summary.allowed),
        ("by monitor mode", summary.monitored),
        ("records", summary.records),
    )
    boxes = "".join(f'<li><b data-fact="{name}">{number:,}</b>{name}</li>' for name, number in facts)
    refusals, passages = summary.refusals(), summary.passages()
    targets = _top_targets(refusals)
    first, last = _short(summary.first) or "no record", _short(summary.last) or "no record"
    parts = [
        f"<h1>s3gate: {escape(title)}</h1>",
        f"<p>{escape(first)} to {escape(last)}, UTC</p>",
        f'<ul class="facts">{boxes}</ul>',
        _section("Refusals over time", over_time(summary.by_minute)),
        _section(
            "Clients refused most",
            beside_names(_ones(summary.clients().most_common(TOP)), ["refused"], "refusals by client"),
        ),
        _section(
            "What was asked for most", beside_names(_ones(targets[:TOP]), ["refused"], "refusals by bucket")
        ),
        _section("Every client and reason", _refusal_table(refusals)),
        _section(
            "Bytes by bucket",
            beside_names(
                [(one.target, (one.bytes_up, one.bytes_down)) for one in passages[:TOP]],
                ["bytes up", "bytes down"],
                "bytes by bucket and direction",
            ),
        ),
        _section("Every bucket that was reached", _passage_table(passages)),
    ]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>s3gate: {escape(title)}</title><style>{_STYLE}</style>"
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{"\n".join(parts)}\n</body></html>\n'


def _short(time: str) -> str:
    """A record's time to the second, as people read it."""
    return time[:19].replace("T", " ")


def _section(heading: str, content: str) -> str:
    return f"<h2>{escape(heading)}</h2>{content or '<p>nothing</p>'}"


def _ones(pairs: Iterable[tuple[str, int]]) -> list[tuple[str, Sequence[int]]]:
    return [(name, (number,)) for name, number in pairs]


def _top_targets(refusals: Sequence[Refused]) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for one in refusals:
        for target, number in one.targets.items():
            counts[target] = counts.get(target, 0) + number
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def _refusal_table(refusals: Sequence[Refused]) -> str:
    rows = [
        (
            one.client,
            one.reason,
            f"{one.count:,}",
            name_targets(one),
            name_most(one.operations),
            _short(one.first),
            _short(one.last),
        )
        for one in refusals
    ]
    heads = ("client", "reason", "count", "asked for", "operations", "first", "last")
    return _table("refusals", heads, rows, {2})


def _passage_table(passages: Sequence[Passed]) -> str:
    rows = [
        (one.target, f"{one.requests:,}", f"{one.failed:,}", f"{one.bytes_up:,}", f"{one.bytes_down:,}",
         f"{len(one.clients):,}", _short(one.first), _short(one.last))
        for one in passages
    ]  # fmt: skip
    heads = ("bucket", "requests", "failed", "bytes up", "bytes down", "clients", "first", "last")
    return _table("passages", heads, rows, {1, 2, 3, 4, 5})


def _table(name: str, heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: set[int]) -> str:
    if not rows:
        return ""
    marks = ['class="n"' if index in numbers else "" for index in range(len(heads))]
    head = "".join(f"<th {mark}>{escape(text)}</th>" for mark, text in zip(marks, heads, strict=True))
    body = "".join(
        "<tr>"
        + "".join(f"<td {mark}>{escape(text)}</td>" for mark, text in zip(marks, row, strict=True))
        + "</tr>"
        for row in rows[:ROWS_MAX]
    )
    left = f"<p>and {len(rows) - ROWS_MAX:,} more</p>" if len(rows) > ROWS_MAX else ""
    table = f'<table id="{name}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="wide">{table}</div>{left}'


def name_targets(one: Refused, shown: int = 3) -> str:
    """What was asked for, the most frequent names first, the rest as a number."""
    names = [name for name, _ in one.targets.most_common(shown)]
    rest = len(one.targets) - len(names)
    if not rest:
        return ", ".join(names)
    return f"{', '.join(names)} and {'more than ' if one.more else ''}{rest:,} other{'s' * (rest != 1)}"


def name_most(counts: dict[str, int], shown: int = 3) -> str:
    """The most frequent names."""
    names = sorted(counts, key=lambda name: (-counts[name], name))
    return ", ".join(names[:shown]) + (" …" if len(names) > shown else "")
