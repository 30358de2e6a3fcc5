"""`s3gate audit verify` says what is wrong with a journal, by number, and by its exit code."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from s3gate.audit.appender import prune_segments
from s3gate.audit.cursor import START, CursorFile
from s3gate.audit.journal import Journal, Kind
from s3gate.audit.reader import JournalReader
from s3gate.audit.segment import list_segments
from s3gate.cli.audit import command

KEY = b"k" * 32


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "audit.key"
    path.write_text(KEY.hex() + "\n")
    return path


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    directory = tmp_path / "audit"
    opened = Journal.open(directory, "w1", KEY, 1 << 20, segment_bytes=1000)

    async def fill() -> None:
        for number in range(20):
            await opened.append({"event": "egress", "decision": "deny", "n": number}, Kind.DENY)

    asyncio.run(fill())
    opened.close()
    return directory


def run(directory: Path, key_file: Path, *more: str) -> Result:
    return CliRunner().invoke(command, ["verify", str(directory), "--key-file", str(key_file), *more])


def edit(path: Path, old: bytes, new: bytes) -> None:
    path.write_bytes(path.read_bytes().replace(old, new))


def test_a_whole_journal(journal: Path, key_file: Path) -> None:
    result = run(journal, key_file)
    assert (result.exit_code, result.output) == (0, "w1: 20 records, whole and unaltered\n")
    assert run(journal / "w1", key_file).exit_code == 0


def first(directory: Path) -> Path:
    return list_segments(directory / "w1")[0].path


def drop_second_line(directory: Path) -> None:
    lines = first(directory).read_bytes().splitlines(keepends=True)
    first(directory).write_bytes(b"".join(lines[:1] + lines[2:]))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        pytest.param(lambda at: edit(first(at), b'"n":1,', b'"n":7,'), "seq 2: edited", id="edited"),
        pytest.param(drop_second_line, "seq 3: gap", id="a record taken out"),
        pytest.param(
            lambda at: first(at).unlink(), ": cut head", id="a segment taken away that was not shipped"
        ),
        pytest.param(
            lambda at: list_segments(at / "w1")[-1].path.write_bytes(b""),
            "cut tail",
            id="the newest records cut",
        ),
        pytest.param(
            lambda at: edit(first(at), b'{"event"', b'"event"'), "seq 0: unreadable", id="broken lines"
        ),
    ],
)
def test_what_is_wrong_is_named(
    journal: Path, key_file: Path, damage: Callable[[Path], None], said: str
) -> None:
    damage(journal)
    result = run(journal, key_file)
    assert result.exit_code == 1
    assert said in result.output


def test_a_file_beside_the_writers_hides_none_of_them(journal: Path, key_file: Path) -> None:
    """One old segment in the directory of all writers, and an edited record under it."""
    (journal / first(journal).name).write_bytes(first(journal).read_bytes())
    edit(list_segments(journal / "w1")[1].path, b'"decision":"deny"', b'"decision":"allow"')
    result = run(journal, key_file)
    assert (result.exit_code, "edited" in result.output) == (1, True), result.output


@pytest.mark.parametrize("others", [0, 1], ids=["the only one", "one of two"])
def test_a_journal_whose_segments_are_gone_is_missed(journal: Path, key_file: Path, others: int) -> None:
    """No heartbeat names it: its mark does."""
    for number in range(others):
        other = Journal.open(journal, f"other-{number}", KEY, 1 << 20)
        asyncio.run(append_one(other))
        other.close()
    for segment in list_segments(journal / "w1"):
        segment.path.unlink()
    for place in [journal, journal / "w1"]:
        result = run(place, key_file)
        assert (result.exit_code, "w1: seq 20: cut tail: no record is left" in result.output) == (1, True), (
            result.output
        )


async def append_one(journal: Journal) -> None:
    await journal.append({"event": "egress"}, Kind.DENY)


def test_a_wrong_key_is_said_once(journal: Path, key_file: Path) -> None:
    key_file.write_bytes(b"x" * 32)
    result = run(journal, key_file)
    assert result.exit_code == 1
    assert result.output.count("wrong key") == 1


def test_what_was_shipped_and_pruned_is_not_missed(journal: Path, key_file: Path) -> None:
    place = JournalReader(journal / "w1", lambda: 20).read(START)[9].position
    CursorFile(journal / "w1").store(place)
    assert prune_segments(journal / "w1", place.seq)
    assert run(journal, key_file).exit_code == 0
    remaining = list_segments(journal / "w1")
    for segment in remaining[:-1]:
        segment.path.unlink()
    assert "cut head" in run(journal, key_file).output
    remaining[-1].path.write_bytes(b"")
    assert "cut tail" in run(journal, key_file).output


def test_json_is_a_line_each(journal: Path, key_file: Path) -> None:
    edit(first(journal), b'"n":1,', b'"n":7,')
    lines = [json.loads(line) for line in run(journal, key_file, "--json").output.splitlines()]
    assert [line.get("seq") for line in lines] == [2, None]
    assert lines[-1] == {"writer": "w1", "records": 20, "findings": 1}


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_no_journal_is_wrong_input(tmp_path: Path, key_file: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    result = run(tmp_path / name, key_file)
    assert result.exit_code == 2
    assert name in result.output


def test_no_key_is_wrong_input(tmp_path: Path, journal: Path) -> None:
    result = run(journal, tmp_path / "no.key")
    assert result.exit_code == 2
    assert "hmac_key" in result.output


def test_settings_name_both(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["verify", "--config", str(tmp_path / "none.yaml")])
    assert result.exit_code == 2
    assert "cannot be read" in result.output


def test_a_downloaded_stream_in_any_order_and_twice(journal: Path, key_file: Path, tmp_path: Path) -> None:
    lines = b"".join(one.path.read_bytes() for one in list_segments(journal / "w1")).splitlines()
    stub = b'{"event":"dead_letter"}'
    (tmp_path / "stream.jsonl").write_bytes(b"\n".join([*lines[::-1], stub, *lines]))
    result = run(tmp_path / "stream.jsonl", key_file)
    assert (result.exit_code, result.output) == (
        0,
        "w1: 40 records, whole and unaltered\n1 records of the shipper are outside of the chains\n",
    )
    (tmp_path / "stream.jsonl").write_bytes(b"\n".join(lines[5:]))
    assert "seq 6: cut head" in run(tmp_path / "stream.jsonl", key_file).output
    assert run(tmp_path / "stream.jsonl", key_file, "--expired").exit_code == 0


def test_a_file_without_records_or_unreadable_is_wrong_input(key_file: Path, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").touch()
    assert "holds no record" in run(tmp_path / "x.jsonl", key_file).output
    (tmp_path / "x.gz").write_bytes(b"no gzip")
    assert run(tmp_path / "x.gz", key_file).exit_code == 2
