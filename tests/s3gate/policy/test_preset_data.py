"""Each row names one AWS bucket in one region, has its source, and opens reads alone."""

import ast
import re
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.loaders import Loader

from s3gate.policy import preset_data
from s3gate.policy.preset import PARTITION, PRESETS, Asked, PresetRow, Signing
from s3gate.policy.preset_data import FAMILIES, PATCH_TABLE, Family
from s3gate.policy.spelling import parse_date
from s3gate.s3.bucket import explain_bucket_name
from s3gate.s3.operation import OPERATION_CLASS, OperationClass
from s3gate.s3.partitions import PARTITIONS

ROWS = [row for rows in PRESETS.values() for row in rows]
SOURCES = {"docs.aws.amazon.com", "github.com"}
# AWS's page: the six regions whose name of `patch-baseline-snapshot` has a tail.
TAILS = {
    "af-south-1": "tbxdb5b9",
    "ap-south-2": "50209442",
    "ap-southeast-3": "be0a3174",
    "ap-southeast-4": "dc6f76ce",
    "eu-south-2": "df2c9d70",
    "me-south-1": "uduvl7q8",
}


@pytest.mark.parametrize("rows", PRESETS.values(), ids=PRESETS)
def test_a_row_is_exact_and_reads_alone(rows: tuple[PresetRow, ...]) -> None:
    for row in rows:
        assert explain_bucket_name(row.bucket) is None
        assert re.search(rf"(?<![a-z0-9]){row.region}(?![a-z0-9])", row.bucket), f"{row}: not its region"
        assert row.partition == PARTITION
        assert row.region in PARTITIONS[row.partition].regions
        assert {OPERATION_CLASS[one] for one in row.operations} == {OperationClass.READ}
        assert row.operations <= {"GetObject", "HeadObject", "HeadBucket"}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: f"{family.preset} {family.rows[0][1]}")
def test_what_rows_share_is_said_in_known_words(family: Family) -> None:
    assert family.signing in set(Signing)
    assert family.asked in set(Asked)
    assert family.certainty in {"table", "rule", "seen"}
    assert urlsplit(family.source).scheme == "https"
    assert urlsplit(family.source).hostname in SOURCES
    parse_date(family.seen)
    assert list(family.rows) == sorted(family.rows)


def test_no_bucket_stands_twice() -> None:
    assert [one for one, count in Counter(row.bucket for row in ROWS).items() if count > 1] == []


def test_no_name_is_put_together() -> None:
    tree = ast.parse(Path(preset_data.__file__).read_text(encoding="utf-8"))
    rows = next(
        node.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and node.target.id == "FAMILIES"
    )
    assert rows is not None
    allowed = (ast.Tuple, ast.Constant, ast.Call, ast.Name, ast.Load)
    assert {type(node) for node in ast.walk(rows)} <= set(allowed)
    calls = {ast.unparse(node.func) for node in ast.walk(rows) if isinstance(node, ast.Call)}
    assert calls == {"Family"}


def test_the_three_families_of_the_patch_table_have_its_29_regions() -> None:
    families = [one for one in FAMILIES if one.source == PATCH_TABLE]
    regions = [tuple(region for region, _ in one.rows) for one in families]
    assert len(families) == 3
    assert len(set(regions)) == 1
    assert len(regions[0]) == 29


def test_patch_buckets_share_their_tail_and_six_snapshots_have_their_own() -> None:
    rows = {
        (bucket.partition(f"-{region}")[0], region): bucket.partition(region)[2]
        for one in FAMILIES
        if one.source == PATCH_TABLE
        for region, bucket in one.rows
    }
    regions = {region for _, region in rows}
    assert all(rows["aws-patch-manager", one] == rows["aws-patchmanager-macos", one] != "" for one in regions)
    snapshots = {one: rows["patch-baseline-snapshot", one] for one in regions}
    assert {one: tail for one, tail in snapshots.items() if tail} == {
        one: f"-{tail}" for one, tail in TAILS.items()
    }
    assert rows["aws-patch-manager", "us-east-2"] == "-552881074"
    assert rows["aws-patch-manager", "me-south-1"] == "-a53fc9dce"


@pytest.mark.parametrize(
    ("preset", "service"), [("ecr", "api.ecr"), ("ssm-agent", "ssm"), ("ssm-patch", "ssm")]
)
def test_a_rule_is_written_out_for_regions_of_its_service_alone(preset: str, service: str) -> None:
    endpoints = Loader().load_data("endpoints")["partitions"][0]["services"][service]["endpoints"]
    assert {row.region for row in PRESETS[preset]} <= set(endpoints)


@pytest.mark.parametrize(
    ("preset", "region"),
    [
        ("codedeploy", "ap-southeast-5"),
        ("codedeploy", "ap-southeast-6"),
        ("codedeploy", "ap-southeast-7"),
        ("ssm-agent", "mx-central-1"),
        ("ssm-patch", "us-gov-west-1"),
        ("ecr", "cn-north-1"),
        ("amazon-linux-2023", "cn-north-1"),
    ],
)
def test_a_region_that_no_source_shows_has_no_row(preset: str, region: str) -> None:
    assert region not in {row.region for row in PRESETS[preset]}


def test_only_layers_are_presigned() -> None:
    assert {row.preset for row in ROWS if row.signing is Signing.PRESIGNED} == {"ecr"}
    assert {row.signing for row in PRESETS["ecr"]} == {Signing.PRESIGNED}
