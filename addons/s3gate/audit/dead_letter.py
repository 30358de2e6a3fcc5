"""Dead letters: events that CloudWatch will never take, kept on disk, with a stub in their place.

The file `dead-letter.jsonl` in the writer's directory gets the whole event; the
log stream gets a small record that names it, so that the stream has no silent hole.
"""

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Final

from s3gate.audit.chain import parse_link
from s3gate.audit.segment import FILE_MODE, sync_directory

NAME: Final = "dead-letter.jsonl"


class DeadLetters:
    """The dead letters of one writer.

    Args:
        directory: the writer's own.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / NAME

    def keep(self, text: str, error: str) -> None:
        """Append one event durably.

        Args:
            text: the event's message.
            error: the code with which it was refused.

        Raises:
            OSError: as the file system says; the event is not kept.
        """
        line = json.dumps({"error": error, "message": text}) + "\n"
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, FILE_MODE)
        with os.fdopen(fd, "w", encoding="ascii") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        sync_directory(self._path.parent)


def render_stub(text: str, error: str) -> str:
    """The record that takes the place of a dead letter in the stream.

    Args:
        text: the event's message; only its chain position and a digest are repeated.
        error: the code with which it was refused.

    Returns:
        One JSON object as text.
    """
    raw = text.encode("utf-8", "backslashreplace")
    link = parse_link(raw)
    digest = sha256(raw).hexdigest()
    return json.dumps(
        {
            "schema": 1,
            "event": "dead_letter",
            "audit_id": f"dead-{digest[:26]}",
            "writer": link.writer if link is not None else None,
            "seq": link.seq if link is not None else None,
            "error": error,
            "bytes": len(raw),
            "sha256": digest,
        },
        separators=(",", ":"),
    )
