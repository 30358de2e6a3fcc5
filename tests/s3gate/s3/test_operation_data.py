"""The committed model is that of the installed botocore."""

import botocore

from generate.operation_data import read_model
from s3gate.s3.operation_data import BOTOCORE_VERSION, OPERATIONS


def test_the_data_is_that_of_the_installed_botocore() -> None:
    """When this fails, run tests/generate/operation_data.py and review the new rows."""
    assert botocore.__version__ == BOTOCORE_VERSION
    assert tuple(map(tuple, read_model())) == OPERATIONS
