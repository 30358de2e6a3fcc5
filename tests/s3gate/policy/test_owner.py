"""Who owns the bucket is proven, or it is not."""

import pytest

from s3gate.policy.owner import Claim, proves_owner
from s3gate.s3.credential import Credential, SignatureVersion
from s3gate.s3.head import read_head
from s3gate.s3.operation_index import EXPECTED_OWNER, SOURCE_OWNER
from s3gate.s3.query import parse_query

OWNER, OTHER = "111122223333", "444455556666"
SIGNED = frozenset({"host", EXPECTED_OWNER, SOURCE_OWNER})
NAMED = f"data-{OWNER}-eu-west-1-an"


def credential(
    version: SignatureVersion = SignatureVersion.V4,
    *,
    presigned: bool = False,
    signed: frozenset[str] = SIGNED,
) -> Credential:
    return Credential(version, presigned, "AKIARTX3GSDSQAAACAQD", OWNER, signed_headers=signed)


def claim(
    headers: dict[str, str] | None = None,
    query: str = "",
    signer: Credential | None = None,
    *,
    header: str | None = EXPECTED_OWNER,
    operation: str = "PutObject",
    bucket: str | None = "data",
    region: str | None = "eu-west-1",
    account: str | None = None,
) -> Claim:
    head = read_head("PUT", f"/k?{query}", [("Host", "h"), *(headers or {}).items()])
    return Claim(head, parse_query(query), signer, header, operation, bucket, region, account)


SAID = {EXPECTED_OWNER: OWNER}
PRESIGNED = credential(presigned=True)
ROWS = [
    ("nothing", claim(), False),
    ("a signed header", claim(SAID, signer=credential()), True),
    ("a signed header that names another", claim({EXPECTED_OWNER: OTHER}, signer=credential()), False),
    ("a header outside the signature", claim(SAID, signer=credential(signed=frozenset({"host"}))), False),
    ("a header of an anonymous request", claim(SAID), False),
    ("two owners in one header", claim({EXPECTED_OWNER: f"{OWNER}, {OTHER}"}, signer=credential()), False),
    ("an operation that does not compare", claim(SAID, signer=credential(), operation="CreateSession"), False),
    ("an endpoint that does not compare", claim(SAID, signer=credential(), header=None), False),
    ("a session's signature", claim(SAID, signer=credential(SignatureVersion.EXPRESS)), True),
    ("signature version 2 covers headers", claim(SAID, signer=credential(SignatureVersion.V2)), True),
    ("a presigned parameter", claim(query=f"X-Amz-Expected-Bucket-Owner={OWNER}", signer=PRESIGNED), True),
    ("a presigned parameter in lower case", claim(query=f"{EXPECTED_OWNER}={OWNER}", signer=PRESIGNED), True),
    ("a presigned parameter that names another", claim(query=f"{EXPECTED_OWNER}={OTHER}", signer=PRESIGNED), False),
    ("a parameter beside a signed header", claim(query=f"{EXPECTED_OWNER}={OWNER}", signer=credential()), False),
    ("a parameter of version 2", claim(query=f"{EXPECTED_OWNER}={OWNER}", signer=credential(SignatureVersion.V2, presigned=True)), False),
    ("an unsigned header on a presigned request", claim(SAID, signer=credential(presigned=True, signed=frozenset({"host"}))), False),
    ("the name, in its region", claim(bucket=NAMED), True),
    ("the name, elsewhere", claim(bucket=NAMED, region="us-east-1"), False),
    ("the name, region unknown", claim(bucket=NAMED, region=None), False),
    ("the name of another account", claim(bucket=NAMED.replace(OWNER, OTHER)), False),
    ("an access point's account", claim(bucket=None, account=OWNER), True),
    ("an access point of another account", claim(bucket=None, account=OTHER), False),
    ("a source's header", claim({SOURCE_OWNER: OWNER}, signer=credential(), header=SOURCE_OWNER, operation="CopyObject"), True),
    ("the target's header for the source", claim(SAID, signer=credential(), header=SOURCE_OWNER, operation="CopyObject"), False),
]  # fmt: skip


@pytest.mark.parametrize(("shown", "proven"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_owner(shown: Claim, proven: bool) -> None:
    assert proves_owner(shown, OWNER) is proven
