"""The committed rows are those of the installed botocore."""

from pathlib import Path

import botocore

from generate.partition_data import render
from s3gate.s3 import partition_data


def test_the_module_is_what_the_generator_makes_of_the_installed_botocore() -> None:
    committed = Path(partition_data.__file__).read_text(encoding="utf-8")
    assert render() == committed, (
        f"s3/partition_data.py was made from botocore {partition_data.BOTOCORE_VERSION}, installed is "
        f"{botocore.__version__}; run `python tests/generate/partition_data.py` and review what changed"
    )
