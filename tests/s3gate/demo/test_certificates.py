"""Throw-away authorities and leaves, verified by OpenSSL as a client does."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from s3gate.demo.certificates import Authority, KeyPair

NAME = "example-uploads.s3.ap-northeast-1.amazonaws.com"


def handshake(authority: Authority, leaf: KeyPair, name: str, directory: Path) -> None:
    """A TLS handshake in memory; raises what a strict client raises."""
    file = directory / "leaf.pem"
    file.write_bytes(leaf.certificate + leaf.private_key)
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(file)
    client_context = ssl.create_default_context(cadata=authority.pair.certificate.decode())
    client_context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client.version() is not None


@pytest.mark.parametrize("name", [NAME, "x.logs.ap-northeast-1.amazonaws.com"])
def test_a_strict_client_accepts_a_leaf(name: str, tmp_path: Path) -> None:
    authority = Authority.make("demo CA", name_constraint="amazonaws.com")
    handshake(authority, authority.issue([NAME, "*.logs.ap-northeast-1.amazonaws.com"]), name, tmp_path)


@pytest.mark.parametrize(
    ("constraint", "signed", "asked", "reason"),
    [
        pytest.param(
            "amazonaws.com", "example.org", "example.org", "permitted subtree violation", id="constraint"
        ),
        pytest.param(None, "example.org", "example.com", "Hostname mismatch", id="other name"),
    ],
)
def test_a_client_refuses(
    constraint: str | None, signed: str, asked: str, reason: str, tmp_path: Path
) -> None:
    authority = Authority.make("demo CA", name_constraint=constraint)
    with pytest.raises(ssl.SSLCertVerificationError, match=reason):
        handshake(authority, authority.issue([signed]), asked, tmp_path)


def test_a_client_refuses_another_authority(tmp_path: Path) -> None:
    authority = Authority.make("demo CA")
    with pytest.raises(
        ssl.SSLCertVerificationError, match=r"unable to get local issuer|self-signed|signature"
    ):
        handshake(Authority.make("demo CA"), authority.issue([NAME]), NAME, tmp_path)


def test_a_client_refuses_an_expired_leaf(tmp_path: Path) -> None:
    authority = Authority.make("demo CA")
    leaf = authority.issue([NAME], now=datetime.now(UTC) - timedelta(days=9))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        handshake(authority, leaf, NAME, tmp_path)


def test_long_names_and_addresses_are_alternative_names() -> None:
    names = ["a" * 63 + ".s3.ap-northeast-1.amazonaws.com", "127.0.0.1"]
    certificate = x509.load_pem_x509_certificate(Authority.make("demo CA").issue(names).certificate)
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in alternatives] == names
