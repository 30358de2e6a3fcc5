"""What the top of a document lists, as written."""

from s3gate.policy.listed import Listed, read_listed
from s3gate.policy.yaml_source import parse_yaml


def listed(text: str) -> Listed:
    root, _ = parse_yaml(text.encode())
    assert root is not None
    return read_listed(root)


def test_words_are_taken_as_written() -> None:
    assert listed(
        "endpoints: {partitions: [aws], regions: [eu-west-1, x, [y]], classes: [Fips]}\nclients: {a: {}}\n"
    ) == Listed(frozenset({"aws"}), frozenset({"eu-west-1", "x"}), frozenset({"Fips"}), frozenset({"a"}))


def test_a_section_that_is_missing_or_no_list_blames_nobody_below() -> None:
    assert listed("endpoints: {regions: eu-west-1}\n") == Listed(None, None, None, frozenset())
    assert listed("endpoints: x\nclients: [a]\n") == Listed(None, None, None, None)
