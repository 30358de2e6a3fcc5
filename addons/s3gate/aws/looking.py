"""The process that looks at a remote source: `python -m s3gate.aws.looking`, fed by `source/remote.py`.

The normal case: the first line of standard input is the order, each further line asks
for one look, each is answered by one line: unchanged, what lies there now, or why that
cannot be said. The end of standard input is the end. boto3 lives here and not in the
gate: it is as large as a third of it, and may wait for its time-outs without holding up a request.
"""

import signal
import sys
from functools import partial
from typing import Final

from s3gate.aws.answer import parse_order, render_answer
from s3gate.aws.fetch import Fetcher, find_cases, open_clients
from s3gate.policy.source import SourceUnreachable

LINE_BYTES: Final = 65_536  # of an order


def main() -> None:
    """Answer each line of standard input, until it ends."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the gate ends it, by closing its input
    place, region, cases = parse_order(sys.stdin.buffer.readline(LINE_BYTES))
    fetcher = Fetcher(place, partial(open_clients, region), find_cases(place) if cases else None)
    while sys.stdin.buffer.readline(LINE_BYTES):
        try:
            answer = render_answer(fetcher.look())
        except SourceUnreachable as exc:
            answer = render_answer(exc)
        sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
