"""Keys and values of the documents whose enforcement does not exist yet.

Normally a key is either in the schema and enforced, or unknown. What the design
names but nothing enforces yet stands here and is refused with "not supported yet",
never ignored. Who builds the enforcement deletes the row and adds the field.
"""

from typing import Final

UNSUPPORTED_KEYS: Final[frozenset[tuple[str, ...]]] = frozenset(
    {
        ("clients", "*", "users"),
        ("clients", "*", "vpc_endpoints"),
        ("presets",),
        ("rules", "*", "access_point"),
        ("rules", "*", "encryption"),
        ("rules", "*", "mrap"),
        ("rules", "*", "owner"),
    }
)
"""Paths in the policy file; `*` stands for an index or a name that the person chose."""

UNSUPPORTED_CLASSES: Final[frozenset[str]] = frozenset(
    {
        "accelerate",
        "access-point",
        "express",
        "mrap",
        "object-lambda",
        "outposts",
        "vpce",
        "website",
    }
)
"""Endpoint classes that are recognised and refused, and cannot be listed yet."""


def is_unsupported(loc: tuple[int | str, ...]) -> bool:
    """Whether the key at a path of the policy file waits for its enforcement.

    Args:
        loc: keys and list indexes, from the root.
    """
    return any(
        len(row) == len(loc) and all(want in ("*", have) for want, have in zip(row, loc, strict=True))
        for row in UNSUPPORTED_KEYS
    )
