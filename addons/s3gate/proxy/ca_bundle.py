"""What clients are given to trust: certificates of CAs, once each, and never a private key.

The normal case: the CA that the gate signs with now, and while a change goes on the next
one beside it. Public roots are passed on as they stand.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from s3gate.proxy.authority import CaUnusable

# RFC 7468 sections 3 and 5.1: the label between the dashes; text around the blocks is explanation.
_BLOCK: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]*)-----\r?\n.*?-----END \1-----", re.ASCII | re.DOTALL)
_SECRET: Final = b"PRIVATE KEY"
_CERTIFICATE: Final = b"CERTIFICATE"


@dataclass(frozen=True, slots=True)
class CaDescription:
    """A CA in words.

    Args:
        name: its common name, or its whole subject.
        sha256: fingerprint of the certificate, hexadecimal.
        begins: not valid before, UTC.
        ends: not valid after, UTC.
        constrained: whether a critical name constraint limits what it may sign for.
    """

    name: str
    sha256: str
    begins: datetime
    ends: datetime
    constrained: bool

    def as_data(self) -> dict[str, object]:
        """For JSON."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            "not_before": f"{self.begins:%Y-%m-%dT%H:%M:%SZ}",
            "not_after": f"{self.ends:%Y-%m-%dT%H:%M:%SZ}",
            "constrained": self.constrained,
        }


def describe_ca(certificate: x509.Certificate) -> CaDescription:
    """A CA certificate in words."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    name = str(names[0].value) if names else certificate.subject.rfc4514_string()
    sha256 = certificate.fingerprint(hashes.SHA256()).hex()
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return CaDescription(name, sha256, begins, ends, _is_constrained(certificate))


def _is_constrained(certificate: x509.Certificate) -> bool:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.NameConstraints)
    except x509.ExtensionNotFound:
        return False
    return extension.critical and bool(extension.value.permitted_subtrees)


def cut_certificates(data: bytes) -> list[bytes]:
    """The certificates of a PEM file, as they stand, each with a newline at its end.

    Args:
        data: the file.

    Raises:
        CaUnusable: there is none, or a private key lies beside them.
    """
    if _SECRET in data:
        raise CaUnusable("holds a private key, which no client may have: name the certificate's file")
    found = [one[0] + b"\n" for one in _BLOCK.finditer(data) if one[1] == _CERTIFICATE]
    if not found:
        raise CaUnusable("holds no PEM certificate; `s3gate ca init` makes one")
    return found


def parse_cas(data: bytes) -> list[x509.Certificate]:
    """The CA certificates of a PEM file.

    Args:
        data: the file.

    Raises:
        CaUnusable: a private key lies beside them, there is none, or one is no CA's.
    """
    found: list[x509.Certificate] = []
    for block in cut_certificates(data):
        try:
            one = x509.load_pem_x509_certificate(block)
            constraints = one.extensions.get_extension_for_class(x509.BasicConstraints).value
        except (ValueError, x509.ExtensionNotFound) as exc:
            raise CaUnusable("holds a certificate that is not that of a CA; name the file `ca.pem`") from exc
        if not constraints.ca:
            raise CaUnusable("holds a certificate that is not that of a CA; name the file `ca.pem`")
        found.append(one)
    return found


def render_pem(certificates: Iterable[x509.Certificate]) -> bytes:
    """Certificates in PEM, one after the other."""
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)
