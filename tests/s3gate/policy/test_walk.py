"""A refusal ends the walk, unless monitor mode lifts it: then the first one is kept."""

from datetime import date

import pytest

from generate.asks import Ask
from s3gate.policy.case import Case, Refusal
from s3gate.policy.decision import Reason
from s3gate.policy.document import parse_policy
from s3gate.policy.model import Monitor
from s3gate.policy.walk import LIFTABLE, Denied, refuse_step

HEAD = "version: 1\nendpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard]}\n"
RULE = "rules:\n  - {id: data, bucket: bucket-a, allow: [read]}\n"
WATCHED = Monitor(date(2026, 12, 31))
OVER = Monitor(date(2026, 1, 1))


def case(text: str = HEAD + RULE) -> Case:
    read = Case(parse_policy(text.encode()), Ask().request())
    read.read_head()  # no verdict of the list comes before
    return read


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_without_monitor_mode_every_refusal_ends_the_walk(reason: Reason) -> None:
    with pytest.raises(Denied) as denied:
        refuse_step(case(), Refusal(reason, "because"))
    assert denied.value.refusal.reason is reason


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_monitor_mode_lifts_verdicts_of_the_list_and_no_other(reason: Reason) -> None:
    watched = case(HEAD + "mode: monitor\nuntil: 2026-12-31\n" + RULE)
    refusal = Refusal(reason, "because")
    if reason in LIFTABLE:
        refuse_step(watched, refusal)
        assert watched.lifted is refusal
    else:
        with pytest.raises(Denied):
            refuse_step(watched, refusal)


def test_a_final_refusal_is_never_lifted() -> None:
    with pytest.raises(Denied):
        refuse_step(case(), Refusal(Reason.HOST_NOT_LISTED, "because", final=True, monitor=WATCHED))


def test_the_first_lifted_refusal_is_kept() -> None:
    started = case()
    first = Refusal(Reason.KEY_NOT_ALLOWED, "because", monitor=WATCHED)
    refuse_step(started, first)
    refuse_step(started, Refusal(Reason.COPY_SOURCE_NOT_LISTED, "because", monitor=WATCHED))
    assert started.lifted is first


def test_monitor_mode_that_is_over_lifts_nothing() -> None:
    with pytest.raises(Denied):
        refuse_step(case(), Refusal(Reason.KEY_NOT_ALLOWED, "because", monitor=OVER))
