"""What a field of the settings can be: how its text is read, and what editors see of it.

Normally a field is Annotated with one of these. A value of the design whose enforcement
does not exist yet is refused as not supported, never ignored.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from s3gate.policy.mistake import Misspelling, quote
from s3gate.settings.spelling import parse_integer, parse_seconds

NULLS: Final = frozenset({"", "~", "null"})
"""What stands for null in YAML 1.2.2's core schema, section 10.3.2 (its capitals are not accepted)."""


@dataclass(frozen=True, eq=False)  # by identity: typing hashes annotations, and a dict has no hash
class Reads:
    """Text becomes a value by one parser, and by nothing else.

    Args:
        parse: raises Misspelling.
        shape: the JSON Schema of the text.
    """

    parse: Callable[[str, ValidationInfo], object]
    shape: JsonSchemaValue

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A validator that calls the parser."""
        return core_schema.with_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The shape that editors see."""
        return dict(self.shape)

    def _read(self, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str):
            raise Misspelling("a list or mapping where text belongs")
        return self.parse(value, info)


def text_field(parse: Callable[[str], object], **shape: object) -> Reads:
    """Text that one parser reads; `shape` adds to its JSON Schema."""
    return Reads(lambda text, _: parse(text), {"type": "string", **shape})


def whole_field(low: int, high: int, parse: Callable[[str], int] = parse_integer) -> Reads:
    """A whole number in a range, both ends included."""
    types: object = "integer" if parse is parse_integer else ["integer", "string"]
    return Reads(
        lambda text, _: _within(parse(text), low, high), {"type": types, "minimum": low, "maximum": high}
    )


def seconds_field(low: float, high: float) -> Reads:
    """Seconds in a range, both ends included."""
    return Reads(
        lambda text, _: _within(parse_seconds(text), low, high),
        {"type": "number", "minimum": low, "maximum": high},
    )


def _within[N: (int, float)](value: N, low: float, high: float) -> N:
    if low <= value <= high:
        return value
    raise Misspelling(f"{value} is out of range", f"write {low} to {high}")


def only_field(*allowed: str) -> Reads:
    """Values whose enforcement exists; the others of the design wait for theirs."""

    def check(text: str) -> str:
        if text in allowed:
            return text
        listed = ", ".join(f"`{one}`" for one in allowed)
        raise Misspelling(f"{quote(text)} is not supported yet", f"write {listed}, or delete the key")

    return text_field(check, enum=list(allowed))


def _null(value: object) -> object:
    return None if isinstance(value, str) and value in NULLS else value


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


type Many[T] = Annotated[tuple[T, ...], BeforeValidator(_as_tuple)]
type Maybe[T] = Annotated[T | None, BeforeValidator(_null)]
