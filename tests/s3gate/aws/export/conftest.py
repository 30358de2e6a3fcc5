"""The evaluator, one process for all tests of a worker."""

from collections.abc import Iterator

import pytest

from drive.evaluator import Evaluator


@pytest.fixture(scope="session")
def evaluator() -> Iterator[Evaluator]:
    with Evaluator() as running:
        yield running
