"""The filters and alarms as frozen values, from the one data file beside this one.

`alarms.json` feeds the demo, the tests and the templates, so that none of them can watch
another pattern, metric or threshold than the rest. Names and values are CloudWatch's own
(PutMetricFilter, PutMetricAlarm, API reference).
"""

from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files

from pydantic import TypeAdapter

from s3gate.alarms.pattern import Pattern
from s3gate.alarms.pattern_reader import parse_pattern


class MissingData(StrEnum):
    """What a period without a datapoint counts as (TreatMissingData)."""

    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"
    IGNORE = "ignore"
    MISSING = "missing"


class Comparison(StrEnum):
    """How a datapoint breaches (ComparisonOperator)."""

    GREATER = "GreaterThanThreshold"
    AT_LEAST = "GreaterThanOrEqualToThreshold"
    LESS = "LessThanThreshold"
    AT_MOST = "LessThanOrEqualToThreshold"


@dataclass(frozen=True, slots=True)
class MetricFilter:
    """A metric filter without dimensions and without a default value.

    Args:
        name: of the filter.
        pattern: text of its JSON pattern.
        metric: name of the metric it feeds.
        value: what each matching event adds, as text.
        unit: of the metric.
    """

    name: str
    pattern: str
    metric: str
    value: str
    unit: str

    @property
    def parsed(self) -> Pattern:
        """The pattern, read strictly."""
        return parse_pattern(self.pattern)


@dataclass(frozen=True, slots=True)
class Alarm:
    """A metric alarm.

    Args:
        name: of the alarm.
        description: for the person it wakes.
        metric: name of the metric it watches.
        statistic: how a period's values become its datapoint.
        period_s: seconds.
        evaluation_periods: N of "M out of N".
        datapoints_to_alarm: M of "M out of N".
        comparison: how a datapoint breaches.
        threshold: what it is compared with.
        missing_data: what a period without a datapoint counts as.
    """

    name: str
    description: str
    metric: str
    statistic: str
    period_s: int
    evaluation_periods: int
    datapoints_to_alarm: int
    comparison: Comparison
    threshold: float
    missing_data: MissingData


@dataclass(frozen=True, slots=True)
class Definition:
    """Everything that watches one log group.

    Args:
        log_group: name of the group that the gate writes to.
        namespace: of every metric.
        filters: the metric filters of the group.
        alarms: the alarms on their metrics.
    """

    log_group: str
    namespace: str
    filters: tuple[MetricFilter, ...]
    alarms: tuple[Alarm, ...]


def load_definition() -> Definition:
    """The definition that ships with this package."""
    data = files("s3gate.alarms").joinpath("alarms.json").read_bytes()
    return TypeAdapter(Definition).validate_json(data, strict=False)
