"""Write the JSON Schemas of `config/` from the models of the policy, its cases and the settings.

Run `python tests/generate/schemas.py config` after a model changed; a test compares
the committed files with `render()`.
"""

import json
import sys
from pathlib import Path

from pydantic import BaseModel

from s3gate.policy.cases_file import CasesFile
from s3gate.policy.policy_file import PolicyFile
from s3gate.settings import Settings

DIALECT = "https://json-schema.org/draft/2020-12/schema"

SCHEMAS: dict[str, type[BaseModel]] = {
    "policy.schema.json": PolicyFile,
    "policy_cases.schema.json": CasesFile,
    "settings.schema.json": Settings,
}


def render(model: type[BaseModel]) -> str:
    """The schema of a model as the committed file holds it."""
    schema = {"$schema": DIALECT, **model.model_json_schema()}
    return json.dumps(schema if model is Settings else _without_null(schema), indent=2) + "\n"


def _without_null(value: object) -> object:
    """A key of the policy and its cases is there or absent, never null: editors shall not offer it."""
    if isinstance(value, list):
        return [_without_null(one) for one in value if one != {"type": "null"}]
    if not isinstance(value, dict):
        return value
    kept = {key: _without_null(one) for key, one in value.items() if not (key == "default" and one is None)}
    choices = kept.get("anyOf")
    if isinstance(choices, list) and len(choices) == 1:
        del kept["anyOf"]
        kept.update(choices[0])
    return kept


if __name__ == "__main__":
    for name, shape in SCHEMAS.items():
        (Path(sys.argv[1]) / name).write_text(render(shape), encoding="utf-8")
