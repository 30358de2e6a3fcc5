"""The canonical spelling of what a rule names: bucket, S3 host, AWS service host, region, class.

Normally a text names exactly one thing inside what `endpoints` lists, and comes back as
it is. Otherwise a Misspelling says what it names instead, and how the entry is written.
"""

import re
from typing import Final

from pydantic import ValidationInfo

from s3gate.policy.listed import Listed
from s3gate.policy.mistake import Misspelling, quote
from s3gate.policy.suggestion import nearest
from s3gate.policy.unsupported import UNSUPPORTED_CLASSES
from s3gate.s3.address import parse_address
from s3gate.s3.bucket import explain_bucket_name
from s3gate.s3.endpoint import AwsName, Endpoint, EndpointClass, Foreign, OtherService, classify_host
from s3gate.s3.host import HostName, parse_authority
from s3gate.s3.partitions import PARTITIONS, Partition
from s3gate.s3.refusal import IpLiteral, ReadError

SUPPORTED_CLASSES: Final = tuple(
    one.value
    for one in EndpointClass
    if one.value not in UNSUPPORTED_CLASSES and one is not EndpointClass.CONTROL
)

_URL: Final = re.compile(r"[a-z0-9+.-]+://(.*)", re.IGNORECASE | re.ASCII | re.DOTALL)
_BUCKET_ARN: Final = re.compile(r"arn:[a-z-]+:s3:::([^/]*)(?:/.*)?", re.ASCII | re.DOTALL)
_WILD: Final = frozenset("*?")
_REGEX: Final = frozenset("^$()[]{}|+\\")


def _listed(info: ValidationInfo) -> Listed:
    return info.context if isinstance(info.context, Listed) else Listed()


def _partitions(listed: Listed) -> list[Partition]:
    """The listed partitions; all, where the file lists none that exists."""
    return [PARTITIONS[one] for one in listed.partitions or () if one in PARTITIONS] or list(
        PARTITIONS.values()
    )


def check_partition(text: str) -> str:
    """The id of an AWS partition."""
    if text in PARTITIONS:
        return text
    right = nearest(text, PARTITIONS)
    known = ", ".join(f"`{one}`" for one in PARTITIONS)
    raise Misspelling(f"{quote(text)} is not a partition", f"write `{right}`" if right else f"one of {known}")


def check_rule_partition(text: str, info: ValidationInfo) -> str:
    """The partition of a rule: one of those that `endpoints` lists."""
    check_partition(text)
    partitions = _listed(info).partitions
    if partitions is not None and text not in partitions:
        raise Misspelling(f"partition {quote(text)} is not listed under `endpoints`", f"add `{text}` there")
    return text


def check_region(text: str, info: ValidationInfo) -> str:
    """A region of one of the listed partitions, by the form that botocore gives for it."""
    rows = _partitions(_listed(info))
    if any(row.region_pattern.fullmatch(text) for row in rows):
        return text
    right = nearest(text, [region for row in rows for region in row.regions])
    elsewhere = next((row.id for row in PARTITIONS.values() if row.region_pattern.fullmatch(text)), None)
    if elsewhere is not None:
        raise Misspelling(
            f"region {quote(text)} lies in partition `{elsewhere}`, which is not listed",
            f"add `{elsewhere}` to `partitions`",
        )
    hint = f"write `{right}`" if right else "write the code of a region, like `ap-northeast-1`"
    raise Misspelling(f"{quote(text)} is not a region of the listed partitions", hint)


def check_rule_region(text: str, info: ValidationInfo) -> str:
    """A region of a rule: one of those that `endpoints` lists."""
    listed = _listed(info)
    if listed.regions is None or text in listed.regions:
        return text
    check_region(text, info)
    raise Misspelling(
        f"region {quote(text)} is not listed under `endpoints`",
        "add it to `regions` there, or delete it here",
    )


def check_class(text: str) -> str:
    """An endpoint class that can be listed."""
    if text in SUPPORTED_CLASSES:
        return text
    if text in UNSUPPORTED_CLASSES:
        raise Misspelling(f"endpoint class {quote(text)} is not supported yet", "delete it for now")
    right = nearest(text, SUPPORTED_CLASSES)
    known = ", ".join(f"`{one}`" for one in SUPPORTED_CLASSES)
    raise Misspelling(
        f"{quote(text)} is not an endpoint class", f"write `{right}`" if right else f"one of {known}"
    )


def check_client(text: str, info: ValidationInfo) -> str:
    """The name of a client group that the file defines."""
    names = _listed(info).clients
    if names is None or text in names:
        return text
    right = nearest(text, names)
    hint = f"write `{right}`" if right else f"define {quote(text)} under `clients`"
    raise Misspelling(f"no client group {quote(text)}", hint)


def check_bucket(text: str) -> str:
    """The name of a general purpose bucket, exact."""
    why = explain_bucket_name(text)
    is_host = "." in text and isinstance(_classify(text), Endpoint)
    if why is None and not is_host:
        return text
    wrong = _wrapped_bucket(text) or _misspelt_bucket(text)
    if wrong is None and is_host:
        wrong = Misspelling(f"{quote(text)} is a host name, not a bucket", f"write `fqdn: {text}`")
    raise wrong or Misspelling(why or "")


def _wrapped_bucket(text: str) -> Misspelling | None:
    """A bucket inside something longer: an ARN, a URL, a path."""
    bare, kind = "", "an ARN"
    if arn := _BUCKET_ARN.fullmatch(text):
        bare = arn[1]
    elif url := _URL.fullmatch(text):
        bare, kind = url[1].split("/", 1)[0], "a URL"
    elif not text.startswith("arn:"):
        bucket, slash, key = text.partition("/")
        hint = f'write `bucket: {bucket}` and `keys: ["{key or "*"}"]`'
        return Misspelling(f"{quote(text)} holds a key", hint) if slash and not _WILD & set(bucket) else None
    plain = bare and not (_WILD | _REGEX) & set(bare)
    return Misspelling(
        f"{quote(text)} is {kind}, not a bucket name",
        f"write `{bare.lower()}`" if plain else "write the bucket's name alone",
    )


def _misspelt_bucket(text: str) -> Misspelling | None:
    """A pattern, or a name that is nearly one."""
    next_step = "write one rule for each bucket; `keys:` takes `*`"
    if _WILD & set(text):
        return Misspelling(f"wildcard in bucket {quote(text)}: only exact names are listed", next_step)
    if _REGEX & set(text):
        return Misspelling(
            f"regular expression in bucket {quote(text)}: only exact names are listed", next_step
        )
    right = text.strip().rstrip(".").lower()
    for wrong, what in (
        (text != text.strip(), "spaces around bucket"),
        (text.endswith("."), "trailing dot in bucket"),
        (text.isascii() and text != text.lower(), "upper case in bucket"),
    ):
        if wrong:
            return Misspelling(f"{what} {quote(text)}", f"write `{right}`")
    return None


def _classify(text: str) -> Endpoint | OtherService | AwsName | Foreign | None:
    try:
        return classify_host(parse_authority(text).name)
    except ReadError:
        return None


def check_canonical_host(text: str) -> HostName:
    """A DNS name in lower case, without scheme, port, path or trailing dot."""
    url = _URL.fullmatch(text)
    bare = url[1].split("/", 1)[0].rpartition("@")[2] if url else text
    if "*" in text:
        raise Misspelling(
            f"wildcard in {quote(text)}: only exact names are listed", "write one entry for each name"
        )
    try:
        host = parse_authority(bare)
    except IpLiteral as exc:
        raise Misspelling(
            f"{quote(text)} is an IP address", "write the DNS name; addresses are never listed"
        ) from exc
    except ReadError as exc:
        raise Misspelling(exc.detail) from exc
    if host.name != text:
        raise Misspelling(f"{quote(text)} is not a canonical host name", f"write `{host.name}`")
    return host.name


def check_fqdn(text: str, info: ValidationInfo) -> str:
    """A virtual-hosted-style S3 name with a bucket, inside what `endpoints` lists."""
    place = classify_host(check_canonical_host(text))
    if not isinstance(place, Endpoint):
        hint = (
            "AWS services beside S3 go under `hosts`"
            if isinstance(place, AwsName)
            else "only S3 is listed here"
        )
        raise Misspelling(f"{quote(text)} is not an S3 host name", hint)
    if place.endpoint_class.value not in SUPPORTED_CLASSES:
        raise Misspelling(
            f"{quote(text)}: class `{place.endpoint_class.value}` is not supported yet", "delete it"
        )
    if place.label is None:
        raise Misspelling(f"{quote(text)} names no bucket", "write `bucket:` with the bucket's name")
    listed = _listed(info)
    _inside(text, listed, place)
    try:
        address = parse_address(place, "/")
    except ReadError as exc:
        raise Misspelling(exc.detail) from exc
    if address.special is not None or address.bucket is None:
        raise Misspelling(f"{quote(text)} names a {address.special or 'host without a bucket'}, not a bucket")
    why = explain_bucket_name(address.bucket)
    if why is not None:
        raise Misspelling(why)
    return text


def _inside(text: str, listed: Listed, place: Endpoint) -> None:
    for one in sorted(place.needs):
        if listed.classes is not None and one.value not in listed.classes:
            raise Misspelling(
                f"{quote(text)} needs class `{one.value}`, which `endpoints` does not list",
                f"add `{one.value}` to `classes`",
            )
    if listed.partitions is not None and place.partition not in listed.partitions:
        raise Misspelling(
            f"{quote(text)} lies in partition `{place.partition}`, which `endpoints` does not list",
            f"add `{place.partition}` to `partitions`",
        )
    if listed.regions is not None and place.region is not None and place.region not in listed.regions:
        raise Misspelling(
            f"{quote(text)} lies in region `{place.region}`, which `endpoints` does not list",
            f"add `{place.region}` to `regions`",
        )


def check_service_host(text: str) -> str:
    """The exact name of an AWS service that is neither S3 nor owned by a customer."""
    place = classify_host(check_canonical_host(text))
    if isinstance(place, Endpoint):
        hint = f"write a rule with `bucket: {place.label}`" if place.label else "write rules with `bucket:`"
        raise Misspelling(f"{quote(text)} is S3, which `hosts` never lists", hint)
    if isinstance(place, OtherService):
        raise Misspelling(
            f"{quote(text)} is {place.service}, which stores data and is never listed", "delete it"
        )
    if isinstance(place, AwsName) and place.s3_family:
        raise Misspelling(
            f"{quote(text)} looks like S3, which `hosts` never lists", "write rules with `bucket:`"
        )
    if isinstance(place, Foreign):
        raise Misspelling(f"{quote(text)} is not an AWS name", "delete it: only AWS services can be listed")
    if place.customer_owned:
        raise Misspelling(
            f"{quote(text)} belongs to a customer of AWS, whoever that is",
            "delete it: it is not an AWS service",
        )
    return text
