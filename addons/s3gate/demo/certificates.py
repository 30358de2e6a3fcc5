"""Throw-away certificate authorities and the leaf certificates they sign, for the demo and the tests.

An authority is made in memory, signs leaves for any DNS names, and is forgotten. Keys are
EC P-256, validity starts an hour ago and lasts two days. `name_constraint` limits an
authority to one DNS suffix, critically (RFC 5280, 4.2.1.10), as a real gate's CA is.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_BEFORE: Final = timedelta(hours=1)
"""How far back validity starts: for a clock that is a little off."""

VALID_AFTER: Final = timedelta(days=2)
"""How long a throw-away certificate lasts."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its private key, both PEM (the key as PKCS #8, not encrypted)."""

    certificate: bytes
    private_key: bytes


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority that lives in memory."""

    certificate: x509.Certificate
    private_key: ec.EllipticCurvePrivateKey

    @classmethod
    def make(cls, name: str, *, name_constraint: str | None = None, now: datetime | None = None) -> Self:
        """A new self-signed authority.

        Args:
            name: its common name.
            name_constraint: the only DNS suffix it may sign for, or None for any name.
            now: the clock, time zone aware; None is the system's.

        Returns:
            The authority with a fresh key.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _builder(subject, subject, key.public_key(), now or datetime.now(UTC))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(authority=True), critical=True)
        if name_constraint is not None:
            constraint = x509.NameConstraints([x509.DNSName(name_constraint)], None)
            builder = builder.add_extension(constraint, critical=True)
        return cls(builder.sign(key, hashes.SHA256()), key)

    def issue(self, names: Sequence[str], *, now: datetime | None = None) -> KeyPair:
        """A server certificate for `names` with a key of its own.

        Args:
            names: DNS names (also `*.suffix`) and IP addresses, the first also as common name.
            now: the clock, time zone aware; None is the system's.

        Returns:
            The leaf certificate alone, and its key.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        # RFC 5280 limits a common name to 64 characters; the alternative names carry the whole.
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
        builder = _builder(subject, self.certificate.subject, key.public_key(), now or datetime.now(UTC))
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(authority=False), critical=True)
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False
        )
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.private_key.public_key())
        builder = builder.add_extension(identifier, critical=False)
        certificate = builder.sign(self.private_key, hashes.SHA256())
        return KeyPair(certificate.public_bytes(Encoding.PEM), _pem(key))

    @property
    def pair(self) -> KeyPair:
        """The authority's own certificate and key, PEM."""
        return KeyPair(self.certificate.public_bytes(Encoding.PEM), _pem(self.private_key))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - VALID_BEFORE)
        .not_valid_after(now + VALID_AFTER)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
