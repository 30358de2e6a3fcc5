"""Requests in short, for tables of verdicts: what a row does not say, an honest client would send.

And the policy that most tables are judged by.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from s3gate.policy.document import parse_policy
from s3gate.policy.model import Policy
from s3gate.policy.reading import Client, Request

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
REGION = "ap-northeast-1"
OWN = "ASIAY34FZKBOKMUTVV7A"  # account 609629065308
FOREIGN = "ASIAVJ2E6QGR2WZILJFM"  # account 364679954851
OLD = "AKIAIOSFODNN7EXAMPLE"  # issued before 2019: tells no account


@dataclass(frozen=True)
class Ask:
    """One request in short."""

    host: str = f"good-bucket.s3.{REGION}.amazonaws.com"
    target: str = "/k"
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    key: str | None = OWN
    region: str = REGION
    service: str = "s3"
    region_set: str | None = None
    connect: str | None = "same"
    sni: str | None = "same"
    header_host: str | None = "same"
    authority: str | None = None
    scheme: str = "https"
    client: str = "10.0.0.1"

    def request(self) -> Request:
        headers = []
        if self.header_host is not None:
            headers.append(("Host", self.host if self.header_host == "same" else self.header_host))
        if self.key is not None:
            wide_names = set() if self.region_set is None else {"x-amz-region-set"}
            own = {name.lower() for name, _ in self.headers if name.lower().startswith("x-amz-")}
            signed = ";".join(sorted(own | wide_names | {"host", "x-amz-content-sha256", "x-amz-date"}))
            wide = self.region_set is not None
            algorithm = "AWS4-ECDSA-P256-SHA256" if wide else "AWS4-HMAC-SHA256"
            region = "" if wide else f"{self.region}/"
            scope = f"{self.key}/20261122/{region}{self.service}/aws4_request"
            headers.append(
                (
                    "Authorization",
                    f"{algorithm} Credential={scope}, SignedHeaders={signed}, Signature=" + "0" * 64,
                )
            )
            headers.append(("X-Amz-Date", "20261122T120000Z"))
            headers.append(("X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD"))
            if wide:
                headers.append(("X-Amz-Region-Set", self.region_set or ""))
        connect = f"{self.host}:443" if self.connect == "same" else self.connect
        sni = self.host if self.sni == "same" else self.sni
        return Request(
            self.method,
            self.scheme,
            self.authority,
            self.target,
            (*headers, *self.headers),
            connect,
            sni,
            Client(self.client),
            NOW,
        )


POLICY = f"""
version: 1
endpoints:
  partitions: [aws]
  regions: [{REGION}, us-east-1]
  classes: [standard, dualstack]
  path_style: allow
clients:
  batch: {{cidrs: [10.20.0.0/24]}}
rules:
  - {{id: data, bucket: good-bucket, allow: [read, write, list, delete]}}
  - {{id: reports, bucket: read-only, allow: [read, list]}}
  - {{id: inbox, bucket: keyed, allow: [read, write, list, delete], keys: ["incoming/*"]}}
  - {{id: batch-only, bucket: batch-bucket, allow: [write], clients: [batch]}}
  - {{id: ours, bucket: ours-only, allow: [read, write], accounts: ["609629065308"]}}
  - {{id: name, fqdn: named.s3.{REGION}.amazonaws.com, allow: [read]}}
  - {{id: narrow, bucket: narrow, allow: [read], regions: [us-east-1]}}
  - {{id: one-op, bucket: one-op, allow: [GetObject]}}
hosts:
  - {{name: sts.{REGION}.amazonaws.com, accounts: ["609629065308"]}}
"""


def policy(extra: str = "", text: str = POLICY) -> Policy:
    return parse_policy((text + extra).encode())


GOOD = f"good-bucket.s3.{REGION}.amazonaws.com"
EVIL = f"evil-bucket.s3.{REGION}.amazonaws.com"
ROOT = f"s3.{REGION}.amazonaws.com"
