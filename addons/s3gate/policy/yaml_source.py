"""A strict subset of YAML → a tree that knows where everything stands.

Normally: UTF-8 text, one document, mappings, lists and text. Scalars stay the text
that was written (YAML 1.1 would read `off` as false and `012345670123` as a number);
the schema types them. What makes two readers disagree is a mistake here: duplicate
keys, anchors, aliases, tags, merge keys, directives, a second document, tabs as
indentation, control characters, a byte order mark.
"""

import re
from collections.abc import Callable
from typing import Final

import yaml

from s3gate.policy.located import Node, Plain
from s3gate.policy.mistake import Mistake, quote

MAX_BYTES: Final = 16 * 1024 * 1024
"""Bytes of one document: 100,000 rules of 160 bytes; a file beyond that is not ours."""

MAX_DEPTH: Final = 12
"""Levels of nesting: the deepest value of our documents is at 5."""

# YAML 1.2.2, production [1] c-printable, without NEL, LS, PS (line breaks of YAML 1.1 only) and the BOM.
_UNPRINTABLE: Final = re.compile(
    "[^\t\n\r\u0020-\u007e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_TAB_INDENT: Final = re.compile(r"^ *\t", re.MULTILINE)
_LOADER: Final = getattr(
    yaml, "CSafeLoader", yaml.SafeLoader
)  # the wheel has libyaml, a source build may not
_TOO_DEEP: Final = f"nested more than {MAX_DEPTH} levels deep"


def parse_yaml(data: bytes) -> tuple[Node | None, tuple[Mistake, ...]]:
    """The document in `data`.

    Args:
        data: the bytes of the file.

    Returns:
        The tree and what is wrong with it as YAML. The tree is None when there is no
        single reading of its structure; otherwise it can be judged further.
    """
    text, mistake = _decode(data)
    if text is None:
        return None, (mistake,) if mistake else ()
    builder = _Builder()
    for found in _TAB_INDENT.finditer(text):
        line, column = _place(text, found.end() - 1)
        builder.complain(line, column, "a tab in the indentation", "indent with spaces")
    if builder.mistakes:
        return None, tuple(builder.mistakes)
    try:
        _feed(builder, text)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        said = ": ".join(part for part in (exc.context, exc.problem) if part)
        builder.complain(
            line, column, f"not YAML: {said}", "put quotes around text with `:`, `#`, `*` or `[`"
        )
        return None, tuple(builder.mistakes)
    if builder.root is None and not builder.mistakes:
        builder.complain(1, 1, "the document is empty", "begin with `version: 1`")
    return (None if builder.broken else builder.root), tuple(builder.mistakes)


def _decode(data: bytes) -> tuple[str | None, Mistake | None]:
    if len(data) > MAX_BYTES:
        return None, Mistake(1, 1, f"the file has more than {MAX_BYTES} bytes", "split the list")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as exc:
        line, column = _place(data[: exc.start].decode("utf-8"), exc.start)
        return None, Mistake(
            line, column, f"byte 0x{data[exc.start]:02x} is not UTF-8", "save the file as UTF-8"
        )
    if text.startswith("\ufeff"):
        return None, Mistake(1, 1, "the file starts with a byte order mark", "save it as UTF-8 without BOM")
    found = _UNPRINTABLE.search(text)
    if found:
        line, column = _place(text, found.start())
        return None, Mistake(
            line, column, f"character U+{ord(found[0]):04X} does not belong in this file", "delete it"
        )
    return text, None


def _place(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset].replace("\r\n", "\n").replace("\r", "\n")
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _feed(builder: "_Builder", text: str) -> None:
    loader = _LOADER(text)
    try:
        next_event, take = loader.get_event, builder.take
        while not builder.broken and (event := next_event()) is not None:
            take(event)
    finally:
        loader.dispose()


class _Frame:
    """A list or mapping that is still open."""

    __slots__ = ("children", "items", "key", "keys", "list_value", "map_value", "skips")

    def __init__(self, node: Node) -> None:
        value = node.value
        self.list_value: list[Plain] | None = value if isinstance(value, list) else None
        self.map_value: dict[str, Plain] = value if isinstance(value, dict) else {}
        self.items: list[Node] = []
        self.children: dict[str, Node] = {}
        self.keys: dict[str, tuple[int, int]] = {}
        if self.list_value is None:
            node.children, node.keys = self.children, self.keys
        else:
            node.items = self.items
        self.key: str | None = None
        self.skips = False


class _Builder:
    """Events in, a tree and mistakes out; never recursive."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.broken = False
        self.mistakes: list[Mistake] = []
        self._stack: list[_Frame] = []
        self._documents = 0
        self._handlers: dict[type[yaml.Event], Callable[..., None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._open,
            yaml.SequenceStartEvent: self._open,
            yaml.MappingEndEvent: self._close,
            yaml.SequenceEndEvent: self._close,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }

    def complain(self, line: int, column: int, message: str, suggestion: str | None = None) -> None:
        """Keep one mistake."""
        self.mistakes.append(Mistake(line, column, message, suggestion))

    def take(self, event: yaml.Event) -> None:
        """Grow the tree by one event."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def _alias(self, event: yaml.AliasEvent) -> None:
        line, column = _start(event)
        self.complain(line, column, f"alias {quote('*' + str(event.anchor))}", "write the value out")
        self._hold(Node("", line, column))

    def _close(self, _: yaml.CollectionEndEvent) -> None:
        self._stack.pop()

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        self._documents += 1
        line, column = _start(event)
        if self._documents > 1:
            self.complain(line, column, "a second document in the file", "keep one; delete `---` and below")
            self.broken = True
        if event.version or event.tags:
            self.complain(line, column, "a YAML directive", "delete the line that starts with `%`")

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        line, column = _start(event)
        if event.anchor is not None or event.tag is not None:
            self._refuse_properties(event, line, column)
        if self._stack:
            frame = self._stack[-1]
            if frame.list_value is None and frame.key is None and not frame.skips:
                self._take_key(frame, event, line, column)
                return
        self._hold(Node(event.value, line, column))

    def _take_key(self, frame: _Frame, event: yaml.ScalarEvent, line: int, column: int) -> None:
        key = event.value
        if key == "<<" and not event.style:
            self.complain(line, column, "merge key `<<`", "write the keys out")
            frame.skips = True
        elif key in frame.keys:
            first = frame.keys[key][0]
            self.complain(
                line, column, f"key {quote(key)} twice in one mapping, first on line {first}", "keep one"
            )
            frame.skips = True
        else:
            frame.key = key
            frame.keys[key] = (line, column)

    def _refuse_properties(self, event: yaml.NodeEvent, line: int, column: int) -> None:
        if event.anchor is not None:
            self.complain(
                line, column, f"anchor {quote('&' + event.anchor)}", "delete it and write values out"
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            self.complain(line, column, f"tag {quote(tag)}", "delete it: the schema knows the type")

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        line, column = _start(event)
        if event.anchor is not None or event.tag is not None:
            self._refuse_properties(event, line, column)
        node = Node({} if isinstance(event, yaml.MappingStartEvent) else [], line, column)
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.list_value is None and frame.key is None and not frame.skips:
            self.complain(line, column, "a key that is not text", "write a plain word as the key")
            self.broken = True
        elif len(self._stack) >= MAX_DEPTH:
            self.complain(line, column, _TOO_DEEP, "flatten it: no key of this file lies that deep")
            self.broken = True
        self._hold(node)
        self._stack.append(_Frame(node))

    def _hold(self, node: Node) -> None:
        """Give a value to whatever is open."""
        if not self._stack:
            self.root = node
            return
        frame = self._stack[-1]
        if frame.list_value is not None:
            frame.list_value.append(node.value)
            frame.items.append(node)
        elif frame.key is not None:
            frame.map_value[frame.key] = node.value
            frame.children[frame.key] = node
            frame.key = None
        else:
            frame.skips = False


def _start(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
