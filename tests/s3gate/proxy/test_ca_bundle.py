"""Certificates cut out of PEM files: what is a CA's, what is not, and what is a secret."""

from datetime import UTC, datetime

import pytest

from s3gate.demo.certificates import Authority as PlainAuthority
from s3gate.proxy.authority import Authority, CaUnusable
from s3gate.proxy.ca_bundle import cut_certificates, describe_ca, parse_cas, render_pem

AUTHORITY = Authority.generate(datetime(2026, 11, 22, tzinfo=UTC))
PEM = AUTHORITY.certificate_pem()
LEAF = PlainAuthority.make("x").issue(["a.example"]).certificate


def test_a_ca_in_words() -> None:
    about = describe_ca(AUTHORITY.certificate)
    assert (about.name, about.constrained) == ("s3gate egress CA 2026-11-22", True)
    assert about.as_data()["not_after"] == "2028-11-21T00:00:00Z"
    assert not describe_ca(PlainAuthority.make("wide").certificate).constrained


def test_text_around_the_blocks_is_left_out() -> None:
    text = b"# the old one\r\n" + PEM.replace(b"\n", b"\r\n") + b"and the new one\n" + PEM
    assert len(cut_certificates(text)) == 2
    assert render_pem(parse_cas(text)) == PEM * 2


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param(b"", "no PEM certificate", id="empty"),
        pytest.param(PEM[:-20], "no PEM certificate", id="cut"),
        pytest.param(PEM.replace(b"M", b"!"), "not that of a CA", id="no base64"),
        pytest.param(LEAF, "not that of a CA", id="leaf"),
        pytest.param(PEM + LEAF, "not that of a CA", id="leaf behind a CA"),
        pytest.param(PEM + AUTHORITY.private_key_pem(), "private key", id="key behind"),
        pytest.param(b"-----BEGIN EC PRIVATE KEY-----\n" + PEM, "private key", id="half a key"),
    ],
)
def test_what_is_refused(data: bytes, told: str) -> None:
    with pytest.raises(CaUnusable, match=told):
        parse_cas(data)
