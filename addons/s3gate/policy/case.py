"""One request while it is judged: what was read of it so far.

Readers are called in the order of the steps and keep what they have read, so that
a denial can say everything that was legible. Nothing is decided here.
"""

from contextlib import suppress
from typing import Final, NamedTuple

from s3gate.policy.decision import Reason
from s3gate.policy.model import Monitor, PlainHttp, Policy, Rule
from s3gate.policy.owner import Claim
from s3gate.policy.preset import REACHED_BY
from s3gate.policy.reading import CopySourceReading, Reading, Request
from s3gate.policy.signature import Named
from s3gate.s3.access_point import AccessPoint, access_point_of, parse_access_point
from s3gate.s3.address import S3Address, Style, parse_address
from s3gate.s3.copy_source import CopySource, read_copy_source
from s3gate.s3.credential import Credential, SignatureVersion, read_credential
from s3gate.s3.endpoint import Endpoint, EndpointClass, classify_host
from s3gate.s3.head import Head, read_head
from s3gate.s3.host import Host, parse_authority
from s3gate.s3.operation import Operation, match_operation
from s3gate.s3.operation_index import EXPECTED_OWNER, SOURCE_OWNER
from s3gate.s3.query import Query, parse_query
from s3gate.s3.refusal import MalformedRequest, ReadError

# RFC 3986 §3.1 in clear text or under TLS: a proxy serves no other scheme.
_SCHEMES: Final = frozenset({"http", "https"})
# Where S3 is not known to compare x-amz-expected-bucket-owner with anything (see `owner.py`).
_COMPARES_NO_OWNER: Final = frozenset(
    {EndpointClass.OBJECT_LAMBDA, EndpointClass.OUTPOSTS, EndpointClass.WEBSITE}
)


class Refusal(NamedTuple):
    """One step that does not hold.

    Args:
        final: whether monitor mode may not lift it although its reason is liftable.
        monitor: the rule's own monitor mode, which lifts this refusal beside the policy's.
    """

    reason: Reason
    detail: str
    rule: str | None = None
    final: bool = False
    monitor: Monitor | None = None


class Case:
    """A request on its way through the steps of `decide.py`.

    Args:
        policy: the policy that judges.
        request: what the client sent.
    """

    __slots__ = (
        "address",
        "allowed",
        "connect",
        "copy_source",
        "credential",
        "exempt",
        "head",
        "host",
        "lifted",
        "named",
        "named_by_connect",
        "operation",
        "operation_error",
        "point",
        "policy",
        "query",
        "request",
        "rule",
    )

    connect: Host | None
    host: Host
    head: Head
    named: Named
    named_by_connect: Named
    query: Query

    def __init__(self, policy: Policy, request: Request) -> None:
        self.policy = policy
        self.request = request
        self.connect = None
        self.address: S3Address | None = None
        self.point: AccessPoint | None = None
        self.operation: Operation | None = None
        self.operation_error: ReadError | None = None
        self.credential: Credential | None = None
        self.copy_source: CopySource | None = None
        self.rule: str | None = None
        self.allowed: Reason | None = None
        self.exempt = False  # whether the row of a preset lets this request go unsigned
        self.lifted: Refusal | None = None

    def read_connect(self, authority: str) -> Host:
        """The CONNECT's authority; keeps what it names."""
        self.connect = self.host = parse_authority(authority)
        self.named_by_connect = self.named = classify_host(self.connect.name)
        return self.connect

    def read_sni(self, sni: str) -> Host:
        """The ClientHello's server name, by the grammar of host names."""
        return parse_authority(sni)

    def read_authority(self, authority: str) -> Host:
        """The authority of an absolute target."""
        return parse_authority(authority)

    def read_head(self) -> Host:
        """The head's own grammar, then its Host; keeps what that names."""
        request = self.request
        if request.scheme not in _SCHEMES:
            raise MalformedRequest(f"scheme `{request.scheme[:20]}` is not served; use https")
        self.head = read_head(request.method, request.target, request.headers, request.http_version)
        self.host = parse_authority(self.head.host)
        self.named = classify_host(self.host.name)
        return self.host

    def read_credential(self) -> Credential | None:
        """Query and credential of a request that is not for S3."""
        self.query = parse_query(self.request.target.partition("?")[2])
        self.credential = read_credential(self.head, self.query)
        return self.credential

    def read_target(self, endpoint: Endpoint) -> S3Address:
        """Address, credential, copy source and operation; an unknown operation is kept for its own step."""
        path, _, raw_query = self.request.target.partition("?")
        self.address = address = self.read_place(endpoint, path)
        self.query = query = parse_query(raw_query)
        self.credential = read_credential(self.head, query)
        self.copy_source = read_copy_source(self.head, query)
        try:
            self.operation = match_operation(self.request.method, address, query, self.head)
        except ReadError as error:
            self.operation_error = error
        return address

    def read_place(self, endpoint: Endpoint, path: str = "/") -> S3Address:
        """The address alone; keeps the access point that the host may name."""
        address = parse_address(endpoint, path)
        self.point = access_point_of(endpoint) if address.special is not None else None
        return address

    def read_operation(self) -> Operation:
        """The operation, or the error that stood in its place."""
        if self.operation is None:
            raise self.operation_error or MalformedRequest("the operation was not read")
        return self.operation

    @property
    def probes_bucket(self) -> bool:
        """Whether this is a HEAD of a bucket's root without a query, as the SSM agent sends it."""
        if (
            self.request.method != "HEAD"
            or "?" in self.request.target
            or not isinstance(self.named, Endpoint)
            or self.named.endpoint_class is EndpointClass.WEBSITE
        ):
            return False
        address = parse_address(self.named, self.request.target)
        return address.bucket is not None and address.key is None

    @property
    def probe_exempt(self) -> bool:
        """Whether `plain_http: head` lets this probe go unsigned."""
        return self.connect is None and self.policy.plain_http is PlainHttp.HEAD and self.probes_bucket

    def rules_for(self, address: S3Address) -> tuple[Rule, ...]:
        """Rules that list the bucket at this endpoint, or the access point of its host, in file order.

        The row of a preset comes last, and only at endpoints that tell its region and serve plain objects.
        """
        if self.point is not None:
            return self.policy.by_arn.get(self.point.arn, ())
        endpoint = address.endpoint
        rules = self.policy.by_bucket.get((endpoint.partition, address.bucket or ""), ())
        if rules and rules[-1].preset is not None and not endpoint.needs <= REACHED_BY:
            rules = rules[:-1]
        if address.style is Style.VIRTUAL:
            named = self.policy.by_fqdn.get(endpoint.host)
            if named:
                return tuple(sorted((*rules, *named), key=lambda rule: (rule.preset is not None, rule.line)))
        return rules

    def source_rules(self, source: CopySource, partition: str) -> tuple[Rule, ...]:
        """Rules that list what a copy reads, in file order."""
        if source.arn is not None:
            return self.policy.by_arn.get(source.arn, ())
        return self.policy.by_source.get((partition, source.bucket), ())

    def claim(self, address: S3Address, operation: Operation) -> Claim:
        """What the request shows of the owner of what it names."""
        endpoint = address.endpoint
        region = endpoint.region
        if endpoint.any_region_scope:
            signed = self.credential is not None and self.credential.version is SignatureVersion.V4
            region = self.credential.region if self.credential is not None and signed else None
        header = EXPECTED_OWNER if endpoint.needs.isdisjoint(_COMPARES_NO_OWNER) else None
        account = self.point.account or None if self.point is not None else None
        return Claim(
            self.head, self.query, self.credential, header, operation.name, address.bucket, region, account
        )

    def source_claim(self, source: CopySource, address: S3Address, operation: Operation) -> Claim:
        """What the request shows of the owner of what a copy reads."""
        header = SOURCE_OWNER if address.endpoint.needs.isdisjoint(_COMPARES_NO_OWNER) else None
        point = parse_access_point(source.arn) if source.arn is not None else None
        account = point.account if point is not None and not point.multi_region else None
        bucket = None if source.arn is not None else source.bucket
        return Claim(self.head, self.query, self.credential, header, operation.name, bucket, None, account)

    def read_on(self) -> None:
        """After an early refusal: read what else is legible, for the record; what is not stays unread."""
        if self.address is None and hasattr(self, "head") and isinstance(self.named, Endpoint):
            with suppress(ReadError):
                self.read_target(self.named)

    def reading(self) -> Reading:
        """What was legible, for the record and the answer."""
        address, operation, credential = self.address, self.operation, self.credential
        source = self.copy_source
        named = getattr(self, "named", None)
        endpoint = named if isinstance(named, Endpoint) else None
        style = address.style if address else None
        return Reading(
            host=self.host.name if named is not None else None,
            bucket=address.bucket if address else None,
            key=address.key if address else None,
            style=style.value if style else None,
            endpoint_class=endpoint.endpoint_class.value if endpoint else None,
            region=endpoint.region if endpoint else None,
            partition=getattr(named, "partition", None),
            operation=operation.name if operation else None,
            copy_source=CopySourceReading(source.bucket, source.key, source.version_id) if source else None,
            access_key_id=credential.access_key_id if credential else None,
            account=credential.account if credential else None,
        )
