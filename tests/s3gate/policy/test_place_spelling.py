"""What `endpoints` may list, how it is written, and what else a text could mean."""

from types import SimpleNamespace
from typing import cast

import pytest
from pydantic import ValidationInfo

from s3gate.policy.listed import Listed
from s3gate.policy.mistake import Misspelling
from s3gate.policy.place_spelling import (
    LISTED_CLASSES,
    check_class,
    check_partition,
    check_region,
    check_rule_partition,
    check_rule_region,
    check_vpce,
)
from s3gate.s3.endpoint import EndpointClass

LISTED = Listed(
    partitions=frozenset({"aws", "aws-cn"}),
    regions=frozenset({"ap-northeast-1", "us-east-1", "cn-north-1"}),
    classes=frozenset({"standard", "fips"}),
    clients=frozenset({"batch"}),
)


def info(listed: object = LISTED) -> ValidationInfo:
    return cast("ValidationInfo", SimpleNamespace(context=listed))


def test_partitions() -> None:
    assert check_partition("aws-cn") == "aws-cn"
    with pytest.raises(Misspelling) as caught:
        check_partition("AWS")
    assert caught.value.suggestion == "write `aws`"
    with pytest.raises(Misspelling) as caught:
        check_partition("zebra")
    assert str(caught.value.suggestion).startswith("one of `aws`")


def test_a_rules_partition_is_a_listed_one() -> None:
    assert check_rule_partition("aws", info()) == "aws"
    assert check_rule_partition("aws-us-gov", info(None)) == "aws-us-gov"
    with pytest.raises(Misspelling, match="partition `aws-us-gov` is not listed"):
        check_rule_partition("aws-us-gov", info())


def test_regions() -> None:
    assert check_region("eu-west-1", info()) == "eu-west-1"
    assert check_region("us-east-9", info()) == "us-east-9"
    for text, hint in (
        ("eu_west_1", "write `eu-west-1`"),
        ("AP-NORTHEAST-1", "write `ap-northeast-1`"),
        ("us-gov-west-1", "add `aws-us-gov` to `partitions`"),
        ("moon", "write the code of a region, like `ap-northeast-1`"),
    ):
        with pytest.raises(Misspelling) as caught:
            check_region(text, info())
        assert caught.value.suggestion == hint


def test_a_rules_region_is_a_listed_one() -> None:
    assert check_rule_region("us-east-1", info()) == "us-east-1"
    assert check_rule_region("zebra", info(Listed())) == "zebra"
    with pytest.raises(Misspelling, match="region `eu-west-1` is not listed"):
        check_rule_region("eu-west-1", info())
    with pytest.raises(Misspelling, match="`zebra` is not a region"):
        check_rule_region("zebra", info())


def test_every_class_but_control_can_be_listed() -> None:
    assert {*LISTED_CLASSES, "control"} == {one.value for one in EndpointClass}
    for name in LISTED_CLASSES:
        assert check_class(name, info()) == name
    for text, hint in (("FIPS", "write `fips`"), ("control", "delete it"), ("zebra", "one of `standard`")):
        with pytest.raises(Misspelling) as caught:
            check_class(text, info())
        assert str(caught.value.suggestion).startswith(hint)


@pytest.mark.parametrize("name", ["fips", "accelerate"])
def test_a_class_that_the_listed_regions_lack_is_refused(name: str) -> None:
    china = frozenset({"cn-north-1"})
    for listed in (Listed(frozenset({"aws-cn"}), china), Listed(frozenset({"aws", "aws-cn"}), china)):
        with pytest.raises(Misspelling, match="partition `aws-cn` lacks them"):
            check_class(name, info(listed))
    assert check_class(name, info(Listed(frozenset({"aws", "aws-cn"})))) == name


def test_interface_endpoints_are_listed_by_their_ids() -> None:
    assert check_vpce("vpce-0123456789abcdef0") == "vpce-0123456789abcdef0"
    for text, hint in (
        ("vpce-0A1B", "write `vpce-0a1b`"),
        ("vpce-0a1b-c2d3", "write `vpce-0a1b`"),
        ("bucket.vpce-0a1b-c2d3.s3.us-east-1.vpce.amazonaws.com", "write `vpce-0a1b`"),
        ("vpce-0a1b\n", "write `vpce-0a1b`"),
        ("*", "write it like"),
    ):
        with pytest.raises(Misspelling) as caught:
            check_vpce(text)
        assert str(caught.value.suggestion).startswith(hint)
