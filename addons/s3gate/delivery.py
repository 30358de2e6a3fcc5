"""Delivery to CloudWatch while the gate runs, or the warning that there is none.

The normal case: one shipping process beside the gate, whose word on how delivery stands
is in the health pages, the counters and every heartbeat.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from s3gate.audit.keeper import ShipperKeeper
from s3gate.audit.order import Order
from s3gate.audit.standing import Standing
from s3gate.settings import Settings

log = logging.getLogger("s3gate")


@contextmanager
def keep_shipping(settings: Settings) -> Iterator[Standing | None]:
    """One shipping process for all journals of the settings; ended at the end.

    Yields:
        How delivery stands, or None where CloudWatch is off.
    """
    cloudwatch = settings.cloudwatch
    if not cloudwatch.enabled:
        log.warning(
            "CloudWatch is off: no record leaves this machine, and when the journal reaches %s nothing "
            "passes; make room with `s3gate audit archive --prune`",
            f"{settings.audit.max_bytes / 2**20:.0f} MiB",
        )
        yield None
        return
    # Whatever was delivered may stay for reading here until half of the room is used.
    order = Order(
        directory=str(settings.audit.directory),
        region=cloudwatch.region,
        group=cloudwatch.log_group,
        endpoint_url=cloudwatch.endpoint_url,
        keep_bytes=settings.audit.max_bytes // 2,
    )
    keeper = ShipperKeeper(order)
    try:
        yield keeper.standing
    finally:
        keeper.close()
