"""The models of the cases file, and the JSON Schema that editors get from them."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from generate.schemas import SCHEMAS, render
from s3gate.policy.cases import CasesErrors, parse_cases
from s3gate.policy.cases_file import CasesFile

CONFIG = Path(__file__).parents[3] / "config"
NAME = "policy_cases.schema.json"
HEAD = 'version: 1\nnow: "2026-07-01T00:00:00Z"\n'
ONE = "cases:\n  - {name: a, request: {method: GET, url: 'https://h/k'%s}, expect: {reason: HOST_NOT_LISTED%s}}\n"
GOOD = HEAD + ONE % ("", "")


def schema() -> jsonschema.Draft202012Validator:
    content = json.loads((CONFIG / NAME).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(content)
    return jsonschema.Draft202012Validator(content)


def test_the_committed_schema_is_that_of_the_models() -> None:
    assert SCHEMAS[NAME] is CasesFile
    assert (CONFIG / NAME).read_text(encoding="utf-8") == render(CasesFile), "run tests/generate/schemas.py"


def test_the_example_fits_schema_and_parser() -> None:
    data = (CONFIG / "policy_cases.yaml").read_bytes()
    assert list(schema().iter_errors(yaml.safe_load(data))) == []
    assert parse_cases(data).cases


@pytest.mark.parametrize("name", ["policy", "policy_cases", "s3gate"])
def test_editors_find_the_schema_of_each_sample(name: str) -> None:
    first = (CONFIG / f"{name}.yaml").read_text(encoding="utf-8").partition("\n")[0]
    words, _, path = first.partition("$schema=")
    assert words == "# yaml-language-server: "
    assert path in SCHEMAS
    assert (CONFIG / path).is_file()


BOTH_REFUSE = [
    ("version", GOOD.replace("version: 1", "version: 2"), (1, 10), "`2` is not one of `1`"),
    ("no clock", GOOD.partition("\n")[0] + "\n" + ONE % ("", ""), (1, 1), "key `now` is missing"),
    ("no cases", HEAD, (1, 1), "key `cases` is missing"),
    ("empty list", HEAD + "cases: []\n", (3, 8), "an empty list"),
    ("reason", HEAD + (ONE % ("", "")).replace("HOST_NOT", "HOSTS_NOT"), (4, 76), "is no reason"),
    ("unknown key", HEAD + ONE % (", verb: GET", ""), (4, 58), "unknown key `verb`"),
    ("no name", GOOD.replace("name: a, ", ""), (4, 5), "key `name` is missing"),
    ("no method", GOOD.replace("method: GET, ", ""), (4, 24), "key `method` is missing"),
    ("headers", HEAD + ONE % (", headers: [Host]", ""), (4, 67), "headers are pairs"),
    ("rule", HEAD + ONE % ("", ", rule: a b"), (4, 99), "is not a name"),
    ("key id", HEAD + "key_id: wJalrXUtnFEMI/K7MDENG\n" + ONE % ("", ""), (3, 9), "not an access key id"),
    ("null reason", GOOD.replace("HOST_NOT_LISTED", "null"), (4, 76), "`null` is no reason"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "place", "says"), [row[1:] for row in BOTH_REFUSE], ids=[row[0] for row in BOTH_REFUSE]
)
def test_schema_and_parser_refuse_alike(text: str, place: tuple[int, int], says: str) -> None:
    assert list(schema().iter_errors(yaml.safe_load(text))) != []
    with pytest.raises(CasesErrors) as caught:
        parse_cases(text.encode())
    (only,) = caught.value.mistakes
    assert ((only.line, only.column), says in only.message) == (place, True), only
    assert "wJalr" not in str(caught.value), "it may have been a secret key"


PARSER_REFUSES = [
    ("clock in words", GOOD.replace("2026-07-01T00:00:00Z", "today"), "`today` is not a time of ISO 8601"),
    ("name of two lines", GOOD.replace("name: a", 'name: "a\\nb"'), "characters on one line"),
    ("no request", GOOD.replace("https://h/k", "ftp://h/k"), "`url` `ftp://h/k` does not begin"),
    ("client", HEAD + ONE % (", client: office", ""), "`client` `office` is not an IP address"),
]


@pytest.mark.parametrize(
    ("text", "says"), [row[1:] for row in PARSER_REFUSES], ids=[row[0] for row in PARSER_REFUSES]
)
def test_refused(text: str, says: str) -> None:
    with pytest.raises(CasesErrors) as caught:
        parse_cases(text.encode())
    (only,) = caught.value.mistakes
    assert says in only.message
    assert only.suggestion
