"""Text of a setting → its value: numbers, sizes, addresses, paths.

Normally the text is what the document shows and becomes a value; otherwise a
Misspelling says what belongs there. Text comes from YAML and from the environment alike.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import ValidationInfo

from s3gate.policy.mistake import Misspelling, quote
from s3gate.policy.network import PUBLIC
from s3gate.policy.source import CA_SCHEMES, POLICY_SCHEMES, Remote, parse_remote
from s3gate.policy.spelling import parse_cidr
from s3gate.s3.bucket import is_bucket_name

# size = 1*DIGIT [ unit ]; units as IEC 80000-13 names them, binary only.
_SIZE: Final = re.compile(r"([0-9]{1,15})(B|KiB|MiB|GiB|TiB)?", re.ASCII)
_UNITS: Final = {None: 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4}
_NEAR_SIZE: Final = re.compile(r"([0-9]{1,15}) *([kmgt])(?:i?b)?", re.IGNORECASE | re.ASCII)

_INTEGER: Final = re.compile(r"0|[1-9][0-9]{0,11}", re.ASCII)
_SECONDS: Final = re.compile(r"(?:0|[1-9][0-9]{0,5})(?:\.[0-9]{1,3})?", re.ASCII)
_NAME_SERVER: Final = re.compile(r"(?:\[([^\]]*)\]|([^:\[\]]*))(?::([0-9]{1,5}))?", re.ASCII)

# logGroupName: Amazon CloudWatch Logs API Reference, CreateLogGroup.
LOG_GROUP_PATTERN: Final = r"[.\-_/#A-Za-z0-9]{1,512}"
_LOG_GROUP: Final = re.compile(LOG_GROUP_PATTERN, re.ASCII)
# A region's code, in any partition.
REGION_PATTERN: Final = r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}"
_REGION: Final = re.compile(REGION_PATTERN, re.ASCII)

DNS_PORT: Final = 53  # RFC 1035, section 4.2
MAX_PORT: Final = 65535  # RFC 9293, section 3.1


@dataclass(frozen=True, slots=True)
class NameServer:
    """Where to ask for names: an address and a port."""

    address: str
    port: int = DNS_PORT


def parse_integer(text: str) -> int:
    """A whole number in decimal."""
    if _INTEGER.fullmatch(text):
        return int(text)
    raise Misspelling(f"{quote(text)} is not a whole number", "write digits, without leading zeros")


def parse_seconds(text: str) -> float:
    """Seconds, up to three decimals."""
    if _SECONDS.fullmatch(text):
        return float(text)
    raise Misspelling(f"{quote(text)} is not a number of seconds", "write it like `2` or `0.5`")


def parse_size(text: str) -> int:
    """Bytes, with an optional binary unit."""
    found = _SIZE.fullmatch(text)
    if found:
        return int(found[1]) * _UNITS[found[2]]
    near = _NEAR_SIZE.fullmatch(text)
    hint = f"write `{near[1]}{near[2].upper()}iB`" if near else "write it like `2GiB`"
    raise Misspelling(f"{quote(text)} is not a size", hint)


def parse_flag(text: str) -> bool:
    """`true` or `false`."""
    if text in ("true", "false"):
        return text == "true"
    raise Misspelling(f"{quote(text)} is neither `true` nor `false`", "write `true` or `false`")


def parse_listen_host(text: str) -> str:
    """An address of this machine to listen on."""
    try:
        address = ip_address(text)
    except ValueError as exc:
        raise Misspelling(f"{quote(text)} is not an IP address", "write one, like `127.0.0.1`") from exc
    if str(address) != text:
        raise Misspelling(f"{quote(text)} is not the canonical spelling of an address", f"write `{address}`")
    return text


def parse_name_server(text: str) -> NameServer:
    """`address` or `address:port`; IPv6 with a port in brackets."""
    try:
        return NameServer(str(ip_address(text)))
    except ValueError:
        pass
    found = _NAME_SERVER.fullmatch(text)
    try:
        address = str(ip_address((found[1] or found[2]) if found else ""))
    except ValueError as exc:
        raise Misspelling(
            f"{quote(text)} is not the address of a name server", "write it like `10.0.0.2` or `[fd00::2]:53`"
        ) from exc
    port = int(found[3]) if found and found[3] else DNS_PORT
    if not 0 < port <= MAX_PORT:
        raise Misspelling(f"port {port} does not exist", f"write 1 to {MAX_PORT}")
    return NameServer(address, port)


def check_network(text: str) -> str:
    """`public`, or a network without host bits."""
    if text != PUBLIC:
        parse_cidr(text)
    return text


def check_trusted_network(text: str) -> str:
    """A network of load balancers: without host bits, and not everybody's."""
    if parse_cidr(text).prefixlen == 0:
        raise Misspelling(
            f"{quote(text)} trusts everybody's header", "write the subnets of the load balancer"
        )
    return text


def parse_path(text: str, info: ValidationInfo) -> Path:
    """A path; a relative one starts at the directory of the settings file."""
    parse_remote(text, ())
    if not text or "\0" in text:
        raise Misspelling("an empty path", "write the path of a file")
    base = info.context if isinstance(info.context, Path) else Path()
    return base / text


def parse_policy_place(text: str, info: ValidationInfo) -> Path | Remote:
    """Where the policy is: a path, or a place in AWS."""
    return parse_remote(text, POLICY_SCHEMES) or parse_path(text, info)


def parse_ca_place(text: str, info: ValidationInfo) -> Path | Remote:
    """Where a part of the CA is: a path, or a place in AWS."""
    return parse_remote(text, CA_SCHEMES) or parse_path(text, info)


def parse_own_place(text: str) -> Remote:
    """A place in AWS that somebody else fetches a secret of the gate from."""
    place = parse_remote(text, CA_SCHEMES)
    if place is None:
        raise Misspelling(
            f"{quote(text)} is no place in AWS", "write `ssm://PARAMETER` or `secretsmanager://SECRET`"
        )
    return place


def check_bucket(text: str) -> str:
    """The name of a bucket."""
    if is_bucket_name(text):
        return text
    raise Misspelling(f"{quote(text)} is not the name of a bucket", "write its name alone")


def check_log_group(text: str) -> str:
    """The name of a CloudWatch log group."""
    if _LOG_GROUP.fullmatch(text):
        return text
    raise Misspelling(
        f"{quote(text)} is not the name of a log group", "letters, digits, `.`, `-`, `_`, `/`, `#`"
    )


def check_region_code(text: str) -> str:
    """The code of an AWS region."""
    if _REGION.fullmatch(text):
        return text
    raise Misspelling(f"{quote(text)} is not the code of a region", "write it like `ap-northeast-1`")


def check_endpoint_url(text: str) -> str:
    """The URL of an endpoint: https or http, a host, no user, no query."""
    try:
        url = urlsplit(text)
        usable = url.scheme in ("https", "http") and url.hostname and url.username is None
        usable = usable and not url.query and not url.fragment and url.port != 0
    except ValueError:
        usable = False
    if usable:
        return text
    raise Misspelling(
        f"{quote(text.rpartition('@')[2])} is not the URL of an endpoint", "write it like `https://host:port`"
    )
