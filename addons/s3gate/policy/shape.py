"""A located tree × a pydantic model → a value, or every mistake at its place.

Normally the tree fits and the value comes back. Otherwise each error of pydantic
becomes one Mistake: its `loc` leads to the line and column, its type chooses the
sentence from one table, and unknown keys get the nearest right spelling.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from s3gate.policy.located import Loc, Node, Plain
from s3gate.policy.mistake import Misspelling, Mistake, quote
from s3gate.policy.suggestion import nearest

_QUOTED_WORD: Final = re.compile(r"'([^']*)'")

_SAYS_NO: Final = frozenset({"false", "no", "off", "never", "none", "0"})
_SAYS_YES: Final = frozenset({"true", "yes", "on", "always", "1"})


class Section(BaseModel):
    """A mapping of a document: known keys only, text as written, never changed afterwards."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True, revalidate_instances="never"
    )


def check_shape[T: Section](
    model: type[T],
    node: Node,
    loc: tuple[int | str, ...],
    context: object = None,
    is_unsupported: Callable[[tuple[int | str, ...]], bool] = lambda _: False,
) -> tuple[T | None, list[Mistake]]:
    """Validate one mapping of the document.

    Args:
        model: what it must look like.
        node: the mapping.
        loc: its path from the root, for `is_unsupported`.
        context: what the model's validators compare with.
        is_unsupported: whether the key at a path is known but not enforced yet.

    Returns:
        The value, or None and what is wrong.
    """
    try:
        return model.model_validate(node.value, context=context), []
    except ValidationError as exc:
        errors = exc.errors(include_url=False)
    return None, [_mistake(model, node, loc, one, is_unsupported) for one in errors]


def _mistake(
    model: type[Section],
    node: Node,
    base: tuple[int | str, ...],
    error: ErrorDetails,
    is_unsupported: Callable[[tuple[int | str, ...]], bool],
) -> Mistake:
    loc = tuple(step for step in error["loc"] if step != "[key]")
    cause = error.get("ctx", {}).get("error")
    where = node.at(loc)
    if error["type"] == "extra_forbidden":
        line, column = node.key_at(loc)
        if is_unsupported((*base, *loc)):
            return Mistake(line, column, f"key {quote(loc[-1])} is not supported yet", "delete it for now")
        known = _known_keys(model, loc[:-1])
        right = nearest(str(loc[-1]), known)
        hint = (
            f"write `{right}`" if right else "known here: " + ", ".join(f"`{one}`" for one in sorted(known))
        )
        return Mistake(line, column, f"unknown key {quote(loc[-1])}", hint)
    if error["type"] == "missing":
        where = node.at(loc[:-1])
        return Mistake(where.line, where.column, f"key `{loc[-1]}` is missing", f"add `{loc[-1]}:`")
    place = node.key_at(loc) if "[key]" in error["loc"] else (where.line, where.column)
    if isinstance(cause, Misspelling):
        return Mistake(*place, cause.message, cause.suggestion)
    message, suggestion = _say(error, where.value, str(loc[-1]) if loc else "")
    return Mistake(*place, message, suggestion)


def _say(error: ErrorDetails, value: Plain, key: str) -> tuple[str, str | None]:
    wanted = _WANTED.get(error["type"])
    if wanted is not None:
        hint = (
            f"write `{key}: [{value}]`" if wanted == "a list" and isinstance(value, str) and value else None
        )
        return f"{_kind(value)} where {wanted} belongs", hint
    if error["type"] == "too_short":
        return "an empty list", "delete the key, or list what is meant"
    if error["type"] == "literal_error":
        words = _QUOTED_WORD.findall(str(error.get("ctx", {}).get("expected", "")))
        if not isinstance(value, str) or not value:
            listed = ", ".join(f"`{one}`" for one in words)
            return f"{_kind(value)} where one of {listed} belongs", None
        return one_of(value, words)
    return f"{quote(value)} does not fit: {error['msg'].lower()}", None


def one_of(said: str, words: list[str]) -> tuple[str, str]:
    """The sentence and the next step when `said` is none of the allowed words."""
    folded = said.strip().lower()
    right = words[0] if len(words) == 1 else nearest(said, words)
    if right is None and folded in _SAYS_NO:
        right = next((one for one in words if one in ("deny", "off")), None)
    if right is None and folded in _SAYS_YES:
        right = next((one for one in words if one == "allow"), None)
    listed = ", ".join(f"`{one}`" for one in words)
    return f"{quote(said)} is not one of {listed}", f"write `{right}`" if right else f"choose one of {listed}"


def _kind(value: Plain) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return f"text {quote(value)}" if value else "nothing"


_WANTED: Final[Mapping[str, str]] = {
    "dict_type": "a mapping",
    "list_type": "a list",
    "model_attributes_type": "a mapping",
    "model_type": "a mapping",
    "string_type": "text",
    "tuple_type": "a list",
}


def _known_keys(model: type[Section], loc: Loc) -> list[str]:
    """The keys of the mapping at `loc`, found by walking the model's annotations."""
    fields = model.model_fields
    for step in loc:
        field = fields.get(str(step))
        inner = _section_in(field.annotation) if field is not None else None
        if inner is not None:
            fields = inner.model_fields
    return list(fields)


def _section_in(annotation: object) -> type[Section] | None:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _section_in(inner)
        if found is not None:
            return found
    return None
