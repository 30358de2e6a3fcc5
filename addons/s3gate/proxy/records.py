"""TLS records in and out of OpenSSL's memory, without an exception for "no more for now".

The normal case of a piece of a body: `take_clear` decrypts all of it, `take_sealed` gives
what OpenSSL made for the peer. pyOpenSSL allocates a buffer for each read and raises at
the end of each; here both ends have one buffer for the whole process.
"""

from typing import Final

from OpenSSL import SSL
from OpenSSL._util import ffi as _ffi
from OpenSSL._util import lib as _lib

RECORD_BYTES: Final = 16_384  # plain bytes of one TLS record (RFC 8446 §5.1): what one read can give
FLUSH_BYTES: Final = 262_144  # taken from OpenSSL's output at once
# One of each for the process: they are read into and copied from within one call, on one thread.
_CLEAR: Final = _ffi.new("char[]", RECORD_BYTES)
_SEALED: Final = _ffi.new("char[]", FLUSH_BYTES)


def take_clear(connection: SSL.Connection, pieces: list[bytes]) -> None:
    """Decrypt everything that is there.

    Args:
        connection: of which a handshake is done.
        pieces: takes what was decrypted, also before an error.

    Raises:
        SSL.Error: the peer closed, or a record is broken.
    """
    handle = connection._ssl  # noqa: SLF001 - pyOpenSSL raises where it says "no more", at each read
    while True:
        size = _lib.SSL_read(handle, _CLEAR, RECORD_BYTES)
        if size > 0:
            pieces.append(_ffi.buffer(_CLEAR, size)[:])
        elif _lib.SSL_get_error(handle, size) == _lib.SSL_ERROR_WANT_READ:
            return
        else:
            connection._raise_ssl_error(handle, size)  # noqa: SLF001 - as above


def take_sealed(connection: SSL.Connection) -> bytes:
    """What OpenSSL wants to send, `FLUSH_BYTES` at most; less means that there is no more."""
    size = _lib.BIO_read(connection._from_ssl, _SEALED, FLUSH_BYTES)  # noqa: SLF001 - as above
    return _ffi.buffer(_SEALED, size)[:] if size > 0 else b""
