"""Requests are one operation of the model, or none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.s3.address import parse_address
from s3gate.s3.endpoint import Endpoint, classify_host
from s3gate.s3.head import read_head
from s3gate.s3.host import parse_authority
from s3gate.s3.operation import Operation, OperationClass, match_operation
from s3gate.s3.query import parse_query
from s3gate.s3.refusal import AmbiguousTarget, MalformedRequest, ReadError, UnknownOperation

VIRTUAL = "b.s3.us-west-2.amazonaws.com"
ROOT = "s3.us-west-2.amazonaws.com"
Pairs = list[tuple[str, str]]
PRESIGNED = (
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&X-Amz-Credential=c"
    "&X-Amz-Date=d&X-Amz-Expires=900&X-Amz-Signature=s&X-Amz-SignedHeaders=host"
    "&x-amz-sdk-checksum-algorithm=CRC32"
)
COPY = ("x-amz-copy-source", "other/k")


def match(line: str, *pairs: tuple[str, str], host: str = VIRTUAL) -> Operation:
    method, target = line.split(" ", 1)
    head = read_head(method, target, [("Host", host), *pairs], "HTTP/1.1")
    endpoint = classify_host(parse_authority(host).name)
    assert isinstance(endpoint, Endpoint)
    return match_operation(method, parse_address(endpoint, head.path), parse_query(head.query), head)


# What SDKs of other languages write, beside botocore's own requests in tests/property.
REAL: dict[str, tuple[str, Pairs, str]] = {
    "JS v3 GetObject": ("GET /k?x-id=GetObject", [("x-amz-checksum-mode", "ENABLED")], "GetObject"),
    "JS v3 presigned PutObject": (
        f"PUT /k?{PRESIGNED}&x-amz-acl=private&x-amz-checksum-crc32=AAAAAA%3D%3D&x-id=PutObject",

        [],
        "PutObject",
    ),
    "JS v2 presigned with headers": ("PUT /k?Content-Type=image%2Fpng&Cache-Control=no-cache&Expires=1", [], "PutObject"),
    "Go presigned with hoisted names": ("PUT /k?X-Amz-Acl=private&X-Amz-Meta-A=b&x-id=PutObject", [], "PutObject"),
    "Go v1 asks for a checksum": ("GET /k", [("X-Amz-Te", "append-md5")], "GetObject"),
    "Java v2 list": ("GET /?list-type=2&encoding-type=url&prefix=a%2F", [], "ListObjectsV2"),
    "Java v1 user agent": ("GET /?delimiter=%2F", [("x-amz-user-agent", "aws-sdk-java")], "ListObjects"),
    "minio-go location": ("GET /bucket/?location=", [], "GetBucketLocation"),
    "bare sub-resource": ("GET /?location", [], "GetBucketLocation"),
    "overrides": ("GET /k?response-content-type=text%2Fplain&versionId=v", [], "GetObject"),
    "part of an object": ("HEAD /k?partNumber=1", [], "HeadObject"),
    "multi-part begin": ("POST /k?uploads=", [], "CreateMultipartUpload"),
    "multi-part part": ("PUT /k?uploadId=u&partNumber=1", [], "UploadPart"),
    "multi-part part, other order": ("PUT /k?partNumber=1&uploadId=u&x-id=UploadPart", [], "UploadPart"),
    "multi-part copy": ("PUT /k?partNumber=1&uploadId=u", [COPY], "UploadPartCopy"),
    "multi-part list": ("GET /k?uploadId=u", [], "ListParts"),
    "multi-part end": ("POST /k?uploadId=u", [], "CompleteMultipartUpload"),
    "multi-part abort": ("DELETE /k?uploadId=u", [], "AbortMultipartUpload"),
    "copy": ("PUT /k", [COPY], "CopyObject"),
    "delete many": ("POST /?delete", [("content-type", "application/xml")], "DeleteObjects"),
    "attributes": ("GET /k?attributes", [("x-amz-object-attributes", "ETag")], "GetObjectAttributes"),
    "versions": ("GET /?versions&prefix=a", [], "ListObjectVersions"),
    "uploads": ("GET /?uploads", [], "ListMultipartUploads"),
    "select": ("POST /k?select&select-type=2", [], "SelectObjectContent"),
    "one of many": ("GET /?analytics&id=1", [], "GetBucketAnalyticsConfiguration"),
    "many": ("GET /?analytics", [], "ListBucketAnalyticsConfigurations"),
    "older name in x-id": ("GET /?lifecycle&x-id=GetBucketLifecycle", [], "GetBucketLifecycleConfiguration"),
    "head bucket": ("HEAD /", [], "HeadBucket"),
    "trailing ?": ("GET /k?", [], "GetObject"),
    "unknown headers that are not Amazon's": ("GET /k", [("X-Amzn-Trace-Id", "x"), ("amz-sdk-request", "x")], "GetObject"),
}  # fmt: skip


@pytest.mark.parametrize(("line", "pairs", "name"), REAL.values(), ids=REAL.keys())
def test_real_requests(line: str, pairs: Pairs, name: str) -> None:
    host = ROOT if line.startswith("GET /bucket/") else VIRTUAL
    assert match(line, *pairs, host=host).name == name


HOSTILE: dict[str, tuple[str, Pairs, type[ReadError], str]] = {
    "unknown sub-resource": ("GET /?backdoor", [], UnknownOperation, "backdoor"),
    "covert parameter": ("GET /k?x-data=secret", [], UnknownOperation, "x-data"),
    "covert amazon parameter": ("GET /k?x-amz-data=secret", [], UnknownOperation, "x-amz-data"),
    "covert metadata on a read": ("GET /k", [("x-amz-meta-data", "secret")], UnknownOperation, "x-amz-meta-data"),
    "covert metadata in a query": ("GET /k?x-amz-meta-data=secret", [], UnknownOperation, "x-amz-meta-data"),
    "covert amazon header": ("GET /k", [("x-amz-data", "secret")], UnknownOperation, "x-amz-data"),
    "two sub-resources": ("PUT /?acl&policy", [], UnknownOperation, "acl"),
    "sub-resource of a bucket on a key": ("PUT /k?policy", [], UnknownOperation, "policy"),
    "sub-resource on HEAD": ("HEAD /k?acl", [], UnknownOperation, "acl"),
    "sub-resource in capitals": ("PUT /k?ACL", [], AmbiguousTarget, "spelling"),
    "sub-resource in capitals on a bucket": ("GET /?Policy", [], AmbiguousTarget, "spelling"),
    "sub-resource encoded twice": ("PUT /k?%2561cl", [], UnknownOperation, "%61cl"),
    "sub-resource with a value": ("GET /k?acl=1", [], AmbiguousTarget, "no value"),
    "sub-resource twice": ("GET /k?acl&acl", [], AmbiguousTarget, "repeated"),
    "hidden behind ;": ("GET /k?versionId=a;acl", [], AmbiguousTarget, ";"),
    "list of type 3": ("GET /?list-type=3", [], AmbiguousTarget, "list-type"),
    "list on a key": ("GET /k?list-type=2", [], UnknownOperation, "list-type"),
    "prefix with a raw plus": ("GET /?prefix=a+b", [], AmbiguousTarget, "`\\+`"),
    "prefix twice": ("GET /?prefix=a&prefix=b", [], AmbiguousTarget, "repeated"),
    "prefix in two spellings": ("GET /?prefix=a&Prefix=b", [], AmbiguousTarget, "two spellings"),
    "upload id without a number": ("PUT /k?uploadId=u", [], UnknownOperation, "uploadId"),
    "empty upload id": ("DELETE /k?uploadId=", [], AmbiguousTarget, "no value"),
    "x-id of another operation": ("PUT /k?x-id=GetObject", [], UnknownOperation, "x-id"),
    "form upload": ("POST /", [("content-type", "multipart/form-data; boundary=x")], UnknownOperation, "form"),
    "form upload to a key": ("POST /k", [], UnknownOperation, "POST"),
    "form upload dressed as delete": (
        "POST /?delete", [("content-type", " Multipart/Form-Data; boundary=x")], UnknownOperation, "form",
    ),
    "SOAP": ("POST /soap", [], UnknownOperation, "SOAP"),
    "SOAP dressed as an upload": ("POST /soap?uploads", [], UnknownOperation, "SOAP"),
    "OPTIONS": ("OPTIONS /k", [("Origin", "https://x")], UnknownOperation, "OPTIONS"),
    "PATCH": ("PATCH /k", [], UnknownOperation, "PATCH"),
    "Object Lambda answer": ("POST /WriteGetObjectResponse", [], UnknownOperation, "POST"),
    "copy source where nothing is copied": ("PUT /k?acl", [COPY], UnknownOperation, "copy-source"),
    "rename source without a rename": ("PUT /k", [("x-amz-rename-source", "a")], UnknownOperation, "rename"),
    "rename without a source": ("PUT /k?renameObject", [], AmbiguousTarget, "rename-source"),
    "route of an Object Lambda": ("PUT /k", [("x-amz-request-route", "a")], UnknownOperation, "route"),
    "header and query differ": (
        "PUT /k?x-amz-acl=private", [("x-amz-acl", "public-read")], AmbiguousTarget, "differs",
    ),
    "acl twice in the query": ("PUT /k?x-amz-acl=private&X-Amz-Acl=public-read", [], AmbiguousTarget, "two spellings"),
    "signature parameter in another case": ("GET /k?x-amz-credential=c", [], AmbiguousTarget, "spelling"),
}  # fmt: skip


@pytest.mark.parametrize(("line", "pairs", "error", "words"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_requests(line: str, pairs: Pairs, error: type[ReadError], words: str) -> None:
    with pytest.raises(error, match=words):
        match(line, *pairs)


def test_a_service_root_and_directory_buckets() -> None:
    assert match("GET /", host=ROOT).name == "ListBuckets"
    assert match("GET /?max-buckets=5", host=ROOT).operation_class is OperationClass.LIST
    express = "s3express-control.us-west-2.amazonaws.com"
    assert match("GET /?max-directory-buckets=5", host=express).name == "ListDirectoryBuckets"
    with pytest.raises(UnknownOperation, match="max-directory-buckets"):
        match("GET /?max-directory-buckets=5", host=ROOT)
    with pytest.raises(UnknownOperation, match="service"):
        match("PUT /", host=ROOT)


PREFIXES = {
    "GET /?list-type=2&prefix=a%2F&start-after=z&delimiter=%2F": "a/",
    "GET /?prefix=a&marker=b": "a",
    "GET /?versions&prefix=a": "a",
    "GET /?uploads&prefix=a": "a",
    "GET /?prefix=": None,
    "GET /?list-type=2": None,
    "GET /k": None,
}


@pytest.mark.parametrize(("line", "prefix"), PREFIXES.items())
def test_the_prefix_of_a_list(line: str, prefix: str | None) -> None:
    assert match(line).listed_prefix == prefix


def test_keys_in_the_body_and_keys_that_move() -> None:
    assert match("POST /?delete").keys_in_body
    assert not match("DELETE /k").keys_in_body
    assert match("PUT /k?renameObject", ("x-amz-rename-source", "/b/old")).source_keys == (
        "/b/old",
        "b/old",
        "old",
    )


@pytest.mark.parametrize("query", ["x-amz-acl", "X-Amz-Acl", "X-AMZ-ACL"])
def test_a_parameter_counts_as_the_header_of_its_name(query: str) -> None:
    assert match(f"PUT /k?{query}=public-read").also == {"PutObjectAcl"}
    assert match("PUT /k", ("x-amz-acl", "public-read")).also == {"PutObjectAcl"}
    assert match(f"PUT /k?{query}=private", ("x-amz-acl", "private")).also == frozenset()


BODYLESS = {
    "CopyObject": ("PUT /k", [COPY]),
    "UploadPartCopy": ("PUT /k?partNumber=1&uploadId=u", [COPY]),
    "CreateMultipartUpload": ("POST /k?uploads", []),
    "RenameObject": ("PUT /k?renameObject", [("x-amz-rename-source", "/b/j")]),
}


@pytest.mark.parametrize("name", BODYLESS)
def test_a_body_where_none_is_taken_is_refused(name: str) -> None:
    """Whoever does not read it takes it for the next request; whoever overlooks the header stores it."""
    line, pairs = BODYLESS[name]
    assert match(line, *pairs, ("content-length", "0")).name == name
    for framing in (("content-length", "1"), ("transfer-encoding", "chunked")):
        with pytest.raises(MalformedRequest, match=name):
            match(line, *pairs, framing)


def test_an_operation_does_not_need_itself() -> None:
    assert match("PUT /k?acl", ("x-amz-acl", "public-read")).also == frozenset()
    assert match("PUT /", ("x-amz-acl", "public-read")).also == {"PutBucketAcl"}


def test_a_copy_source_in_the_query_alone_may_be_an_upload() -> None:
    assert match("PUT /k", COPY).also == frozenset()
    assert match("PUT /k?X-Amz-Copy-Source=other%2Fk").also == {"PutObject"}
    assert match("PUT /k?x-amz-copy-source=other%2Fk&uploadId=u&partNumber=1").also == {"UploadPart"}


def test_keys_count_on_writes_alone() -> None:
    key = ("x-amz-server-side-encryption-customer-algorithm", "AES256")
    assert match("PUT /k", key).encryption == "customer-key"
    assert match("GET /k", key).encryption is None
    session = ("x-amz-server-side-encryption-aws-kms-key-id", "arn:aws:kms:us-west-2:1:key/k")
    assert match("GET /?session", session).encryption == session[1]


@given(
    st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS"]),
    st.sampled_from([VIRTUAL, ROOT]),
    st.lists(
        st.sampled_from(
            ["acl", "policy", "uploads", "uploadId=u", "x-id=GetObject", "ACL", "a=b", "versionId=v"]
        )
    ),
    st.lists(
        st.sampled_from([COPY, ("x-amz-acl", "public-read"), ("x-amz-z", "z"), ("content-type", "a/b")])
    ),
)
def test_any_request_is_an_operation_or_a_refusal(
    method: str, host: str, query: list[str], pairs: Pairs
) -> None:
    try:
        got = match(f"{method} /bucket/k?{'&'.join(query)}", *pairs, host=host)
    except (UnknownOperation, AmbiguousTarget, MalformedRequest):
        return
    assert got == match(f"{method} /bucket/k?{'&'.join(reversed(query))}", *pairs, host=host)


WEBSITE = "b.s3-website.us-west-2.amazonaws.com"


def test_a_website_reads_objects_and_nothing_else() -> None:
    for line, name in (("GET /k", "GetObject"), ("HEAD /k", "HeadObject"), ("GET /", "GetObject")):
        assert match(line, host=WEBSITE) == Operation(name, OperationClass.READ)
    for line in ("PUT /k", "POST /", "GET /?policy", "GET /k?v=1", "DELETE /k"):
        with pytest.raises(UnknownOperation):
            match(line, host=WEBSITE)
    with pytest.raises(UnknownOperation):
        match("GET /k", ("x-amz-expected-bucket-owner", "111122223333"), host=WEBSITE)
