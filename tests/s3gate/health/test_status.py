"""What workers say of themselves, and what that makes of the whole."""

import json
from dataclasses import replace

import pytest

from s3gate.health.status import SILENT_S, Heard, PolicyStanding, WorkerStatus, render_ready

WELL = WorkerStatus(
    "w-1", "sha256:a", port=8080, selftest="BUCKET_NOT_LISTED", journal_seq=3, shipping="well"
)
OTHER = replace(WELL, writer="w-2", journal_seq=4, journal_used_percent=7, shipper_lag_s=1.5)
STARTING = WorkerStatus("w-3", "sha256:a")


def test_a_status_is_read_back() -> None:
    assert WorkerStatus.from_line(OTHER.to_line()) == OTHER


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b'{"writer": 1}', b'{"no": 1}'])
def test_what_is_no_status_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"status|Expecting"):
        WorkerStatus.from_line(line)


ROWS = {
    "one serves": ([Heard(WELL, 0)], False, 200),
    "two serve": ([Heard(WELL, 0), Heard(OTHER, 1)], False, 200),
    "one serves, one starts": ([Heard(WELL, 0), Heard(STARTING, 0)], False, 200),
    "one serves, one leaves": ([Heard(WELL, 0), Heard(replace(OTHER, leaving=True), 0)], False, 200),
    "nobody has spoken": ([], False, 503),
    "it only starts": ([Heard(STARTING, 0)], False, 503),
    "it listens, but was not tested": ([Heard(replace(WELL, selftest=None), 0)], False, 503),
    "it leaves": ([Heard(replace(WELL, leaving=True), 0)], False, 503),
    "all of it leaves": ([Heard(WELL, 0)], True, 503),
    "one has fallen silent": ([Heard(WELL, 0), Heard(OTHER, SILENT_S + 1)], False, 503),
    "one has no policy": ([Heard(WELL, 0), Heard(replace(OTHER, policy=None), 0)], False, 503),
    "one cannot write": ([Heard(WELL, 0), Heard(replace(OTHER, journal_failure="full"), 0)], False, 503),
}


@pytest.mark.parametrize(("heard", "leaving", "status"), ROWS.values(), ids=ROWS)
def test_ready_or_not(heard: list[Heard], leaving: bool, status: int) -> None:
    page = render_ready(heard, 2, leaving=leaving)
    assert (page.status, json.loads(page.body)["ready"]) == (status, status == 200)


def test_the_page_tells_the_worst_of_all() -> None:
    late = replace(OTHER, shipping="ThrottlingException", policy="sha256:b")
    policy = PolicyStanding("s3://b/k", "7", 1.5, "the source is gone")
    state = json.loads(render_ready([Heard(WELL, 0), Heard(late, 0)], 3, policy).body)
    assert state == {
        "ready": True,
        "policy": ["sha256:a", "sha256:b"],
        "policy_source": {
            "source": "s3://b/k",
            "version": "7",
            "age_s": 1.5,
            "problem": "the source is gone",
        },
        "selftest": "refused",
        "journal": "writable",
        "journal_seq": 7,
        "journal_used_percent": 7,
        "shipping": "ThrottlingException",
        "shipper_lag_s": 1.5,
        "draining": False,
        "workers": {"wanted": 3, "serving": 2, "silent": []},
    }
