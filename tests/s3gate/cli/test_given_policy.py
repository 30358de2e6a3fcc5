"""The policy that a command is given: read whole, or told what is wrong."""

import json
from pathlib import Path

import click
import pytest

from s3gate.cli.given_policy import load_given, read_given

GOOD = "version: 1\nendpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard]}\n"


def test_a_good_one_comes_with_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(GOOD, encoding="utf-8")
    policy, data = load_given(path)
    assert (policy.regions, data) == (frozenset({"eu-west-1"}), GOOD.encode())


@pytest.mark.parametrize("as_json", [False, True])
def test_every_mistake_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(GOOD.replace("1\n", "2\n", 1).replace("aws", "awz"), encoding="utf-8")
    with pytest.raises(click.exceptions.Exit) as caught:
        load_given(path, as_json=as_json)
    assert caught.value.exit_code == 2
    told = capsys.readouterr()
    if as_json:
        assert [json.loads(line)["line"] for line in told.out.splitlines()] == [1, 2]
        assert told.err == ""
    else:
        assert f"{path}:1:10: " in told.err
        assert f"{path}:2:26: " in told.err


def test_one_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match=r"cases file `.*none` cannot be read: No such file"):
        read_given(tmp_path / "none", "cases file")
