"""Which state would CloudWatch give an alarm? M out of N, with missing data.

The datapoints of the evaluation range are given oldest first, a missing one as None. The
range is longer than N; when it holds at least N real datapoints, the newest N decide.
Otherwise the missing ones are filled as the alarm says:

1. nothing real at all: `missing` gives INSUFFICIENT_DATA, `ignore` keeps the state,
   `breaching` gives ALARM, `notBreaching` gives OK;
2. at least M breaching, filled ones included: ALARM;
3. only breaching ones are real, but fewer than M: `missing` gives ALARM before its time,
   `ignore` keeps the state;
4. else OK.

Source: "Configuring how CloudWatch alarms treat missing data", CloudWatch user guide; the
rows of its two tables are the tests. Emulators do not treat missing data, so this does.
"""

from collections.abc import Sequence
from enum import StrEnum

from s3gate.alarms.definition import Alarm, Comparison, MissingData


class State(StrEnum):
    """The state of an alarm (StateValue)."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


def evaluate(
    alarm: Alarm, datapoints: Sequence[float | None], before: State = State.INSUFFICIENT_DATA
) -> State:
    """The state after one evaluation.

    Args:
        alarm: what is watched and how.
        datapoints: of the evaluation range, oldest first; None where a period has none.
        before: the state it had.

    Returns:
        The new state.
    """
    real = [breaches(alarm, value) for value in datapoints if value is not None][-alarm.evaluation_periods :]
    missing = alarm.evaluation_periods - len(real)
    filled = missing if alarm.missing_data is MissingData.BREACHING else 0
    if not real and alarm.missing_data is MissingData.MISSING:
        return State.INSUFFICIENT_DATA
    if not real and alarm.missing_data is MissingData.IGNORE:
        return before
    if sum(real) + filled >= alarm.datapoints_to_alarm:
        return State.ALARM
    if missing and real and all(real):
        if alarm.missing_data is MissingData.MISSING:
            return State.ALARM
        if alarm.missing_data is MissingData.IGNORE:
            return before
    return State.OK


def breaches(alarm: Alarm, value: float) -> bool:
    """Whether one datapoint is outside of the alarm's threshold."""
    match alarm.comparison:
        case Comparison.GREATER:
            return value > alarm.threshold
        case Comparison.AT_LEAST:
            return value >= alarm.threshold
        case Comparison.LESS:
            return value < alarm.threshold
        case Comparison.AT_MOST:
            return value <= alarm.threshold
