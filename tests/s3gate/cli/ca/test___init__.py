"""`s3gate ca`: its commands are there."""

from s3gate.cli.ca import command


def test_the_commands() -> None:
    assert sorted(command.commands) == ["bundle", "init", "renew"]
