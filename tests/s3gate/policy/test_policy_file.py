"""The models of the policy file, and the JSON Schema that editors get from them."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from generate.schemas import SCHEMAS, render
from s3gate.policy.document import parse_policy
from s3gate.policy.mistake import PolicyErrors
from s3gate.policy.policy_file import PolicyFile

CONFIG = Path(__file__).parents[3] / "config"
NAME = "policy.schema.json"


def schema() -> jsonschema.Draft202012Validator:
    content = json.loads((CONFIG / NAME).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(content)
    return jsonschema.Draft202012Validator(content)


def test_the_committed_schema_is_that_of_the_models() -> None:
    assert SCHEMAS[NAME] is PolicyFile
    assert (CONFIG / NAME).read_text(encoding="utf-8") == render(PolicyFile), "run tests/generate/schemas.py"


def test_the_example_fits_schema_and_parser() -> None:
    data = (CONFIG / "policy.yaml").read_bytes()
    assert list(schema().iter_errors(yaml.safe_load(data))) == []
    assert [rule.id for rule in parse_policy(data).rules] == ["uploads", "reports", "archive", "finance"]


HEAD = "version: 1\nendpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard]}\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("version: 2\n" + HEAD.partition("\n")[2], id="version"),
        pytest.param("version: 1\n", id="endpoints missing"),
        pytest.param(HEAD + "presets: []\n", id="unknown key"),
        pytest.param(HEAD + "rules: [{id: a, bucket: bkt}]\n", id="allow missing"),
        pytest.param(HEAD + "rules: [{id: a, bucket: bkt, allow: []}]\n", id="empty list"),
        pytest.param(HEAD + "rules: [{id: a, bucket: bkt, allow: [Read]}]\n", id="allow spelling"),
        pytest.param(HEAD + "hosts: [{name: sts.amazonaws.com}]\n", id="host without accounts"),
        pytest.param(HEAD + "deny_at: later\n", id="choice"),
        pytest.param(HEAD.replace("[standard]", "[control]"), id="class"),
    ],
)
def test_schema_and_parser_refuse_alike(text: str) -> None:
    assert list(schema().iter_errors(yaml.safe_load(text))) != []
    with pytest.raises(PolicyErrors):
        parse_policy(text.encode())


def test_absent_optional_keys_deny() -> None:
    policy = parse_policy(HEAD.encode())
    assert (policy.path_style, policy.sigv2, policy.unsigned) == (True, False, False)
    assert policy.plain_http == "deny"
    assert policy.deny_at == "request"
    assert policy.monitor is None
    assert (policy.rules, dict(policy.hosts), dict(policy.clients)) == ((), {}, {})
