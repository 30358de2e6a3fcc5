"""Partitions: suffix and region together tell whose a name is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.s3.partitions import PARTITIONS, SUFFIXES, partition_of, suffix_of

SHARED = {"aws", "aws-us-gov"}


def test_every_region_lies_in_its_partition_alone() -> None:
    for partition in PARTITIONS.values():
        for region in partition.regions:
            fitting = [item.id for item in PARTITIONS.values() if item.region_pattern.fullmatch(region)]
            assert fitting == [partition.id]


def test_every_global_region_is_a_region() -> None:
    for partition in PARTITIONS.values():
        assert partition.global_region in partition.regions


def test_only_aws_and_govcloud_share_a_suffix() -> None:
    for suffix in SUFFIXES.values():
        ids = {partition.id for partition in suffix.partitions}
        assert len(ids) == 1 or ids == SHARED


def test_names_without_a_region_under_the_shared_suffix_are_those_of_aws() -> None:
    assert SUFFIXES["amazonaws.com"].partitions[0].id == "aws"


def test_no_suffix_hides_another() -> None:
    for text in SUFFIXES:
        assert suffix_of(text) is SUFFIXES[text]
        assert suffix_of(f"x.y.{text}") is SUFFIXES[text]


@pytest.mark.parametrize("name", ["com", "aws", "xamazonaws.com", "amazonaws.com.example", "example", ""])
def test_no_suffix_elsewhere(name: str) -> None:
    assert suffix_of(name) is None


AGREEMENT = {
    "aws": ("amazonaws.com", "eu-west-1", "aws"),
    "GovCloud under the same suffix": ("amazonaws.com", "us-gov-west-1", "aws-us-gov"),
    "a region of tomorrow": ("amazonaws.com", "ap-southwest-12", "aws"),
    "China": ("amazonaws.com.cn", "cn-north-1", "aws-cn"),
    "European sovereign cloud": ("amazonaws.eu", "eusc-de-east-1", "aws-eusc"),
    "dual-stack suffix": ("api.aws", "us-gov-east-1", "aws-us-gov"),
    "China under aws": ("amazonaws.com", "cn-north-1", None),
    "aws under China": ("amazonaws.com.cn", "us-east-1", None),
    "pseudo region": ("amazonaws.com", "aws-global", None),
    "Arabic-Indic digit": ("amazonaws.com", "us-east-\u0661", None),
    "letter beyond ASCII": ("amazonaws.com", "us-\xe9ast-1", None),
    "newline appended": ("amazonaws.com", "us-east-1\n", None),
    "long": ("amazonaws.com", "us-" + "e" * 40 + "-1", None),
    "nothing": ("amazonaws.com", "", None),
}


@pytest.mark.parametrize(("suffix", "region", "expected"), AGREEMENT.values(), ids=AGREEMENT)
def test_region_and_suffix_agree(suffix: str, region: str, expected: str | None) -> None:
    found = partition_of(SUFFIXES[suffix], region)
    assert (found.id if found else None) == expected


@given(st.text(st.sampled_from("acegnorstuwv-019_"), max_size=20) | st.text())
def test_a_region_is_ascii_and_of_one_partition(label: str) -> None:
    found = {partition_of(suffix, label) for suffix in SUFFIXES.values()} - {None}
    assert len(found) <= 1
    assert not found or re.fullmatch(r"[a-z0-9_-]+", label, re.ASCII | re.IGNORECASE)
