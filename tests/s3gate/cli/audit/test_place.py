"""Which trail and which key: what is given counts, the settings fill in the rest."""

from pathlib import Path

import pytest

from gate_process import SETTINGS, GateFiles
from s3gate.audit.evidence import Aws
from s3gate.cli.audit.place import Place, WrongInput


def test_the_settings_fill_in(tmp_path: Path) -> None:
    place = Place(None, GateFiles(tmp_path).write(), None, Aws())
    assert len(place.key()) == 32
    with pytest.raises(WrongInput, match="cannot be read"):
        place.evidence()


def test_what_is_given_counts(tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(b"x" * 40)
    (tmp_path / "a.jsonl").write_text("{}\n")
    place = Place(str(tmp_path), None, tmp_path / "k", Aws())
    assert place.key() == b"x" * 40
    assert list(place.evidence().lines) == [b"{}"]


def test_no_settings(tmp_path: Path) -> None:
    place = Place(None, tmp_path / "none.yaml", None, Aws())
    for wrong in (place.settings, place.key, place.evidence):
        with pytest.raises(WrongInput, match=r"none.yaml: cannot be read: .*; name a settings file"):
            wrong()


def test_settings_with_mistakes_are_named_with_their_lines(tmp_path: Path) -> None:
    path = GateFiles(tmp_path, settings=SETTINGS.replace("listen:", "lisen:") + "wrokers: 2\n").write()
    with pytest.raises(
        WrongInput, match=f"{path}:1:1: unknown key `lisen`; .*; see `s3gate check --config {path}`"
    ):
        Place(None, path, None, Aws()).settings()


def test_a_key_that_is_not_there_is_told_with_the_option(tmp_path: Path) -> None:
    place = Place(None, GateFiles(tmp_path).write(), tmp_path / "no.key", Aws())
    with pytest.raises(
        WrongInput, match=r"no.key` cannot be read: .*; name the key of that gate with --key-file"
    ):
        place.key()
