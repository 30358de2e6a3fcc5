"""Which S3 operation a request is, its class, and what it needs besides.

The normal case: method and path depth select candidates, the sub-resources in the
query select among them, required members and headers decide. Then every part of the
request must belong to that operation or to signing. The steps:

1. a query in which any parameter has two readings is refused;
2. POST forms and SOAP are refused: their bodies decide what they are;
3. method, depth and literal sub-resources find the candidates; the one that asks most and gets it is taken;
4. each query parameter and each x-amz- header must be known to it, else UnknownOperation; and it has no
   body when the operation takes none: a server that leaves it unread takes it for the next request;
5. ACLs, tags, locks, redirects and keys of the request's own become needs.

The operations come from botocore's model (`operation_data.py`), their classes from the
reviewed table (`operation_table.py`); an operation without a row is never matched.
"""

from dataclasses import dataclass
from typing import Final, NoReturn

from s3gate.s3.address import S3Address
from s3gate.s3.copy_source import COPY_SOURCE, read_rename_keys
from s3gate.s3.endpoint import EndpointClass
from s3gate.s3.head import Framing, Head
from s3gate.s3.operation_data import BOTOCORE_VERSION
from s3gate.s3.operation_index import (
    COMMON,
    FOLDED,
    INDEX,
    LITERALS,
    METADATA,
    NAMES,
    OLDER_NAMES,
    OPERATION_CLASS,
    Shape,
)
from s3gate.s3.operation_needs import find_encryption, find_needs
from s3gate.s3.operation_table import OperationClass
from s3gate.s3.query import Query
from s3gate.s3.refusal import AmbiguousTarget, MalformedRequest, UnknownOperation
from s3gate.s3.signing_names import SIGNING_HEADERS, V2_QUERY, V4_QUERY

__all__ = [
    "BOTOCORE_VERSION",
    "OLDER_NAMES",
    "OPERATION_CLASS",
    "Operation",
    "OperationClass",
    "match_operation",
]


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


_LISTINGS: Final = frozenset({"ListObjects", "ListObjectsV2", "ListObjectVersions", "ListMultipartUploads"})
# S3 API reference, of each of these: "The request does not have a request body."; GET, HEAD and DELETE are
# refused one in `head.py`.
_BODYLESS: Final = frozenset({"CopyObject", "CreateMultipartUpload", "RenameObject", "UploadPartCopy"})
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
        MalformedRequest: a body where the operation takes none.
    """
    query.refuse_doubt()
    if address.endpoint.endpoint_class is EndpointClass.WEBSITE:
        return _match_website(method, query, head)
    depth = _depth(address)
    if method == "POST":
        _refuse_post_form(address, head)
    shape = _select(method, depth, address, query, head)
    values = _collect(shape, query, head)
    name = shape.name
    if name in _BODYLESS and (head.framing is Framing.CHUNKED or head.content_length):
        raise MalformedRequest(f"{name} takes no body; send none")
    writes = shape.operation_class in _WRITING or name == "CreateSession"
    needs = find_needs(values, depth) if values else set()
    if shape.required_headers and COPY_SOURCE not in head.headers:
        # A copy source in the query only: S3 was seen to ignore it and to write the body instead.
        needs.add("UploadPart" if shape.required_query else "PutObject")
    return Operation(
        name,
        shape.operation_class,
        frozenset(needs - {name}),
        (query.values.get("prefix") or None) if name in _LISTINGS else None,
        find_encryption(values) if values and writes else None,
        name == "DeleteObjects",
        read_rename_keys(values, address.bucket) if name == "RenameObject" else (),
    )


def _match_website(method: str, query: Query, head: Head) -> Operation:
    """A website reads objects, or the index of a folder, and nothing else.

    AWS, "Key differences between a website endpoint and a REST API endpoint": GET and HEAD of objects
    alone. What a query would mean there is documented nowhere.
    """
    name = {"GET": "GetObject", "HEAD": "HeadObject"}.get(method)
    if name is None or query.values or any(one not in SIGNING_HEADERS for one in head.amazon):
        raise UnknownOperation("a website takes GET and HEAD, without a query and x-amz- headers")
    return Operation(name, OperationClass.READ)


def _depth(address: S3Address) -> str:
    if address.key:
        return "object"
    return "service" if address.bucket is None and address.special is None else "bucket"


def _refuse_post_form(address: S3Address, head: Head) -> None:
    """POST object (browser form) and SOAP: bucket, key, credential and acl lie in the body."""
    if (head.get("content-type") or "").lower().startswith("multipart/form-data"):
        raise UnknownOperation(
            "POST form uploads are refused: credential, key and acl lie in the body; use PUT"
        )
    if address.soap:
        raise UnknownOperation("POST to `/soap` is the SOAP endpoint, whose body names the bucket")


def _select(method: str, depth: str, address: S3Address, query: Query, head: Head) -> Shape:
    """Step 3: the operation that method, depth, sub-resources and required members select."""
    names = query.values.keys()
    literals = frozenset(names & LITERALS)
    shapes = INDEX.get((method, depth, literals), ())
    copies = COPY_SOURCE in head.headers or any(name.lower() == COPY_SOURCE for name in names)
    for shape in shapes:
        if not shape.required_query <= names or (shape.required_headers and not copies):
            continue
        if shape.name == "ListBuckets" and address.endpoint.endpoint_class is EndpointClass.EXPRESS:
            continue
        _check_members(shape, query)
        return shape
    what = " ".join(f"`?{name}`" for name in sorted(literals))
    raise UnknownOperation(f"no S3 operation is {method} on a {depth} {what}".rstrip())


def _check_members(shape: Shape, query: Query) -> None:
    """A sub-resource has its fixed value or none; a member that decides the operation has one."""
    for name in shape.required_query:
        if not query.values[name]:
            raise AmbiguousTarget(f"query parameter `{name}` has no value; {shape.name} needs one")
    for name, fixed in shape.literals.items():
        if query.values[name] != fixed:
            raise AmbiguousTarget(f"query parameter `{name}` takes {f'`{fixed}`' if fixed else 'no value'}")


def _collect(shape: Shape, query: Query, head: Head) -> dict[str, str]:
    """Step 4: refuse what the operation does not know; gather the x-amz- values beside those of signing."""
    values = _collect_query(shape, query) if query.values else {}
    for name in head.amazon:
        if name in SIGNING_HEADERS:
            continue
        _check_amazon(shape, name)
        value = head.headers[name]
        if values.get(name, value) != value:
            raise AmbiguousTarget(f"`{name[:64]}` differs between header and query")
        values[name] = value
    return values


def _collect_query(shape: Shape, query: Query) -> dict[str, str]:
    values: dict[str, str] = {}
    seen: set[str] = set()
    for name, value in query.values.items():
        folded = name.lower()
        if folded in seen:
            raise AmbiguousTarget(f"query parameter `{_printable(folded)}` is given in two spellings")
        seen.add(folded)
        if name in shape.query or V2_QUERY.get(folded) == name or V4_QUERY.get(folded) == name:
            continue
        if name == "x-id":
            _check_id(shape, value)
        elif folded.startswith("x-amz-") and folded not in V4_QUERY:
            _check_amazon(shape, folded)
            if folded not in SIGNING_HEADERS:
                values[folded] = value
        elif folded not in shape.headers:
            _refuse_parameter(shape, name, folded)
    return values


def _refuse_parameter(shape: Shape, name: str, folded: str) -> NoReturn:
    if folded in FOLDED and name not in NAMES:
        raise AmbiguousTarget(f"query parameter `{_printable(name)}` is known to S3 in another spelling")
    raise UnknownOperation(f"{shape.name} knows no query parameter `{_printable(name)}`")


def _check_amazon(shape: Shape, folded: str) -> None:
    if folded in COMMON or folded in shape.headers:
        return
    if folded.startswith(METADATA) and shape.operation_class is OperationClass.WRITE:
        return
    raise UnknownOperation(f"{shape.name} knows no `{_printable(folded)}`")


def _check_id(shape: Shape, value: str) -> None:
    """SDKs built from Smithy models name the operation once more; then both must agree."""
    if OLDER_NAMES.get(value, value) != shape.name:
        raise UnknownOperation(f"x-id names `{_printable(value)}`, but the request is {shape.name}")


def _printable(text: str) -> str:
    return (text if text.isprintable() else ascii(text)).replace("`", "'")[:64]
