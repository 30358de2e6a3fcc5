"""Which S3 operation a request is, its class, and what it needs besides.

The normal case: method and path depth select candidates, the sub-resources in the
query select among them, required members and headers decide. Then every part of the
request must belong to that operation or to signing. The steps:

1. a query in which any parameter has two readings is refused;
2. POST forms and SOAP are refused: their bodies decide what they are;
3. method, depth and literal sub-resources find the candidates; the one that asks most and gets it is taken;
4. each query parameter and each x-amz- header must be known to it, else UnknownOperation;
5. ACLs, tags, locks, redirects and keys of the request's own become needs.

The operations come from botocore's model (`operation_data.py`), their classes from the
reviewed table (`operation_table.py`); an operation without a row is never matched.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from s3gate.s3.address import S3Address
from s3gate.s3.copy_source import read_rename_keys
from s3gate.s3.endpoint import EndpointClass
from s3gate.s3.head import Head
from s3gate.s3.operation_data import BOTOCORE_VERSION, OPERATIONS
from s3gate.s3.operation_needs import find_encryption, find_needs
from s3gate.s3.operation_table import ROWS, OperationClass
from s3gate.s3.query import Query
from s3gate.s3.refusal import AmbiguousTarget, UnknownOperation
from s3gate.s3.signing_names import SIGNING_HEADERS, V2_QUERY, V4_QUERY

__all__ = [
    "BOTOCORE_VERSION",
    "OLDER_NAMES",
    "OPERATION_CLASS",
    "Operation",
    "OperationClass",
    "match_operation",
]

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
class Operation:
    """An operation as one request asks for it.

    Args:
        name: as in botocore's S3 model.
        operation_class: its class by the reviewed table.
        also: further operations that headers or parameters of this request amount to.
        listed_prefix: the prefix that a bucket listing asks for, None when it asks for none or is no listing.
        encryption: "customer-key" for SSE-C on a write, a KMS key id or ARN as written, or None.
        keys_in_body: whether the keys are named in the body, where the gate does not look.
        source_keys: keys of the same bucket that the request moves away, in every reading they may have.
    """

    name: str
    operation_class: OperationClass
    also: frozenset[str] = frozenset()
    listed_prefix: str | None = None
    encryption: str | None = None
    keys_in_body: bool = False
    source_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Shape:
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


def _index() -> dict[_Key, tuple[_Shape, ...]]:
    found: dict[_Key, list[_Shape]] = {}
    for name, method, depth, literals, must, may, must_headers, headers, _deprecated in OPERATIONS:
        operation_class = OPERATION_CLASS.get(name)
        if operation_class is None:
            continue
        fixed = dict(word.partition("=")[::2] for word in literals.split())
        required = frozenset(must.split())
        shape = _Shape(
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


# The one required header by which S3 takes one operation for another.
_DECIDING_HEADERS: Final = frozenset({"x-amz-copy-source"})
_INDEX: Final = _index()
_LITERALS: Final = frozenset(name for key in _INDEX for name in key[2])
_NAMES: Final = frozenset(name for shapes in _INDEX.values() for shape in shapes for name in shape.query)
_FOLDED: Final = frozenset(name.lower() for name in _NAMES | {*V2_QUERY.values(), "x-id"})

# Headers of one operation that mean nothing elsewhere pass, except those that name a source or a route.
_OWN_ONLY: Final = ("x-amz-copy-source", "x-amz-rename-source", "x-amz-fwd-", "x-amz-request-")
_COMMON: Final = SIGNING_HEADERS | {"x-amz-request-payer"} | {
    name
    for row in OPERATIONS
    for name in row[7].split()
    if name.startswith("x-amz-") and not name.startswith(_OWN_ONLY)
}  # fmt: skip
_METADATA: Final = "x-amz-meta-"

_LISTINGS: Final = frozenset({"ListObjects", "ListObjectsV2", "ListObjectVersions", "ListMultipartUploads"})
_WRITING: Final = frozenset({OperationClass.WRITE, OperationClass.ADMIN})


def match_operation(method: str, address: S3Address, query: Query, head: Head) -> Operation:
    """Tell which operation a request is.

    Args:
        method: as sent.
        address: where the host and path point.
        query: the target's query.
        head: the headers.

    Returns:
        The operation with its class and needs.

    Raises:
        UnknownOperation: no operation of the table has all parts of this request.
        AmbiguousTarget: a part has two readings.
    """
    query.refuse_doubt()
    depth = _depth(address)
    if method == "POST":
        _refuse_post_form(address, head)
    shape = _select(method, depth, address, query, head)
    values = _collect(shape, query, head)
    name = shape.name
    writes = shape.operation_class in _WRITING or name == "CreateSession"
    return Operation(
        name,
        shape.operation_class,
        frozenset(find_needs(values, depth) - {name}) if values else frozenset(),
        (query.values.get("prefix") or None) if name in _LISTINGS else None,
        find_encryption(values) if values and writes else None,
        name == "DeleteObjects",
        read_rename_keys(values, address.bucket) if name == "RenameObject" else (),
    )


def _depth(address: S3Address) -> str:
    if address.key:
        return "object"
    return "service" if address.bucket is None and address.special is None else "bucket"


def _refuse_post_form(address: S3Address, head: Head) -> None:
    """POST object (browser form) and SOAP: bucket, key, credential and acl lie in the body."""
    if (head.get("content-type") or "").lower().lstrip().startswith("multipart/"):
        raise UnknownOperation(
            "POST form uploads are refused: credential, key and acl lie in the body; use PUT"
        )
    if address.soap:
        raise UnknownOperation("POST to `/soap` is the SOAP endpoint, whose body names the bucket")


def _select(method: str, depth: str, address: S3Address, query: Query, head: Head) -> _Shape:
    """Step 3: the operation that method, depth, sub-resources and required members select."""
    names = query.values.keys()
    literals = frozenset(names & _LITERALS)
    shapes = _INDEX.get((method, depth, literals), ())
    copies = "x-amz-copy-source" in head.headers or any(n.lower() == "x-amz-copy-source" for n in names)
    for shape in shapes:
        if not shape.required_query <= names or (shape.required_headers and not copies):
            continue
        if shape.name == "ListBuckets" and address.endpoint.endpoint_class is EndpointClass.EXPRESS:
            continue
        _check_literals(shape, query)
        return shape
    what = " ".join(f"`?{name}`" for name in sorted(literals))
    raise UnknownOperation(f"no S3 operation is {method} on a {depth} {what}".rstrip())


def _check_literals(shape: _Shape, query: Query) -> None:
    for name, fixed in shape.literals.items():
        if query.values[name] != fixed:
            raise AmbiguousTarget(f"query parameter `{name}` takes {f'`{fixed}`' if fixed else 'no value'}")


def _collect(shape: _Shape, query: Query, head: Head) -> dict[str, str]:
    """Step 4: refuse what the operation does not know; gather the x-amz- values of its own."""
    values: dict[str, str] = {}
    seen: set[str] = set()
    for name, value in query.values.items():
        folded = name.lower()
        if folded in seen:
            raise AmbiguousTarget(f"query parameter `{folded[:64]}` is given in two spellings")
        seen.add(folded)
        if name in shape.query or V2_QUERY.get(folded) == name or V4_QUERY.get(folded) == name:
            continue
        if name == "x-id":
            _check_id(shape, value)
        elif folded.startswith("x-amz-") and folded not in V4_QUERY:
            _check_amazon(shape, folded)
            values[folded] = value
        elif folded in _FOLDED and folded not in shape.headers:
            raise AmbiguousTarget(
                f"query parameter `{name[:64]}` is known to S3 in another place or spelling"
            )
        elif folded not in shape.headers:
            raise UnknownOperation(f"{shape.name} knows no query parameter `{_printable(name)}`")
    for name in head.amazon:
        _check_amazon(shape, name)
        value = head.headers[name]
        if values.get(name, value) != value:
            raise AmbiguousTarget(f"`{name[:64]}` differs between header and query")
        values[name] = value
    return values


def _check_amazon(shape: _Shape, folded: str) -> None:
    if folded in _COMMON or folded in shape.headers or folded.startswith(_METADATA):
        return
    raise UnknownOperation(f"{shape.name} knows no `{_printable(folded)}`")


def _check_id(shape: _Shape, value: str) -> None:
    """SDKs built from Smithy models name the operation once more; then both must agree."""
    if OLDER_NAMES.get(value, value) != shape.name:
        raise UnknownOperation(f"x-id names `{_printable(value)}`, but the request is {shape.name}")


def _printable(text: str) -> str:
    return (text if text.isprintable() else ascii(text)).replace("`", "'")[:64]
