"""Every operation of the model has a reviewed row, and no row is without an operation."""

from generate.operation_data import read_model
from s3gate.s3.operation_table import ROWS, OperationClass


def test_rows_and_model_have_the_same_operations() -> None:
    """A botocore with a new operation fails here until its class is reviewed."""
    assert set(ROWS) == {row.name for row in read_model()}


def test_every_row_has_a_reason() -> None:
    assert all(len(row.reason) > 9 for row in ROWS.values())


def test_older_names_point_to_todays() -> None:
    deprecated = {row.name for row in read_model() if row.deprecated}
    assert {name for name, row in ROWS.items() if row.now} == deprecated
    for row in ROWS.values():
        if row.now is not None:
            assert ROWS[row.now].operation_class is row.operation_class


def test_what_changes_a_bucket_is_admin() -> None:
    for row in read_model():
        changes = row.method in {"PUT", "POST", "DELETE"} and row.depth == "bucket"
        if changes and row.name != "DeleteObjects":
            assert ROWS[row.name].operation_class is OperationClass.ADMIN, row.name


def test_what_gets_changes_nothing() -> None:
    for row in read_model():
        if row.method in {"GET", "HEAD"}:
            assert ROWS[row.name].operation_class in {OperationClass.READ, OperationClass.LIST}, row.name


def test_nobody_answers_for_an_object_lambda() -> None:
    assert [name for name, row in ROWS.items() if row.operation_class is None] == ["WriteGetObjectResponse"]
