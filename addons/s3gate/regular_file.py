"""A file that somebody else may replace at any time: read without waiting, and not without end.

The normal case: a regular file of some kilobytes. What a name stands for can change while the
gate runs: a FIFO would keep its reader waiting for ever, a device or a log that somebody copied
there would fill the memory. Neither is opened for longer than it takes to see what it is.
"""

import errno
import os
from pathlib import Path
from stat import S_ISREG


def read_regular(path: Path, most: int) -> bytes:
    """The bytes of a regular file, or its first ones.

    Args:
        path: of the file; a symbolic link is followed.
        most: bytes that a file of ours may have; of a longer one, one byte more is read.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # open(2): a FIFO would wait for a writer
    if not S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    with os.fdopen(fd, "rb") as file:
        return file.read(most + 1)
