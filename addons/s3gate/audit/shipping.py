"""The shipper's own process: `python -m s3gate.audit.shipping`, started and fed by `ShipperKeeper`.

Standard input begins with one line, the order: where the journals are, where to. Then one
thread a journal ships, and a status line a second goes to standard output. The end
of standard input is the stop: the keeper closes it, or has died, and either way what
is on disk is shipped for two more seconds. Signals to stop are left to the keeper,
so that a service manager that signals every process does not end shipping while the
gate drains. A thread that ends by itself ends the process, which is then started again; so
do credentials that are missing or not taken any more, since a client of boto3 looks for them only once.
"""

import os
import select
import signal
import sys
from contextlib import ExitStack
from typing import Final

from botocore.exceptions import BotoCoreError

from s3gate.audit.cloudwatch import open_logs_client
from s3gate.audit.order import Order, render_status
from s3gate.audit.shippers import Shippers

STATUS_S: Final = 1.0  # a reader of the health page sees a lag of at most this more
ORDER_BYTES: Final = 1 << 20  # far above any order; a pipe that sends more is not the keeper's
EXIT_ENVIRONMENT: Final = 3


def main() -> int:
    """Ship until standard input ends; the exit code."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    order = Order.from_line(sys.stdin.buffer.readline(ORDER_BYTES))
    try:
        client = open_logs_client(order.region, order.endpoint_url)
    except (BotoCoreError, ValueError) as exc:
        sys.stderr.write(f"s3gate: the CloudWatch Logs client cannot be made: {exc}\n")
        return EXIT_ENVIRONMENT
    shippers = Shippers(order, client)
    with ExitStack() as stack:
        stack.callback(shippers.close)
        while (trouble := shippers.trouble()) is None:
            shippers.look()
            if (shippers.know() and not _tell(shippers)) or _stopped():
                return 0
        _tell(shippers)  # what waits, for as long as the next process needs to know it
    sys.stderr.write(f"s3gate: {trouble}: shipping is started again\n")
    return EXIT_ENVIRONMENT


def _tell(shippers: Shippers) -> bool:
    """Write a status line; False when nobody reads it any more."""
    try:
        os.write(sys.stdout.fileno(), render_status(shippers.health()))
    except OSError:
        return False
    return True


def _stopped() -> bool:
    """Wait for the next status; whether standard input ended meanwhile."""
    waiting = select.poll()
    waiting.register(sys.stdin.fileno(), select.POLLIN)
    return bool(waiting.poll(STATUS_S * 1000)) and not os.read(sys.stdin.fileno(), ORDER_BYTES)


if __name__ == "__main__":
    sys.exit(main())
