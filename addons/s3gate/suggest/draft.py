"""Additions to a policy file as text: every line that is there stays, comments and all. Pure.

The normal case: rules as a list of lines, to whose end new rules are added with the same
indentation. Lists in brackets take new words behind the bracket. What is written in another
way is not touched: the message says how to write it.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from s3gate.policy.located import Node

_DASH: Final = re.compile(r"( *)- +")
_CONTENT: Final = re.compile(r" *[^ #\r]")


class NotEditable(Exception):
    """The file is written in a way that nothing can be added to; the text says what to write."""


class Draft:
    """A policy file while lines are added to it.

    Args:
        text: of the file.
        root: its document.
    """

    def __init__(self, text: str, root: Node) -> None:
        self._root = root
        self._end = "\r\n" if "\r\n" in text else "\n"
        self.lines = text.split("\n")
        if self.lines[-1] == "":
            self.lines.pop()
            self._final = "\n"
        else:
            self._final = ""
        self._inserted: dict[int, list[str]] = {}

    def text(self) -> str:
        """The whole file with what was added."""
        lines: list[str] = []
        for number, line in enumerate([*self.lines, None], 1):
            lines += [one + self._end.removesuffix("\n") for one in self._inserted.get(number, ())]
            if line is not None:
                lines.append(line)
        whole = "\n".join(lines)
        return whole + (self._final or ("\n" if len(self.lines) + 1 in self._inserted else ""))

    def add_items(self, section: str, items: Iterable[Sequence[str]]) -> None:
        """Add items to a list at the top of the document.

        Args:
            section: its key; it is added when it is not there.
            items: lines of each without dash and indentation; comments begin with `#`.

        Raises:
            NotEditable: the list is written in brackets.
        """
        node = self._root.children.get(section)
        if node is None:
            self._insert(len(self.lines) + 1, [f"{section}:", *_items(items, "  ")])
            return
        line, _ = self._root.keys[section]
        if not node.items:
            bare = self.lines[node.line - 1].replace("[]", "", 1)
            if bare == self.lines[node.line - 1] or node.line != line:
                raise NotEditable(f"write `{section}:` as a list of lines")
            self.lines[node.line - 1] = bare.rstrip(" ")
            self._insert(node.line + 1, _items(items, "  "))
            return
        if self._bracket(node, "["):
            raise NotEditable(f"write `{section}:` as a list of lines: `- …`")
        dash = next((found for one in self.lines[line:] if (found := _DASH.match(one))), None)
        if dash is None:
            raise NotEditable(f"write `{section}:` as a list of lines: `- …`")
        self._insert(self._end_of(section) + 1, _items(items, dash[1]))

    def add_words(self, node: Node, words: Sequence[str]) -> None:
        """Add words to a list of words.

        Raises:
            NotEditable: the list is written in an unusual way.
        """
        if self._bracket(node, "["):
            text = self.lines[node.line - 1]
            separator = ", " if node.items else ""
            self.lines[node.line - 1] = (
                f"{text[: node.column]}{', '.join(words)}{separator}{text[node.column :]}"
            )
            return
        first = node.items[0] if node.items else None
        if first is None or not _DASH.fullmatch(self.lines[first.line - 1][: first.column - 1]):
            raise NotEditable(f"write the list on line {node.line} as `[a, b]`")
        dash = self.lines[first.line - 1][: first.column - 1]
        self._insert(first.line, [dash + one for one in words])

    def add_key(self, node: Node, key: str, value: str) -> None:
        """Add a key with a value in brackets or braces to a mapping.

        Raises:
            NotEditable: the mapping is empty.
        """
        if self._bracket(node, "{"):
            text = self.lines[node.line - 1]
            separator = ", " if node.children else ""
            self.lines[node.line - 1] = f"{text[: node.column]}{key}: {value}{separator}{text[node.column :]}"
            return
        if not node.keys:
            raise NotEditable(f"write the mapping on line {node.line} as `{{}}`")
        line, column = min(node.keys.values())
        self._insert(line, [" " * (column - 1) + f"{key}: {value}"])

    def add_section(self, key: str, lines: Sequence[str]) -> None:
        """Add a section at the end of the document."""
        self._insert(len(self.lines) + 1, [f"{key}:", *(f"  {one}" for one in lines)])

    def _insert(self, before: int, lines: list[str]) -> None:
        self._inserted.setdefault(before, []).extend(lines)

    def _bracket(self, node: Node, bracket: str) -> bool:
        return self.lines[node.line - 1][node.column - 1 : node.column] == bracket

    def _end_of(self, section: str) -> int:
        """The last line with content of a section at the top."""
        begin = self._root.keys[section][0]
        later = [line for line, _ in self._root.keys.values() if line > begin]
        last = min(later, default=len(self.lines) + 1) - 1
        while last > begin and not _CONTENT.match(self.lines[last - 1]):
            last -= 1
        return last


def _items(items: Iterable[Sequence[str]], indent: str) -> list[str]:
    lines = []
    for item in items:
        dashed = False
        for line in item:
            if line.startswith("#"):
                lines.append(f"{indent}{line}")
            else:
                lines.append(f"{indent}{'  ' if dashed else '- '}{line}")
                dashed = True
    return lines
