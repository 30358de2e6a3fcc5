"""The settings as pydantic models: which keys there are, what each may hold, and its default.

Normally a file names the policy, the CA, the audit directory and its key, and leaves
the rest. There is no setting that turns the audit off: a decision that cannot be
written is refused. The JSON Schema for editors is generated from these models.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from s3gate.policy.mistake import Misspelling, quote
from s3gate.policy.shape import Section
from s3gate.settings.spelling import (
    LOG_GROUP_PATTERN,
    MAX_PORT,
    REGION_PATTERN,
    NameServer,
    check_endpoint_url,
    check_log_group,
    check_network,
    check_region_code,
    parse_flag,
    parse_integer,
    parse_listen_host,
    parse_name_server,
    parse_path,
    parse_seconds,
    parse_size,
)

MIN_AUDIT_BYTES: Final = 16 * 1024 * 1024
"""Bytes: room for some 10,000 records, so that a burst of refusals does not stop the gate at once."""

NULLS: Final = frozenset({"", "~", "null"})
"""What stands for null in YAML 1.2.2's core schema, section 10.3.2 (its capitals are not accepted)."""


@dataclass(frozen=True)
class Reads:
    """Text becomes a value by one parser, and by nothing else.

    Args:
        parse: raises Misspelling.
        shape: the JSON Schema of the text.
    """

    parse: Callable[[str, ValidationInfo], object]
    shape: JsonSchemaValue

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A validator that calls the parser."""
        return core_schema.with_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The shape that editors see."""
        return dict(self.shape)

    def _read(self, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str):
            raise Misspelling("a list or mapping where text belongs")
        return self.parse(value, info)


def _text(parse: Callable[[str], object], **shape: object) -> Reads:
    return Reads(lambda text, _: parse(text), {"type": "string", **shape})


def _whole(low: int, high: int, parse: Callable[[str], int] = parse_integer) -> Reads:
    types: object = "integer" if parse is parse_integer else ["integer", "string"]
    return Reads(
        lambda text, _: _within(parse(text), low, high), {"type": types, "minimum": low, "maximum": high}
    )


def _seconds(low: float, high: float) -> Reads:
    return Reads(
        lambda text, _: _within(parse_seconds(text), low, high),
        {"type": "number", "minimum": low, "maximum": high},
    )


def _within[N: (int, float)](value: N, low: float, high: float) -> N:
    if low <= value <= high:
        return value
    raise Misspelling(f"{value} is out of range", f"write {low} to {high}")


def _only(*allowed: str) -> Reads:
    """Values whose enforcement exists; the others of the design wait for theirs."""

    def check(text: str) -> str:
        if text in allowed:
            return text
        listed = ", ".join(f"`{one}`" for one in allowed)
        raise Misspelling(f"{quote(text)} is not supported yet", f"write {listed}, or delete the key")

    return _text(check, enum=list(allowed))


def _one_process(text: str) -> int:
    if parse_integer(text) == 1:
        return 1
    raise Misspelling(f"{quote(text)} workers are not supported yet", "write `1`, or delete the key")


def _no_value(text: str) -> None:
    if text not in NULLS:
        raise Misspelling(f"{quote(text)}: this key is not supported yet", "write `null`, or delete the key")


def _no_items(value: object) -> object:
    if value:
        raise Misspelling("entries are not supported yet", "write `[]`, or delete the key")
    return ()


def _null(value: object) -> object:
    return None if isinstance(value, str) and value in NULLS else value


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


type Many[T] = Annotated[tuple[T, ...], BeforeValidator(_as_tuple)]
type Maybe[T] = Annotated[T | None, BeforeValidator(_null)]
type Nothing = Annotated[None, Reads(lambda text, _: _no_value(text), {"type": "null"})]
type Host = Annotated[str, _text(parse_listen_host)]
type AnyPort = Annotated[int, _whole(0, MAX_PORT)]
type Port = Annotated[int, _whole(1, MAX_PORT)]
type Count = Annotated[int, _whole(1, 1_000_000)]
type File = Annotated[Path, Reads(parse_path, {"type": "string", "minLength": 1})]


class Listen(Section):
    """Where clients connect."""

    host: Host = "0.0.0.0"  # noqa: S104 - a proxy serves its network; who may is the policy's business
    """Address to listen on."""
    port: AnyPort = 8080
    """TCP port; 0 takes a free one."""
    proxy_protocol: Annotated[str, _only("off")] = "off"
    """PROXY protocol of a load balancer; only `off` for now."""
    trusted_proxies: Annotated[tuple[str, ...], BeforeValidator(_no_items)] = ()
    """Load balancers that may send it; none for now."""


class Authority(Section):
    """The CA that signs for AWS names inside the tunnel."""

    certificate: File
    """PEM file."""
    private_key: File
    """PEM file, readable by s3gate alone."""


class Dns(Section):
    """Who is asked for addresses, anew for each upstream connection."""

    nameservers: Many[Annotated[NameServer, _text(parse_name_server)]] = ()
    """`address` or `address:port`; empty: those of the system."""
    timeout_s: Annotated[float, _seconds(0.1, 30)] = 2.0
    """Seconds for one answer."""


class Upstream(Section):
    """Where the gate itself connects to."""

    networks: Annotated[Many[Annotated[str, _text(check_network)]], Field(min_length=1)] = ("public",)
    """`public`, or networks; never loopback or link-local unless written out."""
    ca_bundle: Maybe[File] = None
    """PEM file that proves S3's certificates; null: that of the system."""
    port: Port = 443
    """TCP port of S3; another one only in tests."""
    plain_port: Port = 80
    """TCP port of S3 in clear text."""
    connect_timeout_s: Annotated[float, _seconds(0.1, 120)] = 5.0
    """Seconds for one address."""


class Limits(Section):
    """Bounds beyond which requests are refused."""

    connections: Count = 4096
    """Connections at once."""
    connections_per_client: Count = 512
    """Connections of one client address at once."""
    head_bytes: Annotated[int, _whole(1024, 1024 * 1024)] = 65536
    """Bytes of a request head."""
    idle_s: Annotated[float, _seconds(1, 86400)] = 350.0
    """Seconds without a byte; a network load balancer forgets a connection after 350."""


class Audit(Section):
    """The record that every decision is written to before it takes effect."""

    directory: File
    """Where the journal lies; each writer has its own directory in it."""
    max_bytes: Annotated[int, _whole(MIN_AUDIT_BYTES, 2**50, parse_size)] = 2 * 1024**3
    """Size of the journal, like `2GiB`; when it is full, nothing passes."""
    keys: Annotated[str, _only("full")] = "full"
    """How object keys are recorded; only `full` for now."""
    hmac_key: File
    """File with the secret of the record's chain: 32 bytes or more, raw or in hex."""
    key_salt: Nothing = None
    """Salt of hashed object keys; only null for now."""


class CloudWatch(Section):
    """Where the journal is shipped to."""

    enabled: Annotated[bool, Reads(lambda text, _: parse_flag(text), {"type": "boolean"})] = True
    """Whether records are shipped; they are written to disk in any case."""
    region: Maybe[Annotated[str, _text(check_region_code, pattern=f"^{REGION_PATTERN}$")]] = None
    """Region of the log group; needed when enabled."""
    log_group: Annotated[str, _text(check_log_group, pattern=f"^{LOG_GROUP_PATTERN}$")] = "/s3gate/audit"
    """Name of the log group."""
    endpoint_url: Maybe[Annotated[str, _text(check_endpoint_url)]] = None
    """Endpoint of CloudWatch Logs; null: that of the region."""


class Health(Section):
    """`/livez` and `/readyz` alone, for the load balancer."""

    host: Host = "0.0.0.0"  # noqa: S104 - the load balancer asks from outside
    """Address to listen on."""
    port: AnyPort = 9091
    """TCP port; 0 takes a free one."""


class Admin(Section):
    """The same and `/metrics`."""

    host: Host = "127.0.0.1"
    """Address to listen on."""
    port: AnyPort = 9090
    """TCP port; 0 takes a free one."""


class Settings(Section):
    """s3gate settings: where it listens, what it trusts, where it writes."""

    model_config = ConfigDict(title="s3gate settings")

    listen: Listen = Listen()
    """Where clients connect."""
    workers: Annotated[int, Reads(lambda text, _: _one_process(text), {"const": 1})] = 1
    """Processes on one port; only 1 for now."""
    policy: File
    """The policy file."""
    reload: Annotated[str, _only("graceful")] = "graceful"
    """How a new policy takes over; only `graceful` for now."""
    ca: Authority
    """The CA that signs for AWS names inside the tunnel."""
    dns: Dns = Dns()
    """Who is asked for addresses."""
    upstream: Upstream = Upstream()
    """Where the gate itself connects to."""
    limits: Limits = Limits()
    """Bounds beyond which requests are refused."""
    users: Nothing = None
    """File of proxy users; only null for now."""
    audit: Audit
    """The record of every decision."""
    cloudwatch: CloudWatch = CloudWatch()
    """Where the journal is shipped to."""
    health: Health = Health()
    """For the load balancer."""
    admin: Admin = Admin()
    """For the operator."""
