"""Whatever botocore builds and signs, the readers give back what went in.

Every operation of the model, both addressing styles, every partition, awkward keys,
minimal and full arguments, sent and presigned: more than `AT_LEAST` requests in one run.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Final  # Any: botocore has no types

import pytest

from generate.s3_requests import ACCOUNT, KEY_ID, OTHER_BUCKET, Requests, Sent
from s3gate.s3.address import S3Address, parse_address
from s3gate.s3.copy_source import CopySource, read_copy_source
from s3gate.s3.credential import Credential, SignatureVersion, read_credential
from s3gate.s3.endpoint import Endpoint, classify_host
from s3gate.s3.head import read_head
from s3gate.s3.host import parse_authority
from s3gate.s3.operation import OLDER_NAMES, OPERATION_CLASS, Operation, match_operation
from s3gate.s3.query import parse_query
from s3gate.s3.refusal import UnknownOperation

AT_LEAST: Final = 5_000

BUCKET: Final = "good-bucket"
REGIONS: Final = (
    "us-east-1", "us-west-2", "ap-northeast-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1",
    "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1",
)  # fmt: skip
STYLES: Final = ("virtual", "path")
AWKWARD_KEYS: Final = (
    "plain.txt", "a b/c", "日本/ü.txt", "a/../b", "a//b", "%2e%2e/x", "what?versions", "part#1", "a+b", "/leading",
    "evil-bucket/k", "a&b=c;d", "trailing/", "./dot", "~tilde*'()!", "new\nline", "soapy", "😀", "a%2Fb", "\\back",
)  # fmt: skip

_SIGNATURES: Final = {"s3v4": SignatureVersion.V4, "s3": SignatureVersion.V2}


@dataclass(frozen=True, slots=True)
class Read:
    """What the readers made of one request."""

    address: S3Address
    operation: Operation
    copy_source: CopySource | None
    credential: Credential | None


def read(sent: Sent) -> Read:
    head = read_head(sent.method, sent.target, sent.headers, "HTTP/1.1")
    query = parse_query(head.query)
    endpoint = classify_host(parse_authority(head.host).name)
    assert isinstance(endpoint, Endpoint)
    address = parse_address(endpoint, head.path)
    operation = match_operation(sent.method, address, query, head)
    return Read(address, operation, read_copy_source(head, query), read_credential(head, query))


@pytest.fixture(scope="module")
def requests() -> Requests:
    return Requests()


def check(got: Read, operation: str, region: str, arguments: dict[str, Any]) -> None:
    """What went in comes out: operation, bucket, key, copy source, region, account."""
    where = f"{operation} {region} {arguments.get('Key')!r}"
    assert got.operation.name == OLDER_NAMES.get(operation, operation), where
    assert got.operation.operation_class is OPERATION_CLASS[got.operation.name]
    assert (got.address.bucket, got.address.key) == (arguments.get("Bucket"), arguments.get("Key")), where
    assert got.address.endpoint.region == region, where
    expected = CopySource(OTHER_BUCKET, arguments["Key"]) if "CopySource" in arguments else None
    assert got.copy_source == expected, where
    assert got.credential is not None
    assert (got.credential.access_key_id, got.credential.account) == (KEY_ID, ACCOUNT)
    assert got.credential.has_session_token
    if got.credential.version is SignatureVersion.V4:
        assert got.credential.region == region, where
        assert got.credential.service in {"s3", "s3express"}


def grid(requests: Requests) -> Iterator[tuple[str, str, str, str, bool]]:
    """Operation, region, style, key, full arguments."""
    for operation in requests.model.operation_names:
        shape = requests.model.operation_model(operation).input_shape
        keys = AWKWARD_KEYS if shape and "Key" in shape.members else AWKWARD_KEYS[:1]
        regions = REGIONS if len(keys) == 1 else REGIONS[:3]
        for region, style, key in product(regions, STYLES, keys):
            yield operation, region, style, key, False
        yield operation, "eu-central-1", "virtual", keys[-1], True
        yield operation, "ap-northeast-1", "path", keys[0], True


def test_every_operation_reads_back(requests: Requests) -> None:
    """The whole grid, sent: at least `AT_LEAST` requests, all equal."""
    count = 0
    for operation, region, style, key, full in grid(requests):
        arguments = requests.parameters(operation, BUCKET, key, full=full)
        sent = requests.sent(requests.client(region, style), operation, arguments)
        if operation == "WriteGetObjectResponse":
            with pytest.raises(UnknownOperation):
                read(sent)
            continue
        check(read(sent), operation, region, arguments)
        count += 1
    assert count >= AT_LEAST


@pytest.mark.parametrize("signature", sorted(_SIGNATURES))
def test_every_presigned_url_reads_back(requests: Requests, signature: str) -> None:
    """The default presigner of old regions (SigV2) and SigV4, minimal and with every header hoisted."""
    count = 0
    for operation, key, full in product(sorted(OPERATION_CLASS), AWKWARD_KEYS[:8], (False, True)):
        if operation in {"CreateSession", "ListDirectoryBuckets"}:  # S3 Express is signed by SigV4 alone
            continue
        style = STYLES[count % 2]
        arguments = requests.parameters(operation, BUCKET, key, full=full)
        url = requests.presigned(requests.client("eu-west-1", style, signature), operation, arguments)
        got = read(url)
        check(got, operation, "eu-west-1", arguments)
        assert got.credential is not None
        assert got.credential.presigned
        assert got.credential.version is _SIGNATURES[signature]
        assert got.credential.expires_at is not None
        count += 1
    assert count > 1_000


def test_full_arguments_of_a_write_ask_for_what_they_do(requests: Requests) -> None:
    arguments = requests.parameters("PutObject", BUCKET, "k", full=True) | {"ACL": "public-read"}
    expected = {
        "PutObjectAcl",
        "PutObjectTagging",
        "PutObjectLegalHold",
        "PutObjectRetention",
        "PutBucketWebsite",
    }
    client = requests.client("eu-west-1", "virtual", "s3")
    for sent in (
        requests.sent(client, "PutObject", arguments),
        requests.presigned(client, "PutObject", arguments),
    ):
        assert read(sent).operation.also == expected
        assert read(sent).operation.encryption == "customer-key"


ENDPOINTS: Final[dict[str, tuple[str, dict[str, bool], str]]] = {
    "dualstack": ("eu-west-1", {"use_dualstack_endpoint": True}, "dualstack"),
    "fips": ("us-west-2", {"use_fips_endpoint": True}, "fips"),
    "both": ("us-gov-west-1", {"use_fips_endpoint": True, "use_dualstack_endpoint": True}, "fips"),
    "accelerate": ("eu-west-1", {"use_accelerate_endpoint": True}, "accelerate"),
    "accelerate on dualstack": (
        "eu-west-1",
        {"use_accelerate_endpoint": True, "use_dualstack_endpoint": True},
        "accelerate",
    ),
}
DATA: Final = (
    "PutObject",
    "GetObject",
    "CopyObject",
    "UploadPart",
    "ListObjectsV2",
    "DeleteObjects",
    "HeadBucket",
)


@pytest.mark.parametrize(("region", "options", "kind"), ENDPOINTS.values(), ids=ENDPOINTS.keys())
def test_endpoint_options_read_back(
    requests: Requests, region: str, options: dict[str, bool], kind: str
) -> None:
    for operation, key in product(DATA, AWKWARD_KEYS):
        arguments = requests.parameters(operation, BUCKET, key, full=False)
        got = read(requests.sent(requests.client(region, "auto", **options), operation, arguments))
        assert (got.operation.name, got.address.bucket) == (operation, BUCKET)
        assert got.address.key == arguments.get("Key")
        assert got.address.endpoint.endpoint_class == kind
        assert got.address.endpoint.region == (None if kind == "accelerate" else region)
        assert got.credential is not None
        assert got.credential.region == region


def test_directory_buckets_read_back(requests: Requests) -> None:
    """CreateSession first, signed by the caller's keys; then every data request, signed by the session's."""
    bucket = "good-bucket--usw2-az1--x-s3"
    client = requests.client("us-west-2", "auto")
    opened = read(requests.sent(client, "CreateSession", {"Bucket": bucket}))
    assert (opened.operation.name, opened.address.bucket) == ("CreateSession", bucket)
    assert opened.credential is not None
    assert (opened.credential.version, opened.credential.service) == (SignatureVersion.V4, "s3express")
    for operation, key in product(("PutObject", "GetObject", "CopyObject", "RenameObject"), AWKWARD_KEYS):
        arguments = requests.parameters(operation, bucket, key, full=False)
        got = read(requests.sent(client, operation, arguments))
        assert (got.operation.name, got.address.bucket, got.address.key) == (operation, bucket, key)
        assert got.address.endpoint.endpoint_class == "express"
        assert got.credential is not None
        # botocore signs copies within Express by the caller's own keys
        expected = SignatureVersion.V4 if operation == "CopyObject" else SignatureVersion.EXPRESS
        assert (got.credential.version, got.credential.account) == (expected, ACCOUNT)
        assert got.credential.has_session_token
