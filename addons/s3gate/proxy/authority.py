"""The gate's own certificate authority, which may sign for AWS names and nothing else.

The normal case: `s3gate ca init` makes one CA; clients trust it; the gate signs a leaf
for each name that a client asks for inside a lifted CONNECT. A critical name constraint
lists the partitions' DNS suffixes, so that a stolen key forges no other name. All keys
are P-256: signing costs a tenth of RSA.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from s3gate.s3.host import HostName
from s3gate.s3.partitions import SUFFIXES

CA_DAYS: Final = 730  # two years: long enough to roll out once, short enough to practise the change
LEAF_DAYS: Final = 7  # a leaf lives in memory only and is made anew each day
CLOCK_SKEW: Final = timedelta(hours=1)  # clients whose clocks are behind
LEAF_COMMON_NAME_CHARS: Final = 64  # RFC 5280 ub-common-name


# NIST SP 800-57 part 1, table 2: 112 bits of strength. Leaves have EC keys in any case.
MIN_RSA_BITS: Final = 2048
CaKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class CaUnusable(ValueError):
    """A CA certificate or key cannot be used; the message says which and the next step."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate for one name.

    Args:
        certificate: signed by the CA.
        key: its private key.
        made: when, time zone aware.
    """

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    made: datetime


class Authority:
    """A CA certificate with its key.

    Args:
        certificate: the CA's.
        key: that belongs to it.
    """

    def __init__(self, certificate: x509.Certificate, key: CaKey) -> None:
        self.certificate = certificate
        self._key = key
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())

    @classmethod
    def generate(cls, now: datetime, suffixes: tuple[str, ...] | None = None) -> Self:
        """A new CA.

        Args:
            now: time zone aware.
            suffixes: DNS suffixes that it may sign for; those of all partitions by default.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"s3gate egress CA {now:%Y-%m-%d}")])
        permitted = [x509.DNSName(text) for text in suffixes or tuple(sorted(SUFFIXES))]
        builder = (
            _builder(name, name, key.public_key(), now, timedelta(days=CA_DAYS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(ca=True), critical=True)
            .add_extension(
                x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=None), critical=True
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        return cls(builder.sign(key, hashes.SHA256()), key)

    @classmethod
    def from_pem(cls, certificate: bytes, private_key: bytes) -> Self:
        """Read a CA.

        Args:
            certificate: PEM.
            private_key: PEM, without a passphrase.

        Raises:
            CaUnusable: one is not readable, no CA, a weak key, or they do not belong together.
        """
        try:
            loaded = x509.load_pem_x509_certificate(certificate)
            key = serialization.load_pem_private_key(private_key, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
            raise CaUnusable(
                "the CA certificate or its key is not readable PEM; make one with `s3gate ca init`"
            ) from exc
        weak = isinstance(key, rsa.RSAPrivateKey) and key.key_size < MIN_RSA_BITS
        if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) or weak:
            wanted = f"neither an EC key nor RSA of {MIN_RSA_BITS} bits"
            raise CaUnusable(f"the CA key is {wanted}; make one with `s3gate ca init`")
        if loaded.public_key() != key.public_key():
            raise CaUnusable(
                "the CA key does not belong to the CA certificate; give the pair that was made together"
            )
        try:
            constraints = loaded.extensions.get_extension_for_class(x509.BasicConstraints).value
        except x509.ExtensionNotFound as exc:
            raise CaUnusable(
                "the CA certificate has no basic constraints; make one with `s3gate ca init`"
            ) from exc
        if not constraints.ca:
            raise CaUnusable("the CA certificate is not that of a CA; make one with `s3gate ca init`")
        return cls(loaded, key)

    def certificate_pem(self) -> bytes:
        """The CA certificate: what clients must trust."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def private_key_pem(self) -> bytes:
        """The CA key, unencrypted PKCS #8."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign_leaf(self, host: HostName, now: datetime) -> Leaf:
        """A certificate for one name.

        Args:
            host: the name.
            now: time zone aware.
        """
        common = host if len(host) <= LEAF_COMMON_NAME_CHARS else "s3gate leaf"
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
        public = self._leaf_key.public_key()
        issuer_key = _authority_key(self.certificate)
        builder = (
            _builder(name, self.certificate.subject, public, now, timedelta(days=LEAF_DAYS))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(issuer_key, critical=False)
        )
        return Leaf(builder.sign(self._key, hashes.SHA256()), self._leaf_key, now)


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    start = now.astimezone(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - CLOCK_SKEW)
        .not_valid_after(start + life)
    )


def _authority_key(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """The issuer's own identifier (RFC 5280 §4.2.1.1), which need not be the usual hash of its key."""
    try:
        subject = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())  # type: ignore[arg-type]  # EC or RSA by `from_pem`
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(subject)


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
