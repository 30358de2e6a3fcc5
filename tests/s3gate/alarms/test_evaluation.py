"""The rows of the two tables of the CloudWatch user guide on missing data, and every comparison."""

import pytest

from s3gate.alarms.definition import Alarm, Comparison, MissingData
from s3gate.alarms.evaluation import State, breaches, evaluate

VALUES = {"-": None, "0": 0.0, "X": 1.0}
TREATMENTS = (MissingData.MISSING, MissingData.IGNORE, MissingData.BREACHING, MissingData.NOT_BREACHING)
KEPT = State.INSUFFICIENT_DATA  # the state before, in every row: what "retain current state" gives


def alarm(
    needed: int,
    of: int,
    missing: MissingData,
    comparison: Comparison = Comparison.GREATER,
    threshold: float = 0,
) -> Alarm:
    return Alarm("a", "", "m", "Sum", 60, of, needed, comparison, threshold, missing)


@pytest.mark.parametrize(
    ("needed", "datapoints", "expected"),
    [
        (3, "0-X-X", ("OK", "OK", "OK", "OK")),
        (3, "----0", ("OK", "OK", "OK", "OK")),
        (3, "-----", ("INSUFFICIENT_DATA", KEPT, "ALARM", "OK")),
        (3, "0XX-X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (3, "--X--", ("ALARM", KEPT, "ALARM", "OK")),
        (2, "0-X-X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (2, "00X0X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (2, "0-X--", ("OK", "OK", "ALARM", "OK")),
        (2, "----0", ("OK", "OK", "ALARM", "OK")),
        (2, "---X-", ("ALARM", KEPT, "ALARM", "OK")),
    ],
)
def test_rows_of_the_guide(needed: int, datapoints: str, expected: tuple[str, ...]) -> None:
    given = [VALUES[sign] for sign in datapoints]
    states = tuple(evaluate(alarm(needed, 3, missing), given, KEPT).value for missing in TREATMENTS)
    assert states == expected


@pytest.mark.parametrize(
    ("datapoints", "state"),
    [
        pytest.param("-----", State.OK, id="silence is fine"),
        pytest.param("----X", State.ALARM, id="one denial"),
        pytest.param("X----", State.ALARM, id="one denial four minutes ago"),
        pytest.param("X00000", State.OK, id="past"),
        pytest.param("-----0", State.OK, id="none counted"),
    ],
)
def test_one_of_five_as_for_denials(datapoints: str, state: State) -> None:
    given = [VALUES[sign] for sign in datapoints]
    assert evaluate(alarm(1, 5, MissingData.NOT_BREACHING), given, State.ALARM) is state


@pytest.mark.parametrize(
    ("comparison", "below", "equal", "above"),
    [
        (Comparison.GREATER, False, False, True),
        (Comparison.AT_LEAST, False, True, True),
        (Comparison.LESS, True, False, False),
        (Comparison.AT_MOST, True, True, False),
    ],
)
def test_comparisons(comparison: Comparison, below: bool, equal: bool, above: bool) -> None:
    watched = alarm(1, 1, MissingData.MISSING, comparison, 5)
    assert [breaches(watched, value) for value in (4, 5, 6)] == [below, equal, above]
