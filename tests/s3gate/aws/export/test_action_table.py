"""Each operation has the actions that AWS knows, on resources that they take."""

import botocore.session
import pytest

from drive.evaluator import action_keys, action_types, iam_reference
from s3gate.aws.export.action_table import (
    ACTIONS,
    BESIDE_ACCESS_POINT,
    CREATE_SESSION,
    DIRECTORY_BUCKET,
    NOT_THROUGH_ACCESS_POINT,
    THROUGH_ACCESS_POINT,
    WITH_PREFIX,
    Level,
)
from s3gate.s3.operation_table import ROWS

MODEL = set(botocore.session.Session().get_service_model("s3").operation_names)


def test_it_has_exactly_the_operations_of_botocore_and_of_the_gate() -> None:
    assert set(ACTIONS) == MODEL
    assert set(ACTIONS) == set(ROWS)
    assert set(DIRECTORY_BUCKET) <= MODEL


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_each_action_exists_and_takes_the_resource(name: str) -> None:
    row = ACTIONS[name]
    assert row.actions
    for action in row.actions:
        types = action_types(action)
        if row.level is not Level.NONE:
            assert row.level.value in types, f"{action} takes {sorted(types)}"


@pytest.mark.parametrize("action", sorted({*DIRECTORY_BUCKET.values(), CREATE_SESSION}))
def test_actions_of_directory_buckets(action: str) -> None:
    assert "bucket" in action_types(action)


def test_an_operation_without_an_action_of_its_name_is_one_of_the_reviewed() -> None:
    """Where AWS has an action of the operation's own name, the row has it."""
    known = iam_reference()["s3"]["actions"]
    other = {name for name in ACTIONS if name in known and f"s3:{name}" not in ACTIONS[name].actions}
    assert other == set()


def test_a_version_needs_the_twin_of_its_action() -> None:
    """Every action on an object whose twin with `Version` exists has it in its row."""
    known = iam_reference()["s3"]["actions"]
    for name, row in ACTIONS.items():
        for action in row.actions:
            twin = action.replace("Object", "ObjectVersion", 1)
            if (
                "Version" not in action
                and twin.removeprefix("s3:") in known
                and name != "SelectObjectContent"
            ):
                assert twin in row.actions or (name == "GetObjectTorrent" and action == "s3:GetObject")


def test_the_actions_through_access_points_are_those_that_take_one() -> None:
    bucket = {action for row in ACTIONS.values() if row.level is Level.BUCKET for action in row.actions}
    takes = {action for action in bucket - {CREATE_SESSION} if "accesspoint" in action_types(action)}
    assert takes | BESIDE_ACCESS_POINT == THROUGH_ACCESS_POINT
    assert not BESIDE_ACCESS_POINT & takes
    objects = {name for name, row in ACTIONS.items() if row.level is Level.OBJECT}
    without = {
        name
        for name in objects
        if any("accesspointobject" not in action_types(a) for a in ACTIONS[name].actions)
    }
    assert without == NOT_THROUGH_ACCESS_POINT


def test_the_actions_with_a_prefix_are_those_that_know_the_key() -> None:
    every = {action for row in ACTIONS.values() for action in row.actions if action.startswith("s3:")}
    assert {action for action in every if "s3:prefix" in action_keys(action)} == WITH_PREFIX
