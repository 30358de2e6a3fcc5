"""The policy file, version 1, as pydantic models: which keys there are and what each may hold.

Normally every scalar is canonical text and passes unchanged; `document.py` turns the
whole into a Policy. The JSON Schema for editors is generated from these models. What
concerns several keys at once is in `consistency.py`.
"""

from collections.abc import Callable
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema

from s3gate.policy.mistake import Misspelling, quote
from s3gate.policy.place_spelling import (
    LISTED_CLASSES,
    VPCE_PATTERN,
    check_class,
    check_partition,
    check_region,
    check_rule_partition,
    check_rule_region,
    check_vpce,
)
from s3gate.policy.preset import PRESETS
from s3gate.policy.preset_spelling import check_preset
from s3gate.policy.shape import Section
from s3gate.policy.spelling import (
    ACCOUNT_PATTERN,
    DATE_PATTERN,
    NAME_PATTERN,
    USER_PATTERN,
    parse_account,
    parse_allow,
    parse_cidr,
    parse_date,
    parse_key_glob,
    parse_name,
    parse_user,
)
from s3gate.policy.target_spelling import (
    check_access_point,
    check_bucket,
    check_client,
    check_fqdn,
    check_mrap,
    check_service_host,
)
from s3gate.s3.operation import OPERATION_CLASS, OperationClass
from s3gate.s3.partitions import PARTITIONS

VERSION: Final = "1"


def _as_text(check: Callable[[str], object]) -> AfterValidator:
    """A validator that proves the spelling and keeps the text."""

    def keep(text: str) -> str:
        check(text)
        return text

    return AfterValidator(keep)


def _filled(value: object) -> object:
    """Refuse an empty list: whether it would mean all or nothing is not readable from the file."""
    if isinstance(value, list) and not value:
        raise Misspelling("an empty list", "delete the key, or list what is meant")
    return value


def _any(value: object) -> object:
    """Refuse other words than `any`, and never propose it: it opens more."""
    if isinstance(value, str) and value != "any":
        raise Misspelling(f"{quote(value)} is not `any`, the only word here", "delete the key")
    return value


def _words(*words: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": list(words)})


def _text(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"})


type Filled[T] = Annotated[list[T], BeforeValidator(_filled), Field(min_length=1)]
type Name = Annotated[str, _as_text(parse_name), _text(NAME_PATTERN)]
type User = Annotated[str, _as_text(parse_user), _text(USER_PATTERN)]
type Account = Annotated[str, _as_text(parse_account), _text(ACCOUNT_PATTERN)]
type Day = Annotated[str, _as_text(parse_date), _text(DATE_PATTERN)]
type Cidr = Annotated[str, _as_text(parse_cidr)]
type Partition = Annotated[str, AfterValidator(check_partition), _words(*PARTITIONS)]
type Mode = Literal["enforce", "monitor"]
type DenyAllow = Literal["deny", "allow"]


type Region = Annotated[str, AfterValidator(check_region)]
type RuleRegion = Annotated[str, AfterValidator(check_rule_region)]
type RulePartition = Annotated[str, AfterValidator(check_rule_partition), _words(*PARTITIONS)]
type OpenClass = Annotated[str, AfterValidator(check_class), _words(*LISTED_CLASSES)]
type Bucket = Annotated[str, AfterValidator(check_bucket)]
type Vpce = Annotated[str, _as_text(check_vpce), _text(VPCE_PATTERN)]
type AccessPointArn = Annotated[str, AfterValidator(check_access_point)]
type MrapArn = Annotated[str, AfterValidator(check_mrap)]
type Fqdn = Annotated[str, AfterValidator(check_fqdn)]
type Group = Annotated[str, AfterValidator(check_client)]
type Preset = Annotated[str, AfterValidator(check_preset), _words(*PRESETS)]
type KeyPattern = Annotated[str, AfterValidator(parse_key_glob)]
type ServiceHost = Annotated[str, AfterValidator(check_service_host)]
type Allowed = Annotated[
    str,
    AfterValidator(parse_allow),
    _words(*(one.value for one in OperationClass), *sorted(OPERATION_CLASS)),
]


class Endpoints(Section):
    """Which S3 hosts may be spoken to at all."""

    partitions: Filled[Partition]
    """AWS partitions; bucket names are unique in one only."""
    regions: Filled[Region]
    """Exact region codes; they bind copy sources too."""
    vpce: list[Vpce] = Field(default=[])
    """Exact ids of the interface endpoints that class `vpce` opens: anybody can own one."""
    classes: Filled[OpenClass]
    """Classes of S3 endpoints; a name of two kinds, such as FIPS dualstack, needs both."""
    path_style: DenyAllow = "allow"
    """Whether `https://s3.REGION.amazonaws.com/BUCKET/KEY` may be used."""


class GroupEntry(Section):
    """A group of clients under one name: each key that is there must hold, with one of its list."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    cidrs: Filled[Cidr] | None = None
    """Networks, without host bits."""
    users: Filled[User] | None = None
    """Names of users of the settings' `users` file, who must give their password to the proxy."""
    vpc_endpoints: Filled[Vpce] | None = None
    """Ids of the VPC endpoints they come through, as a load balancer's PROXY header tells them."""


class RuleEntry(Section):
    """One row of the list: a bucket or access point, what may be done with it, and by whom."""

    id: Name
    """The rule's name in records; unique in the file."""
    bucket: Bucket | None = None
    """Exact name of a bucket; this, or one of the next three. Directory buckets need class `express`."""
    fqdn: Fqdn | None = None
    """Exact virtual-hosted-style host name; that host only, path-style not implied."""
    access_point: AccessPointArn | None = None
    """ARN of an access point, also of Object Lambda or on an Outpost; its bucket is not implied."""
    mrap: MrapArn | None = None
    """ARN of a multi-region access point."""
    allow: Filled[Allowed]
    """Operation classes, or names of S3 operations; `admin` is never implied."""
    keys: Filled[KeyPattern] | None = None
    """Globs on the decoded key; every key when absent."""
    clients: Filled[Group] | None = None
    """Names of client groups; every client when absent."""
    accounts: Filled[Account] | None = None
    """Accounts whose keys may have signed; every account when absent."""
    owner: Account | None = None
    """Account proven to own what is named, by a signed `x-amz-expected-bucket-owner` or by the name."""
    encryption: Annotated[Literal["any"], BeforeValidator(_any)] | None = None
    """`any` lets writes bring SSE-C keys and KMS keys of other accounts, which lock data away."""
    partition: RulePartition | None = None
    """The bucket's partition; needed when several are listed."""
    regions: Filled[RuleRegion] | None = None
    """Regions of this bucket; narrower than `endpoints`."""
    mode: Mode = "enforce"
    """`monitor` only watches what this rule's own constraints refuse."""
    until: Day | None = None
    """Last day of monitor mode, YYYY-MM-DD."""


class HostEntry(Section):
    """An AWS service beside S3 that clients need."""

    name: ServiceHost
    """Exact host name, port 443."""
    accounts: Filled[Account]
    """Accounts whose keys may be used there."""


class PolicyFile(Section):
    """s3gate policy, version 1: the S3 buckets that clients may reach, and nothing else."""

    version: Annotated[Literal["1"], WithJsonSchema({"enum": [1, "1"]})]
    """Version of this format."""
    mode: Mode = "enforce"
    """`monitor` lets pass what only the list refuses, and records it."""
    until: Day | None = None
    """Last day of monitor mode, YYYY-MM-DD."""
    endpoints: Endpoints
    """Which S3 hosts may be spoken to at all."""
    clients: dict[Name, GroupEntry] = Field(default={})
    """Groups of clients, by name; a client is in one at most, the most specific that it matches."""
    rules: list[RuleEntry] = Field(default=[])
    """The list itself; what no rule allows is refused."""
    hosts: list[HostEntry] = Field(default=[])
    """AWS services beside S3."""
    presets: Filled[Preset] = Field(default=[])
    """Buckets of AWS's own services, read only: `s3gate check --show-presets` prints them."""
    plain_http: Literal["deny", "head", "allow"] = "deny"
    """Clear text: `head` lets HEAD of a listed bucket's root pass."""
    sigv2: DenyAllow = "deny"
    """Signature version 2, which does not sign the Host."""
    unsigned: DenyAllow = "deny"
    """Anonymous requests."""
    deny_at: Literal["request", "connect"] = "request"
    """Where a name that no rule could allow is refused."""
