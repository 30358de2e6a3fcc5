"""A preset that opens nothing is a mistake, with its place and the next step."""

import pytest

from s3gate.policy.document import parse_policy
from s3gate.policy.mistake import PolicyErrors

HEAD = (
    "version: 1\nendpoints: {partitions: [%s], regions: [%s], classes: [standard, dualstack]}\npresets: %s\n"
)


def mistakes(regions: str, presets: str, partition: str = "aws") -> list[tuple[int, int, str, str | None]]:
    with pytest.raises(PolicyErrors) as caught:
        parse_policy((HEAD % (partition, regions, presets)).encode())
    return [(one.line, one.column, one.message, one.suggestion) for one in caught.value.mistakes]


def test_a_known_preset_is_kept_in_order() -> None:
    policy = parse_policy((HEAD % ("aws", "eu-west-1", "[ssm-patch, ecr]")).encode())
    assert policy.presets == ("ssm-patch", "ecr")


def test_without_the_key_there_is_none() -> None:
    assert parse_policy((HEAD % ("aws", "eu-west-1", "[ecr]")).partition("presets")[0].encode()).presets == ()


ROWS = [
    ("a slip", "eu-west-1", "[ssm-agnet]", "`ssm-agnet` is not a preset", "write `ssm-agent`"),
    ("capitals", "eu-west-1", "[SSM-Agent]", "`SSM-Agent` is not a preset", "write `ssm-agent`"),
    ("a host", "eu-west-1", "[xxxx]", "`xxxx` is not a preset", "one of `amazon-linux-2`"),
    ("a pattern", "eu-west-1", '["ssm-*"]', "`ssm-*` is not a preset", "ssm"),
    ("no row there", "mx-central-1", "[ecr]", "knows no bucket in the listed regions", "write a rule"),
    ("another region", "ca-west-1", "[codedeploy]", "knows no bucket in the listed regions", "write a rule"),
]


@pytest.mark.parametrize(
    ("regions", "presets", "says", "next_step"), [one[1:] for one in ROWS], ids=[one[0] for one in ROWS]
)
def test_refused(regions: str, presets: str, says: str, next_step: str) -> None:
    found = mistakes(regions, presets)
    assert [one[:2] for one in found] == [(3, 11)]
    assert says in found[0][2]
    assert next_step in (found[0][3] or "")


def test_another_partition_has_no_rows() -> None:
    assert "knows no bucket" in mistakes("cn-north-1", "[ecr]", "aws-cn")[0][2]


def test_unreadable_regions_are_told_alone() -> None:
    text = (HEAD % ("aws", "eu-west-1", "[ecr]")).replace("[eu-west-1]", "{}")
    with pytest.raises(PolicyErrors) as caught:
        parse_policy(text.encode())
    assert [one.message for one in caught.value.mistakes] == ["a mapping where a list belongs"]


def test_a_repeated_preset_and_an_empty_list() -> None:
    assert mistakes("eu-west-1", "[ecr, ecr]") == [(3, 16, "`ecr` twice in one list", "keep one")]
    assert mistakes("eu-west-1", "[]")[0][2] == "an empty list"
    assert "where a list belongs" in mistakes("eu-west-1", "ecr")[0][2]
