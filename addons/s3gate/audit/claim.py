"""Who ships a journal: one process at a time, whoever holds the claim in the writer's directory.

Two that shipped one journal would deliver everything twice and set the cursor back. A claim
ends with the process that holds it, however it ends.
"""

import fcntl
import os
from pathlib import Path
from typing import Final

from s3gate.audit.segment import FILE_MODE

NAME: Final = "shipper.lock"


def take_claim(directory: Path) -> int | None:
    """The claim on a writer's journal, held until its descriptor is closed; None when another process has it.

    Args:
        directory: the writer's own.

    Raises:
        OSError: as the file system says.
    """
    fd = os.open(directory / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    except OSError:
        os.close(fd)
        raise
    return fd
