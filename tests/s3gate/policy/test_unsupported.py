"""What the design names and nothing enforces yet is refused, never ignored."""

import pytest

from s3gate.policy.document import parse_policy
from s3gate.policy.mistake import PolicyErrors
from s3gate.policy.unsupported import UNSUPPORTED_CLASSES, UNSUPPORTED_KEYS, is_unsupported
from s3gate.s3.endpoint import EndpointClass

HEAD = "version: 1\nendpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard]%s}\n"

FILES = {
    ("clients", "*", "users"): "clients: {a: {cidrs: [10.0.0.0/8], users: [u]}}\n",
    ("clients", "*", "vpc_endpoints"): "clients: {a: {cidrs: [10.0.0.0/8], vpc_endpoints: [vpce-1]}}\n",
    ("presets",): "presets: [amazon-linux-2023]\n",
    ("rules", "*", "access_point"): "rules: [{id: a, access_point: x, allow: [read]}]\n",
    ("rules", "*", "encryption"): "rules: [{id: a, bucket: bkt, allow: [read], encryption: any}]\n",
    ("rules", "*", "mrap"): "rules: [{id: a, mrap: x, allow: [read]}]\n",
    ("rules", "*", "owner"): 'rules: [{id: a, bucket: bkt, allow: [read], owner: "111122223333"}]\n',
}


def test_every_row_has_a_file_here() -> None:
    assert set(FILES) == UNSUPPORTED_KEYS


@pytest.mark.parametrize("key", sorted(FILES), ids="-".join)
def test_a_key_without_enforcement_is_refused(key: tuple[str, ...]) -> None:
    with pytest.raises(PolicyErrors) as caught:
        parse_policy((HEAD % "" + FILES[key]).encode())
    assert [one.message for one in caught.value.mistakes] == [f"key `{key[-1]}` is not supported yet"]


@pytest.mark.parametrize("name", sorted(UNSUPPORTED_CLASSES))
def test_a_class_without_enforcement_is_refused(name: str) -> None:
    text = HEAD.replace("[standard]", f"[standard, {name}]") % ""
    with pytest.raises(PolicyErrors) as caught:
        parse_policy(text.encode())
    assert [one.message for one in caught.value.mistakes] == [f"endpoint class `{name}` is not supported yet"]


def test_classes_are_spelled_as_the_reader_spells_them() -> None:
    assert {EndpointClass(one).value for one in UNSUPPORTED_CLASSES} == UNSUPPORTED_CLASSES


def test_vpc_endpoints_may_only_be_none() -> None:
    assert parse_policy((HEAD % ", vpce: []").encode()).rules == ()
    with pytest.raises(PolicyErrors, match="VPC endpoints are not supported yet"):
        parse_policy((HEAD % ", vpce: [vpce-0a1b]").encode())


def test_a_name_in_a_path_matches_by_its_place_alone() -> None:
    assert is_unsupported(("rules", 3, "owner"))
    assert not is_unsupported(("rules", 3, "bucket"))
    assert not is_unsupported(("owner",))
