"""The measured values as a table, a chart and JSON."""

import json
import platform
import shutil
import statistics
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from bench.cost.measure import CHUNKED, CONNECT, GET, KEEP, OPEN, PUT, SYNC_BIG, SYNC_MANY, USED, Results

SQUID = "Squid ssl-bump"
OURS = "s3gate"
GOALS = {GET: 0.7, PUT: 1.0, CHUNKED: 1.0, CONNECT: 1.0, KEEP: 3.0, SYNC_MANY: 1.0, SYNC_BIG: 1.0}
LIMITS_KIB = {OPEN: 100, USED: 180}
CHART_ROWS = (GET, PUT, CHUNKED, CONNECT, KEEP)
COLORS = {SQUID: "#8a8f98", "mitmdump": "#c9a227", OURS: "#1f77b4"}


def machine() -> str:
    """Where it was measured, and when."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    cores = Path("/proc/cpuinfo").read_text().count("processor\t")
    return f"{datetime.now(UTC).date()}, {cores} x {model}, Linux {platform.release()}, CPython {platform.python_version()}"


def render_table(results: Results) -> str:
    """Medians and, behind ±, half of what lies between the least and the most."""
    names = list(dict.fromkeys(name for row in results.values.values() for name in row))
    names.sort(key=["direct", "mitmdump", SQUID, OURS].index)
    lines = [
        machine(),
        f"| {'row':<44} |" + "".join(f" {name:>16} |" for name in names) + "   ratio to Squid | goal |",
    ]
    lines.append(f"|{'-' * 46}|" + f"{'-' * 18}|" * (len(names) + 1) + "------|")
    for row, values in results.values.items():
        cells = []
        for name in names:
            found = values.get(name)
            cells.append(
                f"{statistics.median(found):.2f} ±{(max(found) - min(found)) / 2:.2f}" if found else "-"
            )
        ours, theirs = results.median(row, OURS), results.median(row, SQUID)
        ratio = f"{ours / theirs:.2f}" if ours is not None and theirs else "-"
        goal = str(GOALS.get(row, "")) or (f"{LIMITS_KIB[row]} KiB" if row in LIMITS_KIB else "")
        lines.append(
            f"| {row:<44} |" + "".join(f" {cell:>16} |" for cell in cells) + f" {ratio:>16} | {goal:>4} |"
        )
    return "\n".join(lines)


def render_json(results: Results) -> str:
    """Everything that was measured."""
    return json.dumps({"machine": machine(), "rows": results.values, "goals": GOALS}, indent=1) + "\n"


def render_chart(results: Results) -> str:
    """CPU of each proxy relative to Squid, a group of bars a row."""
    left, width, bar, gap = 230, 460, 14, 22
    parts = []
    at = 50
    most = max(
        (results.median(row, name) or 0) / (results.median(row, SQUID) or 1)
        for row in CHART_ROWS
        for name in (SQUID, OURS)
    )
    scale = width / max(most, 1.0) / 1.25
    for row in CHART_ROWS:
        base = results.median(row, SQUID)
        if not base:
            continue
        parts.append(f'<text x="{left - 10}" y="{at + 2 * bar}" text-anchor="end">{row}</text>')
        for name, color in COLORS.items():
            value = results.median(row, name)
            if value is None:
                continue
            length = min(value / base * scale, width)
            parts.append(
                f'<rect x="{left}" y="{at}" width="{length:.1f}" height="{bar - 2}" fill="{color}"/>'
            )
            parts.append(
                f'<text x="{left + length + 5:.1f}" y="{at + bar - 4}">{name} {value:.2f} ({value / base:.2f})</text>'
            )
            at += bar
        at += gap
    head = f'<text x="10" y="20" font-size="14">CPU of the proxy, relative to Squid (shorter is better)</text><text x="10" y="36">{machine()}</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 170}" height="{at}" font-family="sans-serif" '
        f'font-size="11"><rect width="100%" height="100%" fill="white"/>{head}{"".join(parts)}</svg>\n'
    )


def write_png(svg: Path, png: Path) -> bool:
    """Draw the chart as PNG where `rsvg-convert` is installed (Debian: librsvg2-bin)."""
    if shutil.which("rsvg-convert") is None:
        print("no PNG: apt-get install librsvg2-bin")
        return False
    subprocess.run(["rsvg-convert", "--zoom", "2", "--output", png, svg], check=True)
    return True
