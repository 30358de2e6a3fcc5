"""The CA: constrained to AWS names, usable by OpenSSL, and refused when it is not what it should be."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from s3gate.proxy.authority import LEAF_DAYS, Authority, CaUnusable
from s3gate.s3.host import HostName

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def verify(authority: Authority, leaf: x509.Certificate, name: str) -> None:
    store = Store([authority.certificate])
    PolicyBuilder().store(store).time(NOW).build_server_verifier(x509.DNSName(name)).verify(leaf, [])


def test_a_leaf_is_accepted_for_its_name_alone() -> None:
    authority = Authority.generate(NOW)
    name = HostName("b.s3.ap-northeast-1.amazonaws.com")
    leaf = authority.sign_leaf(name, NOW)
    verify(authority, leaf.certificate, name)
    with pytest.raises(VerificationError):
        verify(authority, leaf.certificate, "c.s3.ap-northeast-1.amazonaws.com")
    assert leaf.certificate.not_valid_after_utc == NOW + timedelta(days=LEAF_DAYS)


@pytest.mark.parametrize(
    "name",
    ["s3.amazonaws.com", "b.s3.cn-north-1.amazonaws.com.cn", "x.api.aws", "s3.eusc-de-east-1.amazonaws.eu"],
)
def test_every_partition_is_permitted(name: str) -> None:
    authority = Authority.generate(NOW)
    verify(authority, authority.sign_leaf(HostName(name), NOW).certificate, name)


@pytest.mark.parametrize("name", ["www.evil.example", "amazonaws.com.evil.example", "notamazonaws.com"])
def test_a_stolen_key_forges_no_other_name(name: str) -> None:
    authority = Authority.generate(NOW)
    leaf = authority.sign_leaf(HostName(name), NOW)
    with pytest.raises(VerificationError):
        verify(authority, leaf.certificate, name)


def test_the_constraint_is_critical_and_the_key_is_p256() -> None:
    certificate = Authority.generate(NOW).certificate
    constraint = certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraint.critical
    assert x509.DNSName("amazonaws.com") in (constraint.value.permitted_subtrees or [])
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)


def test_it_survives_its_files() -> None:
    authority = Authority.generate(NOW)
    again = Authority.from_pem(authority.certificate_pem(), authority.private_key_pem())
    assert again.certificate == authority.certificate


def test_long_names_fit() -> None:
    name = HostName(".".join(["a" * 60] * 3) + ".amazonaws.com")
    authority = Authority.generate(NOW)
    verify(authority, authority.sign_leaf(name, NOW).certificate, name)


def test_what_cannot_be_used_is_said() -> None:
    one, other = Authority.generate(NOW), Authority.generate(NOW)
    weak_key = rsa.generate_private_key(65537, 1024).private_bytes(  # noqa: S505 - it must be refused
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    leaf = one.sign_leaf(HostName("s3.amazonaws.com"), NOW)
    leaf_pem = leaf.certificate.public_bytes(serialization.Encoding.PEM)
    leaf_key = leaf.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for certificate, key, told in (
        (b"nonsense", one.private_key_pem(), "not readable PEM"),
        (one.certificate_pem(), b"nonsense", "not readable PEM"),
        (one.certificate_pem(), weak_key, "neither an EC key nor RSA"),
        (one.certificate_pem(), other.private_key_pem(), "does not belong"),
        (leaf_pem, leaf_key, "not that of a CA"),
    ):
        with pytest.raises(CaUnusable, match=told):
            Authority.from_pem(certificate, key)


def test_a_ca_made_elsewhere_with_rsa_signs_too(tmp_path: Path) -> None:
    key, certificate = tmp_path / "ca.key", tmp_path / "ca.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9"),
            *("-subj", "/CN=company CA", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    authority = Authority.from_pem(certificate.read_bytes(), key.read_bytes())
    leaf = tmp_path / "leaf.pem"
    signed = authority.sign_leaf(HostName("bucket.s3.eu-west-1.amazonaws.com"), datetime.now(UTC))
    leaf.write_bytes(signed.certificate.public_bytes(serialization.Encoding.PEM))
    checked = subprocess.run(
        ["openssl", "verify", "-CAfile", str(certificate), str(leaf)],
        capture_output=True,
        check=False,
    )
    assert checked.returncode == 0, checked
