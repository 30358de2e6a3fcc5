"""What `s3gate demo` says when something to run it with is missing."""

import pytest
from click.testing import CliRunner

from s3gate.cli import demo, main
from s3gate.demo.client import ClientMissingError
from s3gate.demo.emulator import EmulatorError


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("find_awscli", ClientMissingError("awscli is not installed: run `pip install 's3gate[demo]'`")),
        ("find_command", EmulatorError("the emulator is not installed: run `pip install 's3gate[demo]'`")),
    ],
)
def test_what_is_missing_is_said_with_what_installs_it(
    name: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> list[str]:
        raise error

    for variable in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_EC2_METADATA_DISABLED"):
        monkeypatch.setenv(variable, "")
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr(demo, "find_awscli", list)
    monkeypatch.setattr(demo, name, missing)
    result = CliRunner().invoke(main, ["demo"])
    assert result.exit_code == 3
    assert result.output == f"s3gate demo: {error}\n"


def test_help_has_an_example() -> None:
    result = CliRunner().invoke(main, ["demo", "--help"])
    assert result.exit_code == 0
    assert "s3gate demo --keep" in result.output
