"""The one data file of filters and alarms."""

import pytest

from s3gate.alarms.definition import MissingData, load_definition
from s3gate.alarms.evaluation import State, evaluate
from s3gate.alarms.fixture import Fixture, load_fixtures
from s3gate.alarms.pattern_reader import parse_value


def test_every_alarm_watches_the_metric_of_exactly_one_filter() -> None:
    definition = load_definition()
    metrics = [filter_.metric for filter_ in definition.filters]
    assert len(set(metrics)) == len(metrics)
    assert {alarm.metric for alarm in definition.alarms} == set(metrics)


def test_names_are_unique() -> None:
    definition = load_definition()
    for items in (definition.filters, definition.alarms):
        assert len({item.name for item in items}) == len(items)


@pytest.mark.parametrize("fixture", load_fixtures(), ids=lambda fixture: fixture.name)
def test_each_record_is_counted_by_its_filters_alone_with_its_value(fixture: Fixture) -> None:
    matching = [item for item in load_definition().filters if item.parsed.matches(fixture.message)]
    assert {item.metric: parse_value(item.value).of(fixture.message) for item in matching} == fixture.counts


def test_silence_alarms_after_three_minutes_and_a_beat_calms() -> None:
    (alarm,) = (alarm for alarm in load_definition().alarms if alarm.name == "s3gate-heartbeat")
    assert evaluate(alarm, [None] * 5) is State.ALARM
    assert evaluate(alarm, [1, 1, 1, None, None]) is State.OK
    assert evaluate(alarm, [1, None, None, 1, 1]) is State.OK


def test_a_lag_of_two_minutes_alarms_and_a_full_journal() -> None:
    by_name = {alarm.name: alarm for alarm in load_definition().alarms}
    assert evaluate(by_name["s3gate-shipping-lag"], [None, 3, 121, 4, None]) is State.ALARM
    assert evaluate(by_name["s3gate-shipping-lag"], [None, 3, 120, 4, None]) is State.OK
    assert evaluate(by_name["s3gate-journal-filling"], [70, 71]) is State.ALARM
    assert evaluate(by_name["s3gate-journal-filling"], [69, 70]) is State.OK


def test_denials_alarm_on_one_in_five_minutes_and_silence_is_fine() -> None:
    (alarm,) = (alarm for alarm in load_definition().alarms if alarm.name == "s3gate-denials")
    assert (alarm.datapoints_to_alarm, alarm.evaluation_periods, alarm.period_s) == (1, 5, 60)
    assert (alarm.threshold, alarm.missing_data) == (0, MissingData.NOT_BREACHING)
