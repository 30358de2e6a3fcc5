"""Keys of the documents whose enforcement does not exist yet.

Normally a key is either in the schema and enforced, or unknown. What the design
names but nothing enforces yet stands here and is refused with "not supported yet",
never ignored. Who builds the enforcement deletes the row and adds the field.
"""

from typing import Final

UNSUPPORTED_KEYS: Final[frozenset[tuple[str, ...]]] = frozenset()
"""Paths in the policy file; `*` stands for an index or a name that the person chose."""


def is_unsupported(loc: tuple[int | str, ...]) -> bool:
    """Whether the key at a path of the policy file waits for its enforcement.

    Args:
        loc: keys and list indexes, from the root.
    """
    return any(
        len(row) == len(loc) and all(want in ("*", have) for want, have in zip(row, loc, strict=True))
        for row in UNSUPPORTED_KEYS
    )
