"""What the design names and nothing enforces yet is refused, never ignored."""

import pytest

from s3gate.policy.document import parse_policy
from s3gate.policy.mistake import PolicyErrors
from s3gate.policy.unsupported import UNSUPPORTED_KEYS, is_unsupported

HEAD = "version: 1\nendpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard]}\n"

FILES = {
    ("clients", "*", "users"): "clients: {a: {cidrs: [10.0.0.0/8], users: [u]}}\n",
    ("clients", "*", "vpc_endpoints"): "clients: {a: {cidrs: [10.0.0.0/8], vpc_endpoints: [vpce-1]}}\n",
    ("presets",): "presets: [amazon-linux-2023]\n",
}


def test_every_row_has_a_file_here() -> None:
    assert set(FILES) == UNSUPPORTED_KEYS


@pytest.mark.parametrize("key", sorted(FILES), ids="-".join)
def test_a_key_without_enforcement_is_refused(key: tuple[str, ...]) -> None:
    with pytest.raises(PolicyErrors) as caught:
        parse_policy((HEAD + FILES[key]).encode())
    assert [one.message for one in caught.value.mistakes] == [f"key `{key[-1]}` is not supported yet"]


def test_a_name_in_a_path_matches_by_its_place_alone() -> None:
    assert is_unsupported(("clients", "a", "users"))
    assert not is_unsupported(("rules", 3, "bucket"))
    assert not is_unsupported(("users",))
