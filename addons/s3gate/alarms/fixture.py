"""The records that try the filters: real lines of the audit, and what each must count.

`fixtures.json` is generated from what the audit writes. Our evaluator is tested with it,
and `s3gate audit selftest` puts the same lines to CloudWatch's own evaluator.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True)
class Fixture:
    """One record.

    Args:
        name: what it stands for.
        message: the line as it is shipped.
        counts: what it adds to which metric; empty for what no filter may count.
    """

    name: str
    message: str
    counts: Mapping[str, float]


def load_fixtures() -> tuple[Fixture, ...]:
    """The fixtures that ship with this package."""
    data = files("s3gate.alarms").joinpath("fixtures.json").read_bytes()
    return TypeAdapter(tuple[Fixture, ...]).validate_json(data)
