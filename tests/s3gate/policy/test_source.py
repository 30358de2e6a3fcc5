"""Each spelling of a place is read and written back; what is none says how it should be."""

import pytest

from s3gate.policy.mistake import Misspelling
from s3gate.policy.source import CA_SCHEMES, POLICY_SCHEMES, parse_remote


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("s3://example-bucket/gate/policy.yaml", ("example-bucket", "gate/policy.yaml")),
        ("ssm:///s3gate/policy", ("/s3gate/policy",)),
        ("ssm://policy", ("policy",)),
        ("appconfig://s3gate/prod/policy", ("s3gate", "prod", "policy")),
    ],
)
def test_a_place_comes_back(text: str, parts: tuple[str, ...]) -> None:
    place = parse_remote(text, POLICY_SCHEMES)
    assert place is not None
    assert (place.parts, str(place)) == (parts, text)


@pytest.mark.parametrize("text", ["policy.yaml", "/etc/s3gate/policy.yaml", "s3:/x", "C:\\policy", ""])
def test_a_path_is_no_place(text: str) -> None:
    assert parse_remote(text, POLICY_SCHEMES) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("s3://bucket", "names no object"),
        ("s3://Bucket/key", "names no object"),
        ("s3://bucket/key\n", "names no object"),
        ("s3://bucket/a?versionId=1", "names no object"),
        ("ssm://a b", "names no parameter"),
        ("ssm://policy:3", "names no parameter"),
        ("ssm://" + "a" * 1012, "names no parameter"),
        ("appconfig://a/b", "names no configuration profile"),
        ("appconfig://a/b/c/d", "names no configuration profile"),
        ("secretsmanager://s3gate/policy", "`secretsmanager://` cannot hold this"),
        ("S3://bucket/key", "`S3://` cannot hold this"),
        ("https://example.com/policy", "`https://` cannot hold this"),
        ("file:///etc/policy", "`file://` cannot hold this"),
    ],
)
def test_what_is_no_place(text: str, told: str) -> None:
    with pytest.raises(Misspelling, match=told):
        parse_remote(text, POLICY_SCHEMES)


def test_a_ca_may_be_a_secret_and_no_object() -> None:
    assert str(parse_remote("secretsmanager://s3gate/ca", CA_SCHEMES)) == "secretsmanager://s3gate/ca"
    for wrong in ("s3://bucket/ca.pem", "secretsmanager://a b"):
        with pytest.raises(Misspelling):
            parse_remote(wrong, CA_SCHEMES)
