"""The lists of judged headers agree with each other and are in lower case."""

import pytest

from s3gate.s3 import head_rules as rules
from s3gate.s3.refusal import MalformedRequest, ProtocolUpgrade, ReadError


def test_names_are_lower_case() -> None:
    for names in (rules.FRAMING, rules.EXACT, rules.LISTS, rules.GUARDED, rules.OVERRIDES, rules.UPGRADES):
        assert all(name == name.lower() and "_" not in name for name in names)


def test_every_framing_header_is_guarded() -> None:
    assert rules.FRAMING <= rules.GUARDED
    assert rules.EXACT <= rules.FRAMING


def test_each_name_is_judged_by_one_check() -> None:
    assert len(rules.CHECKED) == sum(len(names) for _, names in rules.CHECKS)


CONNECTIONS: dict[str, type[ReadError] | None] = {
    "keep-alive": None,
    "Close": None,
    "": None,
    "TE, Trailer": None,
    "keep-alive, , close": None,
    "x-unknown": MalformedRequest,
    "keep-alive; x": MalformedRequest,
    "Upgrade": ProtocolUpgrade,
    "close, HTTP2-Settings": ProtocolUpgrade,
}


@pytest.mark.parametrize(("value", "error"), CONNECTIONS.items(), ids=repr)
def test_connection_options(value: str, error: type[ReadError] | None) -> None:
    check = next(check for check, names in rules.CHECKS if "connection" in names)
    if error is None:
        check("connection", value)
        return
    with pytest.raises(error):
        check("connection", value)
