"""Which way one request went, and what that means: the verdict on each event is made here.

The normal case: S3's request id stands in a completion record of the gate, and the VPC
endpoint is the expected one. In order, the first that holds:

    1. an AWS service asked for somebody               SERVICE, which no gate can see
    2. expected endpoints are given, it is none        AROUND, or OTHER_ENDPOINT if the gate has it
    3. a journal is given, which has it not            AROUND, or NOT_COVERED if it does not reach so far
    4. else                                            THROUGH
"""

from enum import StrEnum, unique

from s3gate.aws.trail.event import TrailEvent
from s3gate.policy.network import PUBLIC, classify_address


@unique
class Verdict(StrEnum):
    """What the way of a request means."""

    THROUGH = "through"
    AROUND = "around"
    OTHER_ENDPOINT = "other_endpoint"
    NOT_COVERED = "not_covered"
    SERVICE = "service"

    @property
    def is_no(self) -> bool:
        """Whether the answer to "did all go through the gate?" is no."""
        return self in (Verdict.AROUND, Verdict.OTHER_ENDPOINT)


def judge_way(event: TrailEvent, expected: frozenset[str], *, known: bool | None, covered: bool) -> Verdict:
    """The verdict on one event.

    Args:
        event: as CloudTrail saw it.
        expected: ids of the VPC endpoints that the gate uses; empty when that says nothing.
        known: whether the gate's journal has the request id; None without a journal.
        covered: whether the journal reaches to the time of the event.
    """
    if event.service:
        return Verdict.SERVICE
    if expected and event.endpoint not in expected:
        return Verdict.OTHER_ENDPOINT if known else Verdict.AROUND
    if known is False:
        return Verdict.AROUND if covered else Verdict.NOT_COVERED
    return Verdict.THROUGH


def describe_way(event: TrailEvent) -> str:
    """The way in words: the endpoint, or what its absence says beside the source address.

    Args:
        event: as CloudTrail saw it.
    """
    if event.endpoint is not None:
        return event.endpoint
    if event.service:
        return "AWS service"
    if event.ip is None:
        return "not told"
    if classify_address(event.ip)[0] == PUBLIC:
        return "internet"
    return "private, no endpoint told"
