"""A tree of text that knows where everything stands: what a document is before a schema types it.

Normally it is walked by the path of a mistake, to find its line and column.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

type Plain = str | list["Plain"] | dict[str, "Plain"]
type Loc = Sequence[int | str]


class Node:
    """A value of the document with its place.

    Args:
        value: text, list or dict of the same, without places.
        line: from 1.
        column: in characters, from 1.
        items: the nodes of a list.
        children: the nodes of a mapping, by key.
        keys: the places of the keys of a mapping.
    """

    __slots__ = ("children", "column", "items", "keys", "line", "value")

    def __init__(
        self,
        value: Plain,
        line: int,
        column: int,
        items: Sequence["Node"] = (),
        children: Mapping[str, "Node"] = MappingProxyType({}),
        keys: Mapping[str, tuple[int, int]] = MappingProxyType({}),
    ) -> None:
        self.value = value
        self.line = line
        self.column = column
        self.items = items
        self.children = children
        self.keys = keys

    def at(self, loc: Loc) -> "Node":
        """The node at a path of keys and indexes, or the deepest one that exists on the way."""
        node = self
        for step in loc:
            if isinstance(step, int) and step < len(node.items):
                node = node.items[step]
            elif isinstance(step, str) and step in node.children:
                node = node.children[step]
            else:
                break
        return node

    def key_at(self, loc: Loc) -> tuple[int, int]:
        """Line and column of the key at a path; of the value there, where that is no key."""
        node = self.at(loc)
        if not loc:
            return node.line, node.column
        return self.at(loc[:-1]).keys.get(str(loc[-1]), (node.line, node.column))
