"""How the demo reads."""

import io

from rich.console import Console

from s3gate.demo.telling import WIDTH, Check, Teller


def told(encoding: str = "utf-8") -> tuple[Teller, io.TextIOWrapper]:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    return Teller(Console(file=file, width=WIDTH, highlight=False)), file


def text(file: io.TextIOWrapper) -> str:
    file.flush()
    assert isinstance(file.buffer, io.BytesIO)
    return file.buffer.getvalue().decode(file.encoding)


def test_a_story_that_came_out() -> None:
    teller, file = told()
    teller.title("title", "below")
    teller.facts([("AWS", "an emulator")])
    teller.step("First", "a note")
    teller.command("export A=b\naws s3 ls")
    teller.output(["one", "[two]"])
    teller.table(["decision", "reason"], [["deny", "BUCKET_NOT_LISTED"]])
    teller.check(Check("it is so", True))
    teller.end(5.4)
    assert [line.rstrip() for line in text(file).splitlines()] == [
        "title",
        "below",
        "",
        "  AWS  an emulator",
        "",
        " 1 First",
        "   a note",
        "   $ export A=b",
        "   $ aws s3 ls",
        "     one",
        "     [two]",
        "     decision  reason",
        "     deny      BUCKET_NOT_LISTED",
        "   ✓ it is so",
        "",
        "Everything came out as it says, in 5 s.",
    ]


def test_what_did_not_come_out_is_told_where_it_happened_and_at_the_end() -> None:
    teller, file = told()
    teller.step("First")
    teller.check(Check("it is so", False, "something else"), Check("and so", False))
    teller.end(1)
    assert teller.failed == ["step 1: it is so", "step 1: and so"]
    lines = [line.strip() for line in text(file).splitlines()]
    assert lines[2:] == [
        "✗ it is so",
        "instead: something else",
        "✗ and so",
        "",
        "Not everything came out as it says:",
        "step 1: it is so",
        "step 1: and so",
    ]


def test_long_lines_are_folded_and_lines_to_paste_are_not() -> None:
    teller, file = told()
    teller.output(["x" * 200])
    teller.lines("Paste", ["export A=" + "y" * 200])
    lines = text(file).splitlines()
    assert max(len(line) for line in lines if "y" not in line) <= WIDTH
    assert "export A=" + "y" * 200 in lines


def test_a_terminal_without_unicode_gets_words() -> None:
    teller, file = told("ascii")
    teller.check(Check("it is so", True), Check("not so", False))
    assert [line.strip() for line in text(file).splitlines()] == ["ok it is so", "FAILED not so"]
