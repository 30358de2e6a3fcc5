"""The canonical spelling of what a rule names: bucket, S3 host, access point, AWS service host.

Normally a text names exactly one thing inside what `endpoints` lists, and comes back as
it is. Otherwise a Misspelling says what it names instead, and how the entry is written.
"""

import re
from typing import Final

from pydantic import ValidationInfo

from s3gate.policy.listed import Listed
from s3gate.policy.mistake import Misspelling, quote
from s3gate.policy.place_spelling import listed_in
from s3gate.policy.suggestion import nearest
from s3gate.s3.access_point import access_point_of, parse_access_point
from s3gate.s3.address import parse_address
from s3gate.s3.bucket import alias_kind, explain_bucket_name, is_directory_bucket_name
from s3gate.s3.endpoint import AwsName, Endpoint, EndpointClass, Foreign, OtherService, classify_host
from s3gate.s3.host import HostName, parse_authority
from s3gate.s3.partitions import PARTITIONS
from s3gate.s3.refusal import IpLiteral, ReadError

_URL: Final = re.compile(r"[a-z0-9+.-]+://(.*)", re.IGNORECASE | re.ASCII | re.DOTALL)
_BUCKET_ARN: Final = re.compile(r"arn:[a-z-]+:s3:::([^/]*)(?:/.*)?", re.ASCII | re.DOTALL)
# The ARN of an access point with `:` for `/`, as boto3 writes some, or with a key.
_POINT_ARN: Final = re.compile(
    r"(?P<start>arn:[a-z-]+:[a-z0-9-]*:[a-z0-9-]*:[0-9]*:(?:outpost[/:][a-z0-9-]+[/:])?)"
    r"accesspoint[/:](?P<name>[^/:]+)(?:/object)?(?:/(?P<key>.*))?",
    re.ASCII | re.DOTALL,
)
_WILD: Final = frozenset("*?")
_REGEX: Final = frozenset("^$()[]{}|+\\")


def check_client(text: str, info: ValidationInfo) -> str:
    """The name of a client group that the file defines."""
    names = listed_in(info).clients
    if names is None or text in names:
        return text
    right = nearest(text, names)
    hint = f"write `{right}`" if right else f"define {quote(text)} under `clients`"
    raise Misspelling(f"no client group {quote(text)}", hint)


def check_bucket(text: str, info: ValidationInfo) -> str:
    """The name of a bucket, exact; a directory bucket where class `express` is open."""
    if text.endswith("--x-s3") and is_directory_bucket_name(text):
        classes = listed_in(info).classes
        if classes is not None and EndpointClass.EXPRESS.value not in classes:
            raise Misspelling(
                f"{quote(text)} is a directory bucket, and class `express` is not listed under `endpoints`",
                "add `express` to `classes`",
            )
        return text
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
    if _POINT_ARN.fullmatch(text):
        key = "mrap" if ".mrap" in text else "access_point"
        return Misspelling(f"{quote(text)} is the ARN of an access point", f"write `{key}: {text}`")
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
    if EndpointClass.CONTROL in place.needs:
        raise Misspelling(f"{quote(text)} is S3 Control, which is never open", "delete it")
    if place.label is None:
        raise Misspelling(f"{quote(text)} names no bucket", "write `bucket:` with the bucket's name")
    point = access_point_of(place)
    if point is not None:
        kind = "mrap" if point.multi_region else "access_point"
        raise Misspelling(f"{quote(text)} is the host of an access point", f"write `{kind}: {point.arn}`")
    _inside(text, listed_in(info), place)
    try:
        address = parse_address(place, "/")
    except ReadError as exc:
        raise Misspelling(exc.detail) from exc
    if address.special == "directory-bucket" and EndpointClass.EXPRESS in place.needs:
        return text
    if address.special is not None or address.bucket is None:
        raise Misspelling(f"{quote(text)} names a {address.special or 'host without a bucket'}, not a bucket")
    why = explain_bucket_name(address.bucket)
    if why is not None:
        raise Misspelling(why)
    return text


def check_access_point(text: str, info: ValidationInfo) -> str:
    """The ARN of an access point with a region, inside what `endpoints` lists."""
    return _check_point(text, info, multi_region=False)


def check_mrap(text: str, info: ValidationInfo) -> str:
    """The ARN of a multi-region access point, inside what `endpoints` lists."""
    return _check_point(text, info, multi_region=True)


def _check_point(text: str, info: ValidationInfo, *, multi_region: bool) -> str:
    point = parse_access_point(text)
    if point is None:
        raise _misspelt_point(text)
    if point.multi_region != multi_region:
        what = "a multi-region access point" if point.multi_region else "an access point of one region"
        raise Misspelling(
            f"{quote(text)} is {what}", f"write `{'mrap' if point.multi_region else 'access_point'}: {text}`"
        )
    place = classify_host(point.host)
    if isinstance(place, Endpoint):
        _inside(text, listed_in(info), place)
    return text


def _misspelt_point(text: str) -> Misspelling:
    """What is wrong with the ARN of an access point, as far as it can be told."""
    parts = _POINT_ARN.fullmatch(text)
    like = "write it like `arn:aws:s3:eu-west-1:111122223333:accesspoint/NAME`"
    if parts is None:
        kind = alias_kind(text) or ("host name" if "." in text and not text.startswith("arn:") else None)
        known = f": it is {'an' if kind[0] in 'ao' else 'a'} {kind}" if kind else ""
        return Misspelling(f"{quote(text)} is not the ARN of an access point{known}", like)
    right = f"{parts['start'].replace('outpost:', 'outpost/')}accesspoint/{parts['name']}"
    if parts["start"].count(":") > 5:
        right = re.sub(r"(outpost/op-[a-z0-9]+):", r"\1/", right)
    if right != text and parse_access_point(right) is not None:
        rest = f' and `keys: ["{parts["key"]}"]`' if parts["key"] else ""
        return Misspelling(f"{quote(text)} is not the canonical ARN", f"write `{right}`{rest}")
    partition, _, region, account = text.split(":")[1:5]
    rows = PARTITIONS.values()
    if partition not in PARTITIONS:
        return Misspelling(f"{quote(partition)} is not a partition", "write `aws`, or the id of another one")
    home = next((row.id for row in rows if row.region_pattern.fullmatch(region)), None)
    if region and home != partition:
        what = f"lies in partition `{home}`" if home else "is no region"
        hint = f"write `arn:{home}:…`, or a region of `{partition}`" if home else like
        return Misspelling(f"region {quote(region)} of the ARN {what}, not in `{partition}`", hint)
    if len(account) != 12:
        return Misspelling(f"{quote(account)} in the ARN is not an account id of 12 digits", like)
    return Misspelling(
        f"{quote(text)} is not the ARN of an access point that a host can name",
        "its name has 3 to 50 of a-z 0-9 -, `.mrap` stands without a region, Outposts with `outpost/op-…/`",
    )


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
