"""The settings as pydantic models: which keys there are, what each may hold, and its default.

Normally a file names the policy, the CA, the audit directory and its key, and leaves
the rest. There is no setting that turns the audit off: a decision that cannot be
written is refused. The JSON Schema for editors is generated from these models.
"""

from pathlib import Path
from typing import Annotated, Final

from pydantic import ConfigDict, Field

from s3gate.policy.ground import OwnGround
from s3gate.policy.shape import Section
from s3gate.policy.source import Remote
from s3gate.settings.field import (
    Many,
    Maybe,
    Reads,
    only_field,
    seconds_field,
    text_field,
    whole_field,
)
from s3gate.settings.spelling import (
    LOG_GROUP_PATTERN,
    MAX_PORT,
    REGION_PATTERN,
    NameServer,
    check_bucket,
    check_endpoint_url,
    check_log_group,
    check_network,
    check_region_code,
    check_trusted_network,
    parse_ca_place,
    parse_flag,
    parse_listen_host,
    parse_name_server,
    parse_own_place,
    parse_path,
    parse_policy_place,
    parse_size,
)

MAX_WORKERS: Final = 256
"""Processes: more than the vCPUs of the largest instances that a proxy needs."""

MIN_AUDIT_BYTES: Final = 16 * 1024 * 1024
"""Bytes: room for some 10,000 records, so that a burst of refusals does not stop the gate at once."""

type Host = Annotated[str, text_field(parse_listen_host)]
type AnyPort = Annotated[int, whole_field(0, MAX_PORT)]
type Port = Annotated[int, whole_field(1, MAX_PORT)]
type Count = Annotated[int, whole_field(1, 1_000_000)]
type File = Annotated[Path, Reads(parse_path, {"type": "string", "minLength": 1})]
type PolicyPlace = Annotated[Path | Remote, Reads(parse_policy_place, {"type": "string", "minLength": 1})]
type CaPlace = Annotated[Path | Remote, Reads(parse_ca_place, {"type": "string", "minLength": 1})]


class Listen(Section):
    """Where clients connect."""

    host: Host = "0.0.0.0"  # noqa: S104 - a proxy serves its network; who may is the policy's business
    """Address to listen on."""
    port: AnyPort = 8080
    """TCP port; 0 takes a free one."""
    proxy_protocol: Annotated[str, only_field("off", "v2")] = "off"
    """`v2`: a load balancer that does not preserve client addresses tells them in a header."""
    trusted_proxies: Many[Annotated[str, text_field(check_trusted_network)]] = ()
    """Networks of the load balancers whose header is believed; needed with `v2`, nobody else gets in then."""


class Authority(Section):
    """The CA that signs for AWS names inside the tunnel."""

    certificate: CaPlace
    """PEM: a file, `ssm://parameter` or `secretsmanager://secret`."""
    private_key: CaPlace
    """PEM likewise; a file readable by s3gate alone."""


class Dns(Section):
    """Who is asked for addresses, anew for each upstream connection."""

    nameservers: Many[Annotated[NameServer, text_field(parse_name_server)]] = ()
    """`address` or `address:port`; empty: those of the system."""
    timeout_s: Annotated[float, seconds_field(0.1, 30)] = 2.0
    """Seconds for one answer."""


class Upstream(Section):
    """Where the gate itself connects to."""

    networks: Annotated[Many[Annotated[str, text_field(check_network)]], Field(min_length=1)] = ("public",)
    """`public`, or networks; never loopback or link-local unless written out."""
    ca_bundle: Maybe[File] = None
    """PEM file that proves S3's certificates; null: Mozilla's roots, as the package certifi has them."""
    port: Port = 443
    """TCP port of S3; another one only in tests."""
    plain_port: Port = 80
    """TCP port of S3 in clear text."""
    connect_timeout_s: Annotated[float, seconds_field(0.1, 120)] = 5.0
    """Seconds for one address."""


class Limits(Section):
    """Bounds beyond which requests are refused."""

    connections: Count = 4096
    """Connections at once, of all workers together."""
    connections_per_client: Count = 512
    """Connections of one client address at once, in each worker."""
    head_bytes: Annotated[int, whole_field(1024, 1024 * 1024)] = 65536
    """Bytes of a request head."""
    idle_s: Annotated[float, seconds_field(1, 86400)] = 350.0
    """Seconds without a byte; a network load balancer forgets a connection after 350."""


class Audit(Section):
    """The record that every decision is written to before it takes effect."""

    directory: File
    """Where the journal lies; each writer has its own directory in it."""
    max_bytes: Annotated[int, whole_field(MIN_AUDIT_BYTES, 2**50, parse_size)] = 2 * 1024**3
    """Size of the journal, like `2GiB`; when it is full, nothing passes."""
    keys: Annotated[str, only_field("full", "hash", "omit")] = "full"
    """How object keys are recorded: `full`, `hash` (with the salt) or `omit`."""
    hmac_key: File
    """File with the secret of the record's chain: 32 bytes or more, raw or in hex."""
    key_salt: Maybe[File] = None
    """File with the salt of hashed object keys, made like `hmac_key`; needed with `keys: hash`."""


class CloudWatch(Section):
    """Where the journal is shipped to."""

    enabled: Annotated[bool, Reads(lambda text, _: parse_flag(text), {"type": "boolean"})] = True
    """Whether records are shipped; they are written to disk in any case."""
    region: Maybe[Annotated[str, text_field(check_region_code, pattern=f"^{REGION_PATTERN}$")]] = None
    """Region of the log group; needed when enabled."""
    log_group: Annotated[str, text_field(check_log_group, pattern=f"^{LOG_GROUP_PATTERN}$")] = "/s3gate/audit"
    """Name of the log group."""
    endpoint_url: Maybe[Annotated[str, text_field(check_endpoint_url)]] = None
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
    workers: Annotated[int, whole_field(0, MAX_WORKERS)] = 1
    """Processes on one port; 0: one for each core."""
    policy: PolicyPlace
    """The policy: a file, `s3://bucket/key`, `ssm://parameter`, `appconfig://application/environment/profile`."""
    reload: Annotated[str, only_field("graceful", "strict")] = "graceful"
    """What a new policy does to a transfer that it refuses: `graceful` lets it finish, `strict` cuts it."""
    own_buckets: Many[Annotated[str, text_field(check_bucket)]] = ()
    """Buckets of the gate's own artifacts and archives: no policy may let clients write there."""
    own_places: Many[Annotated[Remote, text_field(parse_own_place)]] = ()
    """Where a service manager fetches CA and audit key from: no policy may open these services to clients."""
    ca: Authority
    """The CA that signs for AWS names inside the tunnel."""
    dns: Dns = Dns()
    """Who is asked for addresses."""
    upstream: Upstream = Upstream()
    """Where the gate itself connects to."""
    limits: Limits = Limits()
    """Bounds beyond which requests are refused."""
    users: Maybe[File] = None
    """File of proxy users and bcrypt hashes, as `htpasswd -B` writes it; null: nobody has a password."""
    audit: Audit
    """The record of every decision."""
    cloudwatch: CloudWatch = CloudWatch()
    """Where the journal is shipped to."""
    health: Health = Health()
    """For the load balancer."""
    admin: Admin = Admin()
    """For the operator."""

    @property
    def ground(self) -> OwnGround:
        """What no policy may open."""
        places = (self.policy, self.ca.certificate, self.ca.private_key)
        held = (*(one for one in places if isinstance(one, Remote)), *self.own_places)
        return OwnGround.of(held, self.own_buckets)
