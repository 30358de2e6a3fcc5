"""What a field can be: ranges, choices, null, and what is not supported yet."""

from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from s3gate.settings.field import (
    Many,
    Maybe,
    only_field,
    seconds_field,
    text_field,
    whole_field,
)
from s3gate.settings.spelling import parse_flag, parse_size


def test_numbers_stay_in_their_range() -> None:
    port: TypeAdapter[int] = TypeAdapter(Annotated[int, whole_field(1, 10)])
    assert port.validate_python("10") == 10
    for text in ("0", "11", "x"):
        with pytest.raises(ValidationError):
            port.validate_python(text)
    assert port.json_schema() == {"type": "integer", "minimum": 1, "maximum": 10}


def test_sizes_are_numbers_or_text_for_editors() -> None:
    size: TypeAdapter[int] = TypeAdapter(Annotated[int, whole_field(1, 4096, parse_size)])
    assert size.validate_python("2KiB") == 2048
    assert size.json_schema()["type"] == ["integer", "string"]


def test_seconds_stay_in_their_range() -> None:
    wait: TypeAdapter[float] = TypeAdapter(Annotated[float, seconds_field(0.1, 2)])
    assert wait.validate_python("0.1") == 0.1
    with pytest.raises(ValidationError):
        wait.validate_python("0")


def test_what_is_no_text_is_refused() -> None:
    flag: TypeAdapter[bool] = TypeAdapter(Annotated[bool, text_field(parse_flag)])
    with pytest.raises(ValidationError, match="a list or mapping where text belongs"):
        flag.validate_python(["true"])


def test_only_what_is_enforced_may_be_chosen() -> None:
    off: TypeAdapter[str] = TypeAdapter(Annotated[str, only_field("off")])
    assert off.validate_python("off") == "off"
    with pytest.raises(ValidationError, match="`v2` is not supported yet"):
        off.validate_python("v2")


def test_null_and_lists() -> None:
    maybe: TypeAdapter[str | None] = TypeAdapter(Maybe[str])
    assert [maybe.validate_python(text) for text in ("null", "~", "", "x")] == [None, None, None, "x"]
    many: TypeAdapter[tuple[str, ...]] = TypeAdapter(Many[str])
    assert many.validate_python(["a", "b"], strict=True) == ("a", "b")
