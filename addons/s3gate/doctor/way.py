"""Which way do this machine's AWS clients take? Read as botocore (and so awscli) reads it.

The normal case: HTTPS_PROXY names the gate, AWS_CA_BUNDLE a file. botocore's own functions
answer, so that nothing here can differ from what awscli does: lower-case variables win,
ALL_PROXY is not read, NO_PROXY compares ends of names and knows no networks.
"""

import os
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from botocore.configprovider import ConfiguredEndpointProvider
from botocore.exceptions import BotoCoreError
from botocore.httpsession import get_cert_path
from botocore.session import Session
from botocore.utils import get_environ_proxies

from s3gate.s3.partitions import PARTITIONS

USUAL_REGION: Final = "us-east-1"  # where none is configured: S3's global names live there
PORTS: Final = {"http": 80, "https": 443}


class NoWay(ValueError):
    """The configuration names no usable proxy; the text says why."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy as clients know it.

    Args:
        host: name or address.
        port: TCP port.
        authorization: the value of Proxy-Authorization, or None; never to be shown.
    """

    host: str
    port: int
    authorization: str | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """As a person writes it, without user and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Trust:
    """The file that proves certificates.

    Args:
        path: of the file.
        source: the variable or key that names it.
    """

    path: str
    source: str


def proxy_text(url: str) -> str | None:
    """The proxy that botocore takes for a URL, as it is configured; None: it goes there directly.

    Args:
        url: `https://…` or `http://…`.
    """
    found = get_environ_proxies(url).get(urlsplit(url).scheme)
    return found if isinstance(found, str) and found else None


def parse_proxy(text: str) -> Proxy:
    """A proxy's URL, read as botocore reads it: without a scheme it is HTTP.

    Args:
        text: as configured.

    Raises:
        NoWay: it is no HTTP URL with a host; the text is not repeated, since it may hold a password.
    """
    if text.startswith("//"):
        text = f"http:{text}"
    elif not text.startswith(("http:", "https:")):
        text = f"http://{text}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as exc:
        raise NoWay("is no URL") from exc
    if parts.scheme != "http":
        raise NoWay("speaks TLS to clients, which s3gate does not")
    if not host:
        raise NoWay("names no host")
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}".encode()
    secret = b64encode(pair).decode() if parts.username else None
    return Proxy(host, port or PORTS["http"], f"Basic {secret}" if secret else None)


def find_trust() -> Trust:
    """The CA bundle that botocore uses: AWS_CA_BUNDLE or `ca_bundle`, REQUESTS_CA_BUNDLE, its own.

    Raises:
        NoWay: the profile or the configuration file cannot be read.
    """
    try:
        configured = Session().get_config_variable("ca_bundle")
    except BotoCoreError as exc:
        raise NoWay(" ".join(str(exc).split())) from exc
    if configured is not None:
        source = "AWS_CA_BUNDLE" if "AWS_CA_BUNDLE" in os.environ else "`ca_bundle` of the AWS configuration"
        return Trust(str(configured), source)
    if "REQUESTS_CA_BUNDLE" in os.environ:
        return Trust(os.environ["REQUESTS_CA_BUNDLE"], "REQUESTS_CA_BUNDLE")
    return Trust(str(get_cert_path(verify=True)), "botocore's own roots")


def find_region() -> str:
    """The region of this machine's clients, or the one of S3's global names.

    Raises:
        NoWay: the profile or the configuration file cannot be read.
    """
    try:
        return str(Session().get_config_variable("region") or USUAL_REGION)
    except BotoCoreError as exc:
        raise NoWay(" ".join(str(exc).split())) from exc


def find_endpoint() -> str | None:
    """The endpoint that clients are told to use for S3 instead of AWS's own, or None.

    Raises:
        NoWay: the profile or the configuration file cannot be read.
    """
    session = Session()
    try:
        provider = ConfiguredEndpointProvider(
            full_config=session.full_config,
            scoped_config=session.get_scoped_config(),
            client_name="s3",
        )
        found = provider.provide()
    except BotoCoreError as exc:
        raise NoWay(" ".join(str(exc).split())) from exc
    return str(found) if found else None


def suffix_of(region: str) -> str:
    """The DNS suffix of a region's partition.

    Args:
        region: AWS region.
    """
    matching = (one.dns_suffix for one in PARTITIONS.values() if one.region_pattern.fullmatch(region))
    return str(next(matching, PARTITIONS["aws"].dns_suffix))
