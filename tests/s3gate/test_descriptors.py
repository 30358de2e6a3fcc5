"""The limit on open files is raised to what the settings need, as far as the system allows: each in a process of its own."""

import json
import resource
import subprocess
import sys

import pytest

from s3gate.descriptors import OF_A_CLIENT, OF_THE_GATE

NEEDED = OF_THE_GATE + 100 * OF_A_CLIENT
SCRIPT = """
import json, resource, sys
from s3gate.descriptors import allow_descriptors
resource.setrlimit(resource.RLIMIT_NOFILE, tuple(map(int, sys.argv[1:])))
told = allow_descriptors(100)
print(json.dumps([told, resource.getrlimit(resource.RLIMIT_NOFILE)]))
"""
LIMITS = {
    "low by hand": ((128, NEEDED + 50), None, (NEEDED, NEEDED + 50)),
    "enough": ((NEEDED, NEEDED + 50), None, (NEEDED, NEEDED + 50)),
    "more than enough": ((NEEDED + 9, NEEDED + 50), None, (NEEDED + 9, NEEDED + 50)),
    "a hard limit that is too low": ((128, 300), "300 open files are allowed", (300, 300)),
}


@pytest.mark.parametrize("row", LIMITS)
def test_it_is_raised_as_far_as_it_must_and_may_be(row: str) -> None:
    limits, told, left = LIMITS[row]
    assert limits[1] <= resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, limits)], check=True, capture_output=True, text=True
    )
    said, now = json.loads(ran.stdout)
    assert tuple(now) == left
    assert (said is None) is (told is None)
    if told is not None:
        assert said.startswith(told)
        assert f"may need {NEEDED}" in said
