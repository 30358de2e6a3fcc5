"""Asks the IAM evaluator what the deployed policies answer."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from drive.evaluator import ANYBODY, EXPLICITLY, IMPLICITLY, Evaluator, Question
from drive.templates import Json
from guard.deployment import PARAMETERS, ROOT, Deployment
from guard.finding import Finding, finding
from guard.questions import DENIED, ROLES, Row
from guard.template import ACCOUNT, REGION

LOCATION: Final = "rendered/s3-endpoint-policy.json"
NOTHING: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "iam:GetUser", "Resource": "*"}],
}
# Where the policy is that guards a resource, when it is not in the resource.
POLICY_OF: Final = {
    "ArchiveBucket": "ArchivePolicy",
    "AccessLogBucket": "AccessLogPolicy",
    "AlarmTopic": "AlarmTopicPolicy",
}


def render_included(directory: Path) -> dict[str, object]:
    """The documents that `AWS::Include` names, made as deploy/endpoint_policy.py makes them."""
    target = directory / "s3-endpoint-policy.json"
    words = [
        sys.executable,
        str(ROOT / "deploy" / "endpoint_policy.py"),
        "--policy",
        str(ROOT / "config" / "policy.yaml"),
    ]
    words += [
        "--params",
        str(PARAMETERS / "prod.json"),
        "--region",
        REGION,
        "--account",
        ACCOUNT,
        "--output",
        str(target),
    ]
    subprocess.run(words, check=True, capture_output=True, timeout=120)
    return {LOCATION: json.loads(target.read_text(encoding="utf-8"))}


def _policy(deployment: Deployment, name: str | None) -> tuple[Json | None, str]:
    """The policy document that guards or grants, and the resource that holds it."""
    if name is None:
        return None, ""
    if name in {"nothing", "anybody"}:
        return (NOTHING if name == "nothing" else ANYBODY), ""
    holder = POLICY_OF.get(name, name)
    made = deployment.named(holder)
    if made.kind == "AWS::IAM::Role":
        return dict(made.properties["Policies"][0]["PolicyDocument"]), holder
    return dict(made.properties["KeyPolicy" if made.kind == "AWS::KMS::Key" else "PolicyDocument"]), holder


def ask(row: Row, deployment: Deployment, evaluator: Evaluator, *, opened: bool = False) -> str:
    """What is answered to one question.

    Args:
        row: the question.
        opened: with every policy that is asked replaced by one that allows everything.
    """
    who = ROLES.get(row.who, row.who)
    context = {**row.context, **({"aws:PrincipalArn": who} if row.who in ROLES else {})}
    question = Question(row.action, row.resource, row.account, who, context)
    endpoint, guarded, granted = (
        _policy(deployment, one)[0] for one in (row.endpoint, row.guarded, row.granted)
    )
    if opened:
        endpoint, guarded = endpoint and ANYBODY, guarded and ANYBODY
        granted = granted if row.granted == "nothing" else None
    return evaluator.ask(question, endpoint=endpoint, bucket=guarded, identity=granted)


def answer(row: Row, deployment: Deployment, evaluator: Evaluator) -> Iterator[Finding]:
    """Ask one question; what is said when the answer is not the wanted one."""
    told = ask(row, deployment, evaluator)
    good = told in {EXPLICITLY, IMPLICITLY} if row.wanted == DENIED else told == row.wanted
    if not good:
        holders = [_policy(deployment, one)[1] for one in (row.guarded, row.endpoint, row.granted)]
        yield finding(deployment.named(next(filter(None, holders))), f"{row.name}: {told}, not {row.wanted}")
