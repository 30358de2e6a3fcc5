"""The typed refusals of the reader: what could not be read as exactly one S3 request.

A parser of this package returns a value that proves what was read, or raises one
of these. `policy/decide.py` maps each class to its Reason by one table; nothing
else may escape from this package, whatever bytes arrive.
"""


class ReadError(ValueError):
    """A request, or a part of it, has no single reading.

    Args:
        detail: one lower-case sentence for a person: what is wrong and where.
            Client input stands in backticks; never a signature or a token.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class MalformedRequest(ReadError):
    """The head breaks RFC 9112 or carries what no reader agrees on."""


class MalformedHost(ReadError):
    """An authority, SNI or Host value is not a DNS name with an optional port."""


class IpLiteral(ReadError):
    """A name is an IP address in one of its spellings (also hex, octal, short, bracketed)."""


class AmbiguousTarget(ReadError):
    """Two readers could take the target for two different resources."""


class ProtocolUpgrade(ReadError):
    """The request asks to leave HTTP/1.1 (Upgrade, HTTP2-Settings, WebSocket, PRI)."""


class UnknownOperation(ReadError):
    """No operation of botocore's S3 model, or a part of it that no row of our table covers."""


class NoBucket(ReadError):
    """The request names no bucket where one is needed (service root, ListBuckets)."""
