"""Botocore's S3 model and the reviewed table, joined and indexed for matching.

Method, path depth and the sub-resources in the query select a few shapes; only
operations with a reviewed class are among them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from s3gate.s3.operation_data import OPERATIONS
from s3gate.s3.operation_table import ROWS, OperationClass
from s3gate.s3.signing_names import SIGNING_HEADERS, V2_QUERY, V4_QUERY

OPERATION_CLASS: Final[Mapping[str, OperationClass]] = MappingProxyType(
    {
        name: row.operation_class
        for name, row in ROWS.items()
        if row.operation_class is not None and row.now is None
    }
)
"""Every operation that a request can be read as, and so every name that a policy may allow."""

OLDER_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {name: row.now for name, row in ROWS.items() if row.now is not None}
)
"""Deprecated names of the model → the name that `match_operation` gives such a request."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One operation of the model, indexed for matching."""

    name: str
    operation_class: OperationClass
    literals: Mapping[str, str]
    required_query: frozenset[str]
    query: frozenset[str]
    required_headers: frozenset[str]
    headers: frozenset[str]

    @property
    def weight(self) -> int:
        """How much it asks for: the most demanding candidate is tried first."""
        return len(self.required_query) + len(self.required_headers)


_Key = tuple[str, str, frozenset[str]]


def _index() -> dict[_Key, tuple[Shape, ...]]:
    found: dict[_Key, list[Shape]] = {}
    for name, method, depth, literals, must, may, must_headers, headers, _deprecated in OPERATIONS:
        operation_class = OPERATION_CLASS.get(name)
        if operation_class is None:
            continue
        fixed = dict(word.partition("=")[::2] for word in literals.split())
        required = frozenset(must.split())
        shape = Shape(
            name,
            operation_class,
            fixed,
            required,
            required | fixed.keys() | frozenset(may.split()),
            frozenset(must_headers.split()) & _DECIDING_HEADERS,
            frozenset(headers.split()),
        )
        found.setdefault((method, depth, frozenset(fixed)), []).append(shape)
    return {key: tuple(sorted(shapes, key=lambda s: -s.weight)) for key, shapes in found.items()}


EXPECTED_OWNER: Final = "x-amz-expected-bucket-owner"
SOURCE_OWNER: Final = "x-amz-source-expected-bucket-owner"


def _checking(header: str) -> frozenset[str]:
    return frozenset(OLDER_NAMES.get(row[0], row[0]) for row in OPERATIONS if header in row[7].split())


OWNER_CHECKS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {name: _checking(name) for name in (EXPECTED_OWNER, SOURCE_OWNER)}
)
"""Header → the operations that know it: elsewhere S3 is not said to compare the bucket's owner."""

# The one required header by which S3 takes one operation for another.
_DECIDING_HEADERS: Final = frozenset({"x-amz-copy-source"})
INDEX: Final = _index()
LITERALS: Final = frozenset(name for key in INDEX for name in key[2])
NAMES: Final = frozenset(name for shapes in INDEX.values() for shape in shapes for name in shape.query)
"""Query parameters of any operation, as spelled."""

FOLDED: Final = frozenset(name.lower() for name in NAMES) | V2_QUERY.keys() | V4_QUERY.keys() | {"x-id"}
"""Query parameters that S3 or signing knows, in lower case: a reader without regard to case takes them."""

# Headers of one operation that mean nothing elsewhere pass, except those that name a source or a route.
_OWN_ONLY: Final = ("x-amz-copy-source", "x-amz-rename-source", "x-amz-fwd-", "x-amz-request-")
COMMON: Final = SIGNING_HEADERS | {"x-amz-request-payer"} | {
    name
    for row in OPERATIONS
    for name in row[7].split()
    if name.startswith("x-amz-") and not name.startswith(_OWN_ONLY)
}  # fmt: skip
METADATA: Final = "x-amz-meta-"
"""Prefix of user metadata, which any write may carry."""
