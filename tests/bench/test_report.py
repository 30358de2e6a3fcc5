"""The table, the chart and the JSON of `make bench` show what was measured, and nothing else."""

import json

from bench.cost.measure import CONNECT, GET, Results
from bench.cost.report import render_chart, render_json, render_table


def some_results() -> Results:
    results = Results()
    for name, values in {
        "direct": [0.0],
        "Squid ssl-bump": [4.0, 4.2, 4.4],
        "s3gate": [2.0, 2.1, 2.2],
    }.items():
        for value in values:
            results.add(GET, name, value)
    return results


def test_the_table_has_medians_spread_ratio_and_goal() -> None:
    (row,) = [line for line in render_table(some_results()).splitlines() if GET in line]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == [GET, "0.00 ±0.00", "4.20 ±0.20", "2.10 ±0.10", "0.50", "0.7"]


def test_what_was_not_measured_is_not_shown() -> None:
    assert CONNECT not in render_table(some_results())
    assert CONNECT not in render_chart(some_results())


def test_the_chart_and_the_json_hold_the_values() -> None:
    assert "s3gate 2.10 (0.50)" in render_chart(some_results())
    assert json.loads(render_json(some_results()))["rows"][GET]["s3gate"] == [2.0, 2.1, 2.2]
