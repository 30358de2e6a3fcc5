"""A CA in two files, never over others, and never one without the other."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from s3gate.cli.audit.place import WrongEnvironment
from s3gate.cli.ca.pair import write_pair
from s3gate.proxy.authority import Authority


@pytest.fixture
def authority() -> Authority:
    return Authority.generate(datetime.now(UTC))


@pytest.mark.parametrize("name", ["ca.key", "ca.pem"])
def test_nothing_is_written_over(tmp_path: Path, authority: Authority, name: str) -> None:
    (tmp_path / name).write_text("precious")
    with pytest.raises(WrongEnvironment, match=f"{name}` is there already"):
        write_pair(tmp_path, authority)
    assert [path.name for path in tmp_path.iterdir()] == [name], "no half of a CA is left"
    assert (tmp_path / name).read_text() == "precious"


def test_a_link_is_not_followed(tmp_path: Path, authority: Authority) -> None:
    (tmp_path / "ca").mkdir()
    (tmp_path / "ca" / "ca.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(WrongEnvironment, match="is there already"):
        write_pair(tmp_path / "ca", authority)
    assert not (tmp_path / "elsewhere").exists()


def test_where_it_cannot_write(tmp_path: Path, authority: Authority) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongEnvironment, match="name another directory"):
        write_pair(tmp_path / "file" / "below", authority)
