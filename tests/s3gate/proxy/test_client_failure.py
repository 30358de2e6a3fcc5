"""Why a client's TLS broke: OpenSSL's words, in both spellings that it has used, and what to do."""

import pytest

from s3gate.proxy.client_failure import DISTRUST, explain_failure, explain_hang_up, explain_rest

FAILURES = {
    "tlsv1 alert unknown ca": f"{DISTRUST} (TLS alert unknown ca)",
    "sslv3 alert bad certificate": f"{DISTRUST} (TLS alert bad certificate)",
    "ssl/tls alert bad certificate": f"{DISTRUST} (TLS alert bad certificate)",
    "ssl/tls alert certificate unknown": f"{DISTRUST} (TLS alert certificate unknown)",
    "ssl/tls alert certificate expired": "the client takes the gate's certificate for expired: compare the clocks "
    "(TLS alert certificate expired)",
    "tlsv1 alert decode error": "the client broke TLS off (TLS alert decode error)",
    "tlsv1 alert user cancelled": explain_hang_up(shown=True),
    "alert close notify": explain_hang_up(shown=True),
    "unsupported protocol": "the client speaks no TLS of the gate's, 1.2 or 1.3 with ECDHE and AEAD (unsupported protocol)",
    "no shared cipher": "the client speaks no TLS of the gate's, 1.2 or 1.3 with ECDHE and AEAD (no shared cipher)",
    "wrong version number": "the client's TLS is broken (wrong version number)",
}
RESTS = {
    0x14: "a ChangeCipherSpec",
    0x15: "an alert",
    0x16: "a second handshake message",
    0x17: "early data",
    ord("G"): "something that is not TLS",
}


@pytest.mark.parametrize("failure", FAILURES, ids=str)
def test_a_failure_is_explained(failure: str) -> None:
    assert explain_failure(failure) == FAILURES[failure]


def test_a_hang_up_names_the_next_step_only_where_there_is_one() -> None:
    assert "AWS_CA_BUNDLE" in explain_hang_up(shown=True)
    assert explain_hang_up(shown=False) == "the client hung up in the middle of its ClientHello"


@pytest.mark.parametrize("first", RESTS, ids=hex)
def test_what_follows_a_clienthello_is_named(first: int) -> None:
    assert explain_rest(first) == f"{RESTS[first]} follows the ClientHello before it is answered"
