"""The README's table of presets, from `policy/preset_data.py`.

`make readme` after a row changed rewrites what stands between the two marks.
"""

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
