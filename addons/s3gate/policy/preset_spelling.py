"""The canonical spelling of what `presets` lists: the name of a preset that opens something here.

Normally the name is one of the table and a listed region has rows; it comes back as it is.
"""

from pydantic import ValidationInfo

from s3gate.policy.mistake import Misspelling, quote
from s3gate.policy.place_spelling import listed_in
from s3gate.policy.preset import PRESETS
from s3gate.policy.suggestion import nearest


def check_preset(text: str, info: ValidationInfo) -> str:
    """The name of a preset with a row for one of the listed regions."""
    rows = PRESETS.get(text)
    if rows is None:
        right = nearest(text, PRESETS)
        known = ", ".join(f"`{one}`" for one in PRESETS)
        raise Misspelling(
            f"{quote(text)} is not a preset", f"write `{right}`" if right else f"one of {known}"
        )
    listed = listed_in(info)
    if listed.partitions is None or listed.regions is None:
        return text
    if any(row.partition in listed.partitions and row.region in listed.regions for row in rows):
        return text
    raise Misspelling(
        f"preset {quote(text)} knows no bucket in the listed regions: a name is never guessed",
        "delete it, or write a rule with the bucket that you know to be the service's",
    )
