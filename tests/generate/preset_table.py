"""The README's table of presets, from `policy/preset_data.py`.

Run `python tests/generate/preset_table.py README.md` after a row changed: it rewrites what stands
between the two marks. A test compares the README with `render()`.
"""

import sys
from pathlib import Path

from s3gate.policy.preset import PRESETS, Signing
from s3gate.policy.preset_data import FAMILIES

BEGIN = "<!-- presets: made by tests/generate/preset_table.py -->\n"
END = "<!-- end of presets -->\n"
SHOWN = "us-east-1"
"""The region whose names the table shows; every family has it."""


def render() -> str:
    """The table and the regions of each preset, with their marks."""
    lines = [
        "| preset | buckets, in us-east-1 | operations | unsigned | known from |\n|---|---|---|---|---|\n"
    ]
    for name, rows in PRESETS.items():
        shown = [row for row in rows if row.region == SHOWN]
        buckets = " ".join(f"`{row.bucket}`" for row in shown)
        operations = ", ".join(sorted(shown[0].operations))
        unsigned = "pass" if shown[0].signing is Signing.ANONYMOUS else "refused"
        sources = dict.fromkeys((one.certainty, one.source) for one in FAMILIES if one.preset == name)
        links = ", ".join(f"[{certainty}]({source})" for certainty, source in sources)
        lines.append(f"| `{name}` | {buckets} | {operations} | {unsigned} | {links} |\n")
    by_regions: dict[tuple[str, ...], list[str]] = {}
    for name, rows in PRESETS.items():
        by_regions.setdefault(tuple(sorted({row.region for row in rows})), []).append(name)
    lines.append("\n")
    for regions, names in by_regions.items():
        said = ", ".join(f"`{one}`" for one in names)
        lines.append(f"- {said}: {len(regions)} regions: {' '.join(regions)}.\n")
    return BEGIN + "".join(lines) + END


def replace(text: str) -> str:
    """A document with the table between its marks made anew.

    Raises:
        ValueError: the marks are not there.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the marks of the table are not there")
    return before + render() + after


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(replace(document.read_text(encoding="utf-8")), encoding="utf-8")
