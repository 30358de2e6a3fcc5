"""The committed fixtures are what the audit writes today, and try every filter both ways."""

from pathlib import Path

from generate.alarm_fixtures import render
from s3gate.alarms import fixture
from s3gate.alarms.definition import load_definition
from s3gate.alarms.fixture import load_fixtures


def test_the_committed_file_is_the_generated_one() -> None:
    path = Path(fixture.__file__).with_name("fixtures.json")
    again = f"run `python tests/generate/alarm_fixtures.py {path}`"
    assert path.read_text(encoding="utf-8") == render(), again


def test_every_filter_has_a_record_that_it_counts_and_one_that_it_does_not() -> None:
    for item in load_definition().filters:
        counting = [item.metric in one.counts for one in load_fixtures()]
        assert any(counting), item.name
        assert not all(counting), item.name


def test_names_are_unique() -> None:
    names = [one.name for one in load_fixtures()]
    assert len(set(names)) == len(names)
