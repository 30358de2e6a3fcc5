"""The settings as models, and the JSON Schema that editors get from them."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from pydantic import ValidationError

from generate.schemas import SCHEMAS, render
from s3gate.policy.mistake import DocumentErrors
from s3gate.settings import Settings, parse_settings

CONFIG = Path(__file__).parents[3] / "config"
NAME = "settings.schema.json"
LEAST = b"""\
policy: policy.yaml
ca: {certificate: ca.pem, private_key: ca.key}
audit: {directory: audit, hmac_key: audit.key}
cloudwatch: {region: eu-west-1}
"""


def test_the_committed_schema_is_that_of_the_models() -> None:
    assert SCHEMAS[NAME] is Settings
    assert (CONFIG / NAME).read_text(encoding="utf-8") == render(Settings), "run tests/generate/schemas.py"


def test_the_example_fits_the_schema() -> None:
    schema = json.loads((CONFIG / NAME).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    example = yaml.safe_load((CONFIG / "s3gate.yaml").read_bytes())
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(example)) == []


def test_the_example_says_nothing_but_the_defaults() -> None:
    example = parse_settings((CONFIG / "s3gate.yaml").read_bytes(), Path("/"), {})
    least = parse_settings(LEAST, Path("/"), {})
    for name in ("listen", "workers", "reload", "dns", "upstream", "limits", "users", "health", "admin"):
        assert getattr(example, name) == getattr(least, name)


def test_where_a_service_manager_fetches_from_is_the_gates_own_ground() -> None:
    least = parse_settings(LEAST, Path("/"), {})
    assert not least.ground.holds_host("ssm.eu-west-1.amazonaws.com")
    more = parse_settings(LEAST + b"own_places: [ssm:///s3gate/audit-key]\n", Path("/"), {})
    assert more.ground.holds_host("ssm.eu-west-1.amazonaws.com")
    assert not more.ground.holds_host("secretsmanager.eu-west-1.amazonaws.com")


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("/run/ca.key", "`/run/ca.key` is no place in AWS"),
        ("s3://bucket/key", "source `s3://` cannot hold this"),
        ("ssm://a b", "names no parameter"),
    ],
)
def test_what_is_no_place_of_a_secret_is_told(place: str, why: str) -> None:
    with pytest.raises(DocumentErrors, match=re.escape(why)):
        parse_settings(LEAST + f"own_places: ['{place}']\n".encode(), Path("/"), {})


def test_settings_never_change() -> None:
    settings = parse_settings(LEAST, Path("/"), {})
    with pytest.raises(ValidationError, match="frozen"):
        settings.listen.port = 1
    assert settings.upstream.networks == ("public",)
    assert settings.audit.max_bytes == 2 * 1024**3
