"""Goals are judged as the table says: on medians, each against what it is against."""

import pytest

from bench.cost.rows import ROWS, judge

BY_KEY = {row.key: row for row in ROWS}

# row, direct, Squid, s3gate → ratios, met
JUDGED = [
    ("get_cpu_s_per_gib", None, 4.0, 2.8, [(0.7, True)]),
    ("get_cpu_s_per_gib", None, 4.0, 2.9, [(0.725, False)]),
    ("keep_alive_cpu_ms", None, 0.2, 0.5, [(2.5, True)]),
    ("keep_alive_p50_ms", 1.0, 2.0, 3.5, [(2.5, False)]),  # added: 2.5 against 1.0
    ("sync_up_many_s", 10.0, 12.0, 11.0, [(1.1, True), (11 / 12, True)]),
    ("sync_up_many_s", 10.0, 10.5, 11.0, [(1.1, True), (11 / 10.5, False)]),
    ("idle_mib", None, 40.0, 121.0, [(121.0, False)]),
    ("get_mib_per_s", None, 100.0, 300.0, []),  # no goal
    ("get_cpu_s_per_gib", None, None, 2.0, []),  # nothing to compare with
    ("keep_alive_p50_ms", None, 2.0, 3.5, []),
]


@pytest.mark.parametrize(("key", "direct", "squid", "ours", "expected"), JUDGED)
def test_a_goal_is_judged(
    key: str, direct: float | None, squid: float | None, ours: float, expected: list[tuple[float, bool]]
) -> None:
    found = {"direct": direct, "Squid": squid, "s3gate": ours}
    values = {key: {name: [value] for name, value in found.items() if value is not None}}
    verdicts = judge(BY_KEY[key], values)
    assert [(round(v.ratio, 6), v.met) for v in verdicts] == [
        (round(ratio, 6), met) for ratio, met in expected
    ]


def test_a_row_against_another_row_needs_both() -> None:
    row = BY_KEY["workers_2_cpu_ms"]
    assert judge(row, {"workers_2_cpu_ms": {"s3gate": [1.2]}}) == []
    (verdict,) = judge(
        row, {"workers_2_cpu_ms": {"s3gate": [1.2]}, "workers_1_cpu_ms": {"s3gate": [1.0, 1.1, 1.2]}}
    )
    assert (round(verdict.ratio, 6), verdict.met) == (round(1.2 / 1.1, 6), True)


def test_goals_against_rows_name_rows_that_are_there() -> None:
    assert {goal.row for row in ROWS for goal in row.goals} - {""} <= set(BY_KEY)
    assert len(BY_KEY) == len(ROWS)
