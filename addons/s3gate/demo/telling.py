"""How the demo reads: steps with a command, what it printed, and what was checked; 80 columns.

A step is told as it happens. Each check is a sentence that is true; one that is not is
shown as such, with what came instead, and the demo ends with exit code 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

WIDTH: Final = 80
"""Columns: what every terminal has."""


@dataclass(frozen=True, slots=True)
class Check:
    """One sentence about an outcome.

    Args:
        sentence: what should be the case.
        holds: whether it is.
        instead: what came, shown when it does not hold.
    """

    sentence: str
    holds: bool
    instead: str = ""


class Teller:
    """Prints the story and remembers what did not come out.

    Args:
        console: where to.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._number = 0
        unicode = console.encoding.lower().startswith("utf")
        self._marks = ("✓", "✗") if unicode else ("ok", "FAILED")
        self.failed: list[str] = []
        """Sentences that did not hold, each with its step."""

    def title(self, text: str, below: str) -> None:
        """The first lines."""
        self._console.print(Text(text, style="bold"))
        self._console.print(Text(below, style="dim"))

    def facts(self, rows: Sequence[tuple[str, str]]) -> None:
        """A list of names and what they are."""
        self._console.print()
        table = Table.grid(padding=(0, 2))
        for name, value in rows:
            table.add_row(Text(name, style="cyan"), Text(value))
        self._console.print(Padding(table, (0, 0, 0, 2), expand=False))

    def step(self, title: str, note: str | None = None) -> None:
        """The head of the next step."""
        self._number += 1
        self._console.print()
        self._console.print(Text(f"{self._number:2} {title}", style="bold"))
        if note is not None:
            self._indented(note, "dim")

    def command(self, text: str) -> None:
        """Commands as a person would type them, one a line."""
        for line in text.splitlines():
            self._indented(f"$ {line}", "cyan")

    def output(self, lines: Sequence[str]) -> None:
        """What a command printed."""
        for line in lines:
            self._indented(line, "", indent=5)

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Rows under heads."""
        table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
        for head in heads:
            table.add_column(head, overflow="fold")
        for row in rows:
            style = "red" if "deny" in row else ""
            table.add_row(*(Text(cell, style=style) for cell in row))
        self._console.print(Padding(table, (0, 0, 0, 5), expand=False))

    def check(self, *checks: Check) -> None:
        """What was checked, and whether it holds."""
        for check in checks:
            if check.holds:
                self._indented(f"{self._marks[0]} {check.sentence}", "green")
                continue
            self.failed.append(f"step {self._number}: {check.sentence}")
            self._indented(f"{self._marks[1]} {check.sentence}", "bold red")
            if check.instead:
                self._indented(f"instead: {check.instead}", "red", indent=5)

    def end(self, seconds: float) -> None:
        """The last lines."""
        self._console.print()
        if not self.failed:
            self._console.print(
                Text(f"Everything came out as it says, in {seconds:.0f} s.", style="bold green")
            )
            return
        self._console.print(Text("Not everything came out as it says:", style="bold red"))
        for sentence in self.failed:
            self._indented(sentence, "red")

    def lines(self, title: str, lines: Sequence[str]) -> None:
        """Lines to paste: not wrapped."""
        self._console.print()
        self._console.print(Text(title, style="bold"))
        for line in lines:
            self._console.print(Text(line), soft_wrap=True)

    def _indented(self, text: str, style: str, indent: int = 3) -> None:
        self._console.print(
            Padding(Text(text, style=style, overflow="fold"), (0, 0, 0, indent), expand=False)
        )
