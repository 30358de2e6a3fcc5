"""What presets stand for, as `s3gate check --show-presets` prints it.

Normally a few lines a preset: what may be done, where AWS says so, and each bucket with its region.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from s3gate.policy.preset import PresetRow, Signing

_KNOWN: Final = {
    "table": "names printed by AWS",
    "rule": "a pattern printed by AWS for every region of the service",
    "seen": "a pattern printed by AWS, each name found in use",
}


def render_presets(rows: Sequence[PresetRow]) -> Iterator[str]:
    """The rows as lines of text, those of one source together.

    Args:
        rows: in the order of `preset_rows`.
    """

    def shared(row: PresetRow) -> tuple[object, ...]:
        return row.preset, row.operations, row.signing, row.certainty, row.source, row.seen

    for _, group in groupby(rows, shared):
        found = list(group)
        first = found[0]
        exempt = "signed or not" if first.signing is Signing.ANONYMOUS else "signed, by any account"
        yield f"{first.preset}: {', '.join(sorted(first.operations))}; {exempt}"
        yield f"    {_KNOWN[first.certainty]}, {first.seen}:"
        yield f"    {first.source}"
        width = max(len(one.region) for one in found)
        yield from (f"    {one.region:<{width}}  {one.bucket}" for one in found)


def render_presets_json(rows: Sequence[PresetRow]) -> Iterator[str]:
    """Each row as a JSON line.

    Args:
        rows: in the order of `preset_rows`.
    """
    for row in rows:
        yield json.dumps(
            {
                "preset": row.preset,
                "partition": row.partition,
                "region": row.region,
                "bucket": row.bucket,
                "operations": sorted(row.operations),
                "signing": row.signing.value,
                "asked": row.asked.value,
                "certainty": row.certainty,
                "source": row.source,
                "seen": row.seen,
            }
        )
