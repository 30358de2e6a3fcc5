"""The service-owned buckets of presets, as IAM grants.

The normal case: `presets: [ssm-agent]` grants `s3:GetObject` on the exact buckets of the listed
regions. They belong to accounts of AWS, and requests to them may be unsigned: neither
`aws:ResourceAccount` nor `aws:PrincipalAccount` is asked.
"""

from collections.abc import Iterable

from s3gate.aws.export.action_table import ACTIONS, Level
from s3gate.aws.export.grant import Condition, Grant
from s3gate.policy.model import Policy
from s3gate.policy.preset import preset_rows


def preset_grants(policy: Policy, region: str | None, extra: Iterable[Condition] = ()) -> list[Grant]:
    """What the rows of the policy's presets allow.

    Args:
        policy: whose presets.
        region: only rows of this region; None for all that the policy lists.
        extra: conditions that every grant gets.
    """
    conditions = frozenset(extra)
    found: list[Grant] = []
    for row in preset_rows(policy):
        if region not in {None, row.region}:
            continue
        arn = f"arn:{row.partition}:s3:::{row.bucket}"
        for level, resource in ((Level.OBJECT, f"{arn}/*"), (Level.BUCKET, arn)):
            actions = frozenset(
                action
                for name in row.operations
                if ACTIONS[name].level is level
                for action in ACTIONS[name].actions
            )
            if actions:
                found.append(Grant(actions, (resource,), conditions))
    return found
