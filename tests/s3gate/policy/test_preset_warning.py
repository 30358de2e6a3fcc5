"""What about presets deserves a second look."""

import pytest

from s3gate.policy.document import parse_policy_tree
from s3gate.policy.preset_warning import find_preset_warnings

HEAD = """\
version: 1
endpoints: {partitions: [aws], regions: [us-east-1], classes: [standard, dualstack], path_style: allow}
"""
ALL = (
    "presets: [amazon-linux-2, amazon-linux-2023, cloudwatch-agent, codedeploy, ecr, ssm-agent, ssm-patch]\n"
)


def warnings(text: str) -> list[tuple[int, int, str]]:
    policy, root = parse_policy_tree(text.encode())
    found = list(find_preset_warnings(policy, root))
    assert all(one.suggestion for one in found)
    return [(one.line, one.column, one.message) for one in found]


@pytest.mark.parametrize("presets", [ALL, ""], ids=["every preset", "none"])
def test_a_plain_policy_has_none(presets: str) -> None:
    assert warnings(HEAD + presets + "rules: [{id: r, bucket: bkt, allow: [read]}]\n") == []


ROWS = [
    (
        "regions without a row",
        HEAD.replace("us-east-1", "us-east-1, ca-west-1, mx-central-1") + "presets: [ecr, codedeploy]\n",
        [
            (3, 11, "preset `ecr` knows no bucket in `mx-central-1`: it opens nothing there"),
            (
                3,
                16,
                "preset `codedeploy` knows no bucket in `ca-west-1`, `mx-central-1`: it opens nothing there",
            ),
        ],
    ),
    (
        "path style",
        HEAD.replace("style: allow", "style: deny") + "presets: [ecr, ssm-agent]\n",
        [(3, 16, "clients of preset `ssm-agent` name its buckets in the path, which is refused")],
    ),
    (
        "dualstack",
        HEAD.replace(", dualstack", "") + "presets: [amazon-linux-2023, ecr]\n",
        [(3, 11, "clients of preset `amazon-linux-2023` ask at dualstack names, which are not open")],
    ),
    (
        "no class that reaches it",
        HEAD.replace("standard, dualstack", "access-point") + "presets: [ecr]\n",
        [
            (
                3,
                11,
                "preset `ecr` opens nothing: its buckets are not reached by the listed endpoint classes",
            )
        ],
    ),
    (
        "a rule beside it",
        HEAD
        + "presets: [ecr]\nrules: [{id: r, bucket: prod-us-east-1-starport-layer-bucket, allow: [read]}]\n",
        [(4, 25, "rule `r` does not narrow preset `ecr`, which lists this bucket too")],
    ),
    (
        "a rule for its host",
        HEAD
        + "presets: [ssm-agent]\n"
        + "rules: [{id: r, fqdn: amazon-ssm-us-east-1.s3.us-east-1.amazonaws.com, allow: [read]}]\n",
        [(4, 23, "rule `r` does not narrow preset `ssm-agent`, which lists this bucket too")],
    ),
]


@pytest.mark.parametrize(("text", "expected"), [one[1:] for one in ROWS], ids=[one[0] for one in ROWS])
def test_warned(text: str, expected: list[tuple[int, int, str]]) -> None:
    assert warnings(text) == expected


def test_a_rule_for_such_a_bucket_without_the_preset_is_not_warned_of() -> None:
    rule = "rules: [{id: r, bucket: amazon-ssm-us-east-1, allow: [read]}]\n"
    assert warnings(HEAD + "presets: [ecr]\n" + rule) == []
