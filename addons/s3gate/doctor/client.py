"""What a client is configured to do: is the proxy set, does S3 go through it, does IMDS not.

The normal case: `https_proxy` names one HTTP proxy, NO_PROXY names the instance metadata
service and nothing of S3.
"""

import os
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

from s3gate.doctor.finding import Finding, fine, unknown, wrong
from s3gate.doctor.way import NoWay, Proxy, find_endpoint, parse_proxy, proxy_text, suffix_of

# EC2 user guide, "Access instance metadata for an EC2 instance". botocore compares NO_PROXY with
# the host as it stands in the URL, so an IPv6 address needs its brackets; curl and Go want it bare.
METADATA: Final = ("http://169.254.169.254/", "http://[fd00:ec2::254]/")
EXEMPT: Final = "169.254.169.254,fd00:ec2::254,[fd00:ec2::254]"
PROXY: Final = "proxy is set"
WAY: Final = "S3 goes through it"
IMDS: Final = "IMDS is exempt"


def find_proxy(region: str) -> tuple[Proxy | None, Finding]:
    """The proxy for S3, and whether it is set well.

    Args:
        region: of the clients.
    """
    text = proxy_text(f"https://s3.{region}.{suffix_of(region)}/")
    lower, upper = os.environ.get("https_proxy"), os.environ.get("HTTPS_PROXY")
    text = text or lower or upper  # where NO_PROXY exempts S3, the next check says so
    if not text:
        then = "export HTTPS_PROXY=http://GATE:8080, and https_proxy too: some programs read only one"
        return None, wrong(PROXY, "neither HTTPS_PROXY nor https_proxy is set: requests go directly", then)
    try:
        proxy = parse_proxy(text)
    except NoWay as exc:
        return None, wrong(PROXY, f"HTTPS_PROXY {exc}", "write it as http://HOST:PORT")
    if lower and upper and lower != upper:
        told = "HTTPS_PROXY and https_proxy differ: programs take one or the other"
        return proxy, wrong(PROXY, told, "give both the same value")
    return proxy, fine(PROXY, proxy.shown)


def check_way(region: str) -> Sequence[Finding]:
    """Whether any name of S3 is exempt from the proxy.

    Args:
        region: of the clients.
    """
    suffix = suffix_of(region)
    names = [f"{one}s3.{rest}" for rest in (f"{region}.{suffix}", suffix) for one in ("", "any-bucket.")]
    urls = [f"https://{name}/" for name in names]
    try:
        endpoint = find_endpoint()
    except NoWay as exc:
        return [wrong(WAY, str(exc), "correct AWS_PROFILE or the file that AWS_CONFIG_FILE names")]
    if endpoint is not None:
        urls.append(endpoint)
    around = [urlsplit(url).hostname or "" for url in urls if proxy_text(url) is None]
    if around:
        told = f"requests to `{around[0]}` go around the proxy"
        told += f", and {len(around) - 1} other names" if len(around) > 1 else ""
        then = "take what names S3 out of NO_PROXY and no_proxy; HTTPS_PROXY and HTTP_PROXY must be set"
        return [wrong(WAY, told, then)]
    if endpoint is not None and urlsplit(endpoint).scheme != "https":
        told = f"the S3 endpoint `{urlsplit(endpoint).hostname}` is asked in clear text"
        return [wrong(WAY, told, "write https:// in `endpoint_url`, or delete it")]
    return [fine(WAY, f"{len(urls)} names of S3 tried, none is exempt by NO_PROXY")]


def check_metadata() -> Sequence[Finding]:
    """Whether the instance metadata service is asked directly."""
    excepted = os.environ.get("no_proxy", os.environ.get("NO_PROXY", ""))
    covered = [bool(proxy_bypass(urlsplit(url).netloc)) for url in METADATA]
    if all(covered):
        return [fine(IMDS, "NO_PROXY has both of its addresses")]
    missing = [urlsplit(url).netloc for url, well in zip(METADATA, covered, strict=True) if not well]
    told = f"NO_PROXY does not have {' and '.join(missing)}: credentials of the instance would be asked for"
    told += " through the proxy, which refuses them"
    if "fd00:ec2::254" in excepted and "[fd00:ec2::254]" not in excepted:
        told = "NO_PROXY has fd00:ec2::254 without brackets, and botocore compares with them"
    return [wrong(IMDS, told, f"add to NO_PROXY and no_proxy: {EXEMPT}")]


def no_proxy_found(name: str) -> Sequence[Finding]:
    """What a check says that needs a proxy, without one.

    Args:
        name: of the check.
    """
    return [unknown(name, "there is no proxy to try it with", "set HTTPS_PROXY first")]
