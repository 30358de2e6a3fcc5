"""How a walk through the steps goes on or ends: a refusal ends it, unless monitor mode lifts it.

The normal case: no step refuses. Monitor mode keeps the first refusal that it lifts
and the walk goes on, so that whatever it does not lift still refuses. What the gate itself
stands on it never opens.
"""

from typing import Final

from s3gate.policy.case import Case, Refusal
from s3gate.policy.decision import Reason
from s3gate.policy.ground import HARMLESS
from s3gate.s3.address import S3Address

# What monitor mode may lift: verdicts of the list, never of the reading, TLS, addresses or the audit.
LIFTABLE: Final = frozenset(
    {
        Reason.BUCKET_NOT_LISTED,
        Reason.HOST_NOT_LISTED,
        Reason.OPERATION_NOT_ALLOWED,
        Reason.KEY_NOT_ALLOWED,
        Reason.CLIENT_NOT_ALLOWED,
        Reason.ACCOUNT_NOT_ALLOWED,
        Reason.REGION_NOT_ALLOWED,
        Reason.ENDPOINT_NOT_ALLOWED,
        Reason.COPY_SOURCE_NOT_LISTED,
    }
)


class Denied(Exception):
    """A refusal that nothing lifts: the walk ends here."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


def refuse_step(case: Case, refusal: Refusal) -> None:
    """End the walk with this refusal, unless monitor mode lifts it; then the first lifted one is kept."""
    if not _lifts(case, refusal):
        raise Denied(refusal)
    case.lifted = case.lifted or refusal


def _lifts(case: Case, refusal: Refusal) -> bool:
    if refusal.final or refusal.reason not in LIFTABLE:
        return False
    now = case.request.now
    modes = (case.policy.monitor, refusal.monitor)
    return any(mode is not None and mode.active(now) for mode in modes) and not _on_own_ground(case)


def _on_own_ground(case: Case) -> bool:
    """Whether the request is for what the gate itself stands on, which monitor mode does not open."""
    ground, address, source = case.policy.ground, case.address, case.copy_source
    if ground.holds_host(case.host.name):
        return True
    if not ground.buckets or address is None:
        return False
    named = {address.bucket, source.bucket if source is not None else None}
    return not named.isdisjoint(ground.buckets) or _may_write_unseen(case, address)


def _may_write_unseen(case: Case, address: S3Address) -> bool:
    """Whether it writes by an access point or an alias that no rule lists: behind it may lie any bucket."""
    if address.special in {None, "directory-bucket"} or case.rules_for(address):
        return False
    return case.operation is None or case.operation.operation_class not in HARMLESS
