"""What the design names and nothing enforces yet is refused, never ignored."""

import pytest

from s3gate.policy import unsupported
from s3gate.policy.document import parse_policy
from s3gate.policy.mistake import PolicyErrors
from s3gate.policy.unsupported import is_unsupported

HEAD = "version: 1\nendpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard]}\n"

WAITING = {
    ("clients", "*", "colours"): "clients: {a: {cidrs: [10.0.0.0/8], colours: [red]}}\n",
    ("colours",): "colours: [red]\n",
}


@pytest.mark.parametrize("key", sorted(WAITING), ids="-".join)
def test_a_key_without_enforcement_is_refused(key: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unsupported, "UNSUPPORTED_KEYS", frozenset(WAITING))
    with pytest.raises(PolicyErrors) as caught:
        parse_policy((HEAD + WAITING[key]).encode())
    assert [one.message for one in caught.value.mistakes] == [f"key `{key[-1]}` is not supported yet"]


def test_a_name_in_a_path_matches_by_its_place_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unsupported, "UNSUPPORTED_KEYS", frozenset(WAITING))
    assert is_unsupported(("clients", "a", "colours"))
    assert not is_unsupported(("rules", 3, "colours"))
    assert not is_unsupported(("clients",))


def test_everything_that_the_design_names_is_enforced() -> None:
    enforced = ("clients", "a", "users"), ("clients", "a", "vpc_endpoints")
    assert not any(map(is_unsupported, enforced))
