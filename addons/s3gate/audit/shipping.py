"""The shipper's own process: `python -m s3gate.audit.shipping`, started and fed by `ShipperKeeper`.

Standard input begins with one line, the order: which journals, where to. Then one
thread a journal ships, and a status line a second goes to standard output. The end
of standard input is the stop: the keeper closes it, or has died, and either way what
is on disk is shipped for two more seconds. Signals to stop are left to the keeper,
so that a service manager that signals every process does not end shipping while the
gate drains. A thread that ends by itself ends the process, which is then started again; so
does a lack of credentials, since a client of boto3 looks for them only once.
"""

import os
import select
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from botocore.exceptions import BotoCoreError

from s3gate.audit.cloudwatch import CloudWatchSink
from s3gate.audit.cursor import CursorFile
from s3gate.audit.mark import MarkFollower
from s3gate.audit.order import Order, render_status
from s3gate.audit.reader import JournalReader
from s3gate.audit.shipper import DRAIN_S, Shipper

CLOSE_S: Final = 1.0  # beyond the drain: how long a thread may take to let go
STATUS_S: Final = 1.0  # a reader of the health page sees a lag of at most this more
ORDER_BYTES: Final = 1 << 20  # far above any order; a pipe that sends more is not the keeper's
EXIT_ENVIRONMENT: Final = 3
WITHOUT_CREDENTIALS: Final = frozenset({"NoCredentialsError", "PartialCredentialsError"})


def make_shipper(order: Order, directory: Path, stop: threading.Event) -> Shipper:
    """The shipper of one journal.

    Raises:
        BotoCoreError: CloudWatch's client cannot be made.
    """
    sink = CloudWatchSink.open(
        directory,
        region=order.region,
        group=order.group,
        stream=directory.name,
        endpoint_url=order.endpoint_url,
    )
    reader = JournalReader(directory, MarkFollower(directory))
    return Shipper(reader, sink, CursorFile(directory), stop, keep_bytes=order.keep_bytes)


def main() -> int:
    """Ship until standard input ends; the exit code."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    order = Order.from_line(sys.stdin.buffer.readline(ORDER_BYTES))
    stop = threading.Event()
    directories = [Path(text) for text in order.directories]
    try:
        shippers = [(directory.name, make_shipper(order, directory, stop)) for directory in directories]
    except (BotoCoreError, ValueError) as exc:
        sys.stderr.write(f"s3gate: the CloudWatch Logs client cannot be made: {exc}\n")
        return EXIT_ENVIRONMENT
    threads = [threading.Thread(target=one.run, name=name, daemon=True) for name, one in shippers]
    with ExitStack() as stack:
        for thread in threads:
            thread.start()
            stack.callback(thread.join, DRAIN_S + CLOSE_S)
        stack.callback(stop.set)
        while all(thread.is_alive() for thread in threads) and not _lacks_credentials(shippers):
            if not _tell(shippers) or _stopped():
                return 0
    return EXIT_ENVIRONMENT


def _tell(shippers: Sequence[tuple[str, Shipper]]) -> bool:
    """Write a status line; False when nobody reads it any more."""
    try:
        os.write(sys.stdout.fileno(), render_status([(name, one.health()) for name, one in shippers]))
    except OSError:
        return False
    return True


def _lacks_credentials(shippers: Sequence[tuple[str, Shipper]]) -> bool:
    return any(one.health().sink.last_error in WITHOUT_CREDENTIALS for _, one in shippers)


def _stopped() -> bool:
    """Wait for the next status; whether standard input ended meanwhile."""
    waiting = select.poll()
    waiting.register(sys.stdin.fileno(), select.POLLIN)
    return bool(waiting.poll(STATUS_S * 1000)) and not os.read(sys.stdin.fileno(), ORDER_BYTES)


if __name__ == "__main__":
    sys.exit(main())
