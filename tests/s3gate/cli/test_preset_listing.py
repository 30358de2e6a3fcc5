"""What presets stand for, for a person and for a program."""

import json

from s3gate.cli.preset_listing import render_presets, render_presets_json
from s3gate.policy.preset import PRESETS

ROWS = [row for row in (*PRESETS["ssm-patch"], *PRESETS["ecr"]) if row.region in {"us-east-1", "eu-west-1"}]


def test_rows_of_one_source_stand_together() -> None:
    lines = list(render_presets(ROWS))
    assert lines == [
        "ssm-patch: GetObject, HeadObject; signed or not",
        f"    names printed by AWS, {ROWS[0].seen}:",
        f"    {ROWS[0].source}",
        "    eu-west-1  aws-patch-manager-eu-west-1-5522fb710",
        "    us-east-1  aws-patch-manager-us-east-1-1970c647d",
        "    eu-west-1  aws-patchmanager-macos-eu-west-1-5522fb710",
        "    us-east-1  aws-patchmanager-macos-us-east-1-1970c647d",
        "    eu-west-1  patch-baseline-snapshot-eu-west-1",
        "    us-east-1  patch-baseline-snapshot-us-east-1",
        "ecr: GetObject, HeadObject; signed, by any account",
        f"    a pattern printed by AWS for every region of the service, {ROWS[-1].seen}:",
        f"    {ROWS[-1].source}",
        "    eu-west-1  prod-eu-west-1-starport-layer-bucket",
        "    us-east-1  prod-us-east-1-starport-layer-bucket",
    ]


def test_all_but_addresses_fits_in_80_columns() -> None:
    for rows in PRESETS.values():
        assert all(len(line) <= 80 for line in render_presets(rows) if "https://" not in line)


def test_nothing_is_nothing() -> None:
    assert list(render_presets(())) == list(render_presets_json(())) == []


def test_each_row_is_a_json_line_with_all_its_fields() -> None:
    lines = [json.loads(line) for line in render_presets_json(ROWS)]
    assert [(one["region"], one["bucket"]) for one in lines] == [(row.region, row.bucket) for row in ROWS]
    assert lines[-1] == {
        "preset": "ecr",
        "partition": "aws",
        "region": "us-east-1",
        "bucket": "prod-us-east-1-starport-layer-bucket",
        "operations": ["GetObject", "HeadObject"],
        "signing": "presigned",
        "asked": "virtual",
        "certainty": "rule",
        "source": "https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html#ecr-minimum-s3-perms",
        "seen": ROWS[-1].seen,
    }
