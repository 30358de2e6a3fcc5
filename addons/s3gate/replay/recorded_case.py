"""A case of `policy/decide.py` whose readings come from a record instead of from bytes. Pure.

The normal case: name, bucket, operation, copy source and signer are taken as they were
recorded, the key is read from the recorded path again, and what the record leaves open is
as the World says. Nothing is decided here: the steps are those of the running gate.
"""

from datetime import UTC, datetime
from typing import Final

from s3gate.policy.case import Case
from s3gate.policy.model import Policy
from s3gate.policy.reading import Request
from s3gate.policy.signature import signing_service
from s3gate.replay.facts import Facts
from s3gate.replay.signer import NotReplayable, Signer
from s3gate.replay.world import ANYWHERE, ELSEWHERE, World
from s3gate.s3.address import S3Address
from s3gate.s3.copy_source import CopySource
from s3gate.s3.credential import Credential, SignatureVersion
from s3gate.s3.endpoint import Endpoint, EndpointClass, classify_host
from s3gate.s3.head import Framing, Head
from s3gate.s3.host import Host, parse_authority
from s3gate.s3.operation import OPERATION_CLASS, Operation
from s3gate.s3.operation_index import EXPECTED_OWNER, INDEX, SOURCE_OWNER
from s3gate.s3.query import parse_query
from s3gate.s3.refusal import ReadError, UnknownOperation

HIDDEN_KEY: Final = "-"  # in the place of a key that is not recorded; policies that are asked then limit none
OUTSIDE: Final = "\0"  # a key that no pattern but one of stars and marks matches
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LISTINGS: Final = frozenset({"ListObjects", "ListObjectsV2", "ListObjectVersions", "ListMultipartUploads"})
_OF_OBJECTS: Final = frozenset(
    shape.name for (_, depth, _), shapes in INDEX.items() if depth == "object" for shape in shapes
)


class RecordedCase(Case):
    """One recorded request in one possible world.

    Args:
        policy: the policy that judges.
        facts: what was asked.
        world: how what is open is taken.
        now: the clock for monitor modes, time zone aware.
    """

    __slots__ = ("_facts", "_world")

    def __init__(self, policy: Policy, facts: Facts, world: World, now: datetime) -> None:
        super().__init__(policy, _request(facts, now))
        self._facts, self._world = facts, world

    def read_head(self) -> Host:
        """The head: it was read once and is not judged again; its Host is."""
        facts, world = self._facts, self._world
        given = ((EXPECTED_OWNER, world.owner), (SOURCE_OWNER, world.source_owner))
        headers = {name: value for name, value in given if value is not None}
        self.head = Head(
            facts.method, facts.path or "/", "", facts.host_header, Framing.NONE, None, False, headers, ()
        )
        self.host = parse_authority(facts.host_header)
        self.named = classify_host(self.host.name)
        return self.host

    def read_credential(self) -> Credential | None:
        """Who signed."""
        self.query = parse_query("")
        self.credential = self._signed()
        return self.credential

    def read_target(self, endpoint: Endpoint) -> S3Address:
        """Address, credential, copy source and operation, as recorded."""
        facts = self._facts
        self.address = address = self._address(endpoint)
        self.read_credential()
        copied = facts.copied
        if copied is not None:
            arn = copied.bucket if copied.bucket.startswith("arn:") else None
            self.copy_source = CopySource(copied.bucket, copied.key or HIDDEN_KEY, None, arn)
        name = facts.operation
        kind = OPERATION_CLASS.get(name) if name is not None else None
        if name is None or kind is None:
            self.operation_error = UnknownOperation("no operation was read")
        else:
            self.operation = Operation(
                name,
                kind,
                self._world.also,
                (facts.prefix or None) if name in _LISTINGS else None,
                self._world.encryption,
                name == "DeleteObjects",
                self._renamed(address),
            )
        return address

    @property
    def probes_bucket(self) -> bool:
        """Whether it was a HEAD of a bucket's root without a query."""
        named = self.named
        website = isinstance(named, Endpoint) and named.endpoint_class is EndpointClass.WEBSITE
        return self._facts.operation == "HeadBucket" and self._facts.bare and not website

    def read_on(self) -> None:
        """Nothing more is wanted for a record."""

    def _renamed(self, address: S3Address) -> tuple[str, ...]:
        if self._facts.operation != "RenameObject":
            return ()
        return (OUTSIDE,) if self._world.renamed else address.keys

    def _address(self, endpoint: Endpoint) -> S3Address:
        facts = self._facts
        path = facts.path
        if path is None:
            key = HIDDEN_KEY if facts.operation in _OF_OBJECTS else ""
            path = f"/{facts.bucket or ''}/{key}" if facts.style == "path" else f"/{key}"
        try:
            address = self.read_place(endpoint, path)
        except ReadError as exc:
            raise NotReplayable("its path has no reading any more") from exc
        style = address.style.value if address.style is not None else None
        if (address.bucket, style) != (facts.bucket, facts.style):
            raise NotReplayable("its path does not read as its record says")
        if facts.hidden is None and address.key != facts.key:
            raise NotReplayable("its key does not read as its record says")
        return address

    def _signed(self) -> Credential | None:
        signer, world = self._facts.signer, self._world
        if signer is None:
            return None
        named = self.named
        region, service = signer.region, signer.service
        region_set: tuple[str, ...] = ()
        if isinstance(named, Endpoint):
            service = service or signing_service(named)
            if region is None:
                region = ELSEWHERE if world.binding == "elsewhere" else world.region or named.region
            if signer.version is SignatureVersion.V4A:
                region_set = (region or ANYWHERE,)
        return Credential(
            signer.version,
            signer.presigned,
            signer.access_key_id,
            signer.account,
            region=region,
            region_set=region_set,
            service=service,
            signed_headers=frozenset(self.head.headers),
            expires_at=_expiry(signer),
            uncovered="a header" if world.binding == "uncovered" else None,
        )


def _expiry(signer: Signer) -> datetime | None:
    """Whether it was too late was settled when it came; the clock of a replay does not count."""
    return _LONG_AGO if signer.expired else None


def _request(facts: Facts, now: datetime) -> Request:
    return Request(
        method=facts.method,
        scheme=facts.scheme,
        authority=facts.authority,
        target=(facts.path or "/") + ("" if facts.bare else "?"),
        headers=(("Host", facts.host_header),),
        connect=facts.connect,
        sni=facts.sni,
        client=facts.client,
        now=now,
    )
