"""Why a client's TLS broke, in a sentence that names the next step.

The normal case: a client that was not told of the gate's CA refuses the gate's leaf. Most
say so with an alert (RFC 8446 §6.2) before they hang up; some only hang up (asyncio's TLS
drops the alert). Which alert it is differs: OpenSSL and rustls send unknown_ca, Go
bad_certificate, Java certificate_unknown.
"""

from typing import Final

DISTRUST: Final = "the client does not trust the gate's CA: set AWS_CA_BUNDLE"
# OpenSSL's words for the alerts 48, 42 and 46, without what it puts before them.
_DISTRUSTING: Final = ("alert unknown ca", "alert bad certificate", "alert certificate unknown")
# A client that leaves politely; most then close.
_LEAVING: Final = ("alert close notify", "alert user canceled", "alert user cancelled")
_EXPIRED: Final = "alert certificate expired"
# OpenSSL's words for a ClientHello with nothing in it that we would speak.
_NOTHING_SHARED: Final = (
    "unsupported protocol",
    "no shared cipher",
    "no suitable key share",
    "no suitable signature algorithm",
    "no shared signature algorithms",
)
# What may come behind a ClientHello by its first byte (RFC 8446 §5.1, ContentType).
_RECORDS: Final = {
    0x14: "a ChangeCipherSpec",
    0x15: "an alert",
    0x16: "a second handshake message",
    0x17: "early data",
}


def explain_failure(failure: str) -> str:
    """Why a handshake or a record of the client failed.

    Args:
        failure: OpenSSL's words.

    Returns:
        One lower-case sentence.
    """
    if failure.endswith(_DISTRUSTING):
        return f"{DISTRUST} (TLS {_alert(failure)})"
    if failure.endswith(_EXPIRED):
        return f"the client takes the gate's certificate for expired: compare the clocks (TLS {_EXPIRED})"
    if failure.endswith(_LEAVING):
        return explain_hang_up(shown=True)
    if "alert " in failure:
        return f"the client broke TLS off (TLS {_alert(failure)})"
    if failure.endswith(_NOTHING_SHARED):
        return f"the client speaks no TLS of the gate's, 1.2 or 1.3 with ECDHE and AEAD ({failure})"
    return f"the client's TLS is broken ({failure})"


def explain_hang_up(*, shown: bool) -> str:
    """Why a client may have closed in the middle of a handshake.

    Args:
        shown: whether it had the gate's certificate by then.

    Returns:
        One lower-case sentence.
    """
    if not shown:
        return "the client hung up in the middle of its ClientHello"
    return (
        "the client hung up at the gate's certificate; if it does not trust the gate's CA: set AWS_CA_BUNDLE"
    )


def explain_rest(first: int) -> str:
    """What is wrong with bytes right behind a ClientHello.

    No client of ours has a reason to send any: our session tickets allow no early data
    (RFC 8446 §4.2.10), and everything else of TLS waits for the ServerHello.

    Args:
        first: the first of them.

    Returns:
        One lower-case sentence.
    """
    what = _RECORDS.get(first, "something that is not TLS")
    return f"{what} follows the ClientHello before it is answered"


def _alert(failure: str) -> str:
    return failure[failure.index("alert ") :]
