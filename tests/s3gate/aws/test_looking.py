"""The looking process answers each line with a line, and ends with its input."""

import json
import os
import subprocess
import sys
from pathlib import Path

from drive.sources import KEYS
from s3gate.aws.answer import render_order
from s3gate.policy.source import Remote, Scheme

ADDONS = Path(__file__).parents[3] / "addons"


def test_each_look_is_answered_also_when_aws_is_not() -> None:
    environment = {**os.environ, **KEYS, "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "PYTHONPATH": str(ADDONS)}
    order = render_order(Remote(Scheme.SSM, ("/p",)), "eu-west-1")
    done = subprocess.run(
        [sys.executable, "-m", "s3gate.aws.looking"],
        input=order + b"look\nlook\n",
        env=environment,
        capture_output=True,
        timeout=60,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["error"] for answer in answers] == ["ssm:///p cannot be read: EndpointConnectionError"] * 2
    assert done.stderr == b""
